"""A text that the embedding model cannot embed: its note is found by its words, and nothing else suffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.fakes import HashEmbedder
from tests.index.conftest import Desk, counts
from tests.index.test_changeover import Change
from vaultbot.errors import ModelCrashed, ModelInvalid
from vaultbot.protocols import FloatArray


@dataclass
class Picky:
    """Makes an embedder refuse every batch that holds the word "poison", as a server does with odd texts."""

    embedder: HashEmbedder
    asked: list[str] = field(default_factory=list)
    picky: bool = True

    def __post_init__(self) -> None:
        self._embed = self.embedder.embed_documents
        self.embedder.embed_documents = self.embed_documents  # type: ignore[method-assign]

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        self.asked += texts
        if self.picky and any("poison" in text for text in texts):
            raise ModelInvalid("gave no vectors")
        return self._embed(texts)


@pytest.fixture
def poisoned(desk: Desk) -> Desk:
    """Forty notes; one of two passages has a text that cannot be embedded."""
    for number in range(40):
        desk.write(f"Note {number}.md", f"Bread number {number} with flour.")
    desk.write("Odd.md", f"# Clean\n{'Plain words. ' * 60}\n# Other\n{'Odd poison. ' * 60}\n")
    return desk


def lacking(desk: Desk) -> int:
    """Chunks without a vector."""
    catalog = desk.indexer._catalog
    (every,) = catalog._db.execute("SELECT count(*) FROM chunk").fetchone()
    return int(every) - len(catalog.ids_with_vectors("hash-1"))


def test_a_text_that_cannot_be_embedded_leaves_its_note_to_its_words_and_the_others_have_vectors(
    poisoned: Desk,
) -> None:
    assert poisoned.embedder is not None
    Picky(poisoned.embedder)

    report = poisoned.run()

    assert counts(report) == (41, 0, 0, 0, 0)
    assert [(one.path, one.reason.partition(",")[0]) for one in report.damaged] == [
        ("Odd.md", "the embedding model has no vector for a part of it")
    ]
    assert poisoned.reader.damaged() == list(report.damaged)
    assert poisoned.find("poison") == ["Odd.md"]
    assert 0 < lacking(poisoned) <= 3
    assert report.embedded > 40


def test_such_a_text_is_not_tried_and_its_note_not_read_again_before_the_next_start(poisoned: Desk) -> None:
    assert poisoned.embedder is not None
    picky = Picky(poisoned.embedder)
    poisoned.run()
    picky.asked.clear()

    assert counts(poisoned.run()) == (0, 0, 0, 0, 41)
    poisoned.write("New.md", "New words.")
    assert counts(poisoned.run()) == (1, 0, 0, 0, 41)
    assert not any("poison" in text for text in picky.asked)

    poisoned.reopen()
    assert [one.path for one in poisoned.run().damaged] == ["Odd.md"]
    picky.picky = False
    poisoned.reopen()
    assert poisoned.run().damaged == ()
    assert lacking(poisoned) == 0
    assert poisoned.reader.damaged() == []
    poisoned.reopen()
    assert counts(poisoned.run()) == (0, 0, 0, 0, 42)


def test_a_note_that_is_mended_is_damaged_no_more(poisoned: Desk) -> None:
    assert poisoned.embedder is not None
    Picky(poisoned.embedder)
    poisoned.run()

    poisoned.write("Odd.md", "Plain words.")

    assert poisoned.run().damaged == ()
    assert poisoned.reader.damaged() == []
    assert lacking(poisoned) == 0


def test_a_model_that_fails_in_the_middle_is_not_blamed_on_the_texts(poisoned: Desk) -> None:
    assert poisoned.embedder is not None
    Picky(poisoned.embedder)
    refuse = poisoned.embedder.embed_documents

    def away(texts: Sequence[str]) -> FloatArray:
        if list(texts) == ["ready"]:
            raise ModelCrashed("it is away")
        return refuse(texts)

    poisoned.embedder.embed_documents = away  # type: ignore[method-assign]
    with pytest.raises(ModelCrashed, match="it is away"):
        poisoned.run()
    assert poisoned.reader.damaged() == []
    assert poisoned.find("poison") == ["Odd.md"]


def test_a_change_of_the_model_comes_to_its_end_all_the_same(poisoned: Desk) -> None:
    poisoned.run()
    assert lacking(poisoned) == 0
    change = Change(poisoned)
    Picky(change.embedder)

    assert change.prepare()
    change.switch()

    assert change.built_with == "hash-2"
    assert len(change.vectors.ids()) > 40
    assert [one.path for one in poisoned.reader.damaged()] == ["Odd.md"]
    assert change.changeover.after.run(settle=True).touched is False


def test_a_new_model_that_can_embed_it_mends_its_note(poisoned: Desk) -> None:
    assert poisoned.embedder is not None
    Picky(poisoned.embedder)
    poisoned.run()
    assert len(poisoned.reader.damaged()) == 1
    change = Change(poisoned)

    assert change.prepare()
    change.switch()

    assert poisoned.reader.damaged() == []
    assert change.changeover.after.run(settle=True).touched is False


def test_numbers_without_sense_are_no_vectors_and_are_not_kept(garden: Desk) -> None:
    """Or every start would take them for damage of the catalog."""
    assert garden.embedder is not None
    embed = garden.embedder.embed_documents

    def dizzy(texts: Sequence[str]) -> FloatArray:
        vectors = embed(texts)
        for place, text in enumerate(texts):
            if "dizzy" in text:
                vectors[place] = np.nan
        return vectors

    garden.embedder.embed_documents = dizzy  # type: ignore[method-assign]
    garden.write("Dizzy.md", "A dizzy note.")
    garden.write("Sober.md", "A sober note.")

    report = garden.run()

    assert [one.path for one in report.damaged] == ["Dizzy.md"]
    assert garden.find("dizzy") == ["Dizzy.md"]
    garden.reopen()
    assert garden.run().added == 0
