"""Which embedding model serves at a start: the wanted one, or the one before until that is prepared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex
from vaultbot.errors import ModelMissing
from vaultbot.index import vectorizer
from vaultbot.index.catalog import Catalog
from vaultbot.index.reader import CatalogReader
from vaultbot.index.succession import Engine, Predecessor, Succession, succession
from vaultbot.vault.vault import Vault

#: The recipe of a fake embedder is its fingerprint.
MODELS = {name: HashEmbedder(fingerprint=name) for name in ("one", "two")}


def make(recipe: str) -> Engine:
    if recipe not in MODELS:
        raise ModelMissing(f"there is no model {recipe}")
    return Engine(MODELS[recipe], lambda: (ListVectorIndex(), None))


class Home:
    """A vault with one note and its catalog, opened anew at each start."""

    def __init__(self, folder: Path) -> None:
        self.root, self.file = folder / "vault", folder / "catalog.db"
        self.root.mkdir()
        (self.root / "Note.md").write_text("Words.")

    def start(
        self, model: str | None, *, chunk_tokens: int = 230, make: Callable[[str], Engine] = make, recipe: str = ""
    ) -> Succession:
        """Start with this model in the settings, and read the vault once."""
        wanted = Engine(MODELS[model], lambda: (ListVectorIndex(), None)) if model else Engine(None, None)
        start = succession(
            Vault(self.root),
            Catalog(self.file),
            CatalogReader(self.file),
            wanted=wanted,
            chunk_tokens=chunk_tokens,
            recipe=recipe or model or "none",
            predecessor=Predecessor(make, lambda: (ListVectorIndex(), None), lambda: None),
            on_switched=lambda _: None,
        )
        start.indexer.run(settle=True)
        start.indexer.close()
        return start

    def built_with(self) -> str | None:
        catalog = Catalog(self.file)
        try:
            return catalog.meta("built_with")
        finally:
            catalog.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_the_first_start_and_one_with_the_same_model_change_nothing(home: Home) -> None:
    for _ in range(2):
        start = home.start("one")
        assert start.engine.embedder is MODELS["one"]
        assert (start.changeover, start.notice) == (None, None)


def test_another_model_is_served_by_the_one_before_at_first(home: Home) -> None:
    home.start("one")

    start = home.start("two")

    assert start.engine.embedder is MODELS["one"]
    assert start.changeover is not None
    assert start.changeover.after.vectorizer.fingerprint == "two"
    assert start.notice is None
    assert (home.built_with() or "").startswith("one ")


def test_the_one_before_cuts_notes_as_it_did_when_that_setting_changes_too(home: Home) -> None:
    home.start("one", chunk_tokens=100)
    before = home.built_with()

    start = home.start("two", chunk_tokens=200)

    assert home.built_with() == before
    assert start.changeover is not None
    assert start.changeover.after.vectorizer.built_with.chunk_tokens == 200


def test_a_third_model_is_served_by_the_one_that_built_the_index(home: Home) -> None:
    MODELS["three"] = HashEmbedder(fingerprint="three")
    home.start("one")
    home.start("two")

    assert home.start("three").engine.embedder is MODELS["one"]


def test_a_model_that_is_gone_leaves_words_and_says_why(home: Home) -> None:
    home.start("one", recipe="gone")

    start = home.start("two")

    assert start.engine.embedder is MODELS["two"]
    assert start.changeover is None
    assert start.notice is not None
    assert "cannot be used any more (there is no model gone)" in start.notice
    assert (home.built_with() or "").startswith("two ")


@pytest.mark.parametrize("recipe", ["two", "{not json"])
def test_a_recipe_that_makes_something_else_is_not_used(home: Home, recipe: str) -> None:
    home.start("one", recipe=recipe)

    start = home.start("two")

    assert start.changeover is None
    assert start.notice is not None


def test_a_recipe_that_breaks_its_reader_is_not_used(home: Home) -> None:
    def broken(recipe: str) -> Engine:
        raise TypeError("EmbeddingSettings() got an unexpected keyword argument")

    home.start("one")

    start = home.start("two", make=broken)

    assert start.changeover is None
    assert start.notice is not None
    assert "(TypeError)" in start.notice


@pytest.mark.parametrize(("before", "now"), [(None, "one"), ("one", None)])
def test_no_model_before_or_now_is_no_change_of_the_model(home: Home, before: str | None, now: str | None) -> None:
    home.start(before)

    start = home.start(now)

    assert (start.changeover, start.notice) == (None, None)


def test_other_rules_for_cutting_notes_are_no_change_of_the_model(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.start("one")
    monkeypatch.setattr(vectorizer, "CHUNKER_VERSION", 999)

    assert home.start("two").changeover is None


def test_the_same_model_with_other_settings_is_kept_under_the_new_ones(home: Home) -> None:
    home.start("one", recipe="moved")
    home.start("one")

    assert home.start("two").engine.embedder is MODELS["one"]


@pytest.mark.parametrize("text", [None, "", "one", "one chunker x tokens 3", "one chunker 3 tokens 99999999999"])
def test_what_is_no_record_of_a_build_is_none(text: str | None) -> None:
    assert vectorizer.BuiltWith.parse(text) is None


def test_a_record_of_a_build_is_read_as_it_was_written() -> None:
    built = vectorizer.BuiltWith("a model chunker 7", 3, 230)

    assert vectorizer.BuiltWith.parse(str(built)) == built
