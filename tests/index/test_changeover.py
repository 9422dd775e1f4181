"""A change of the embedding model, step by step. Kills are in test_changeover_crashes.py."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex
from tests.index.conftest import Desk
from vaultbot.errors import DataDamaged, ModelInvalid, ShuttingDown, VaultbotError, VaultMissing
from vaultbot.index.changeover import Changeover
from vaultbot.index.indexer import Indexer
from vaultbot.protocols import VectorIndex
from vaultbot.types import IndexProgress
from vaultbot.vault.vault import Vault

LONG = "\n\n".join(f"## Part {part}\n{'Many words about roses. ' * 20}" for part in range(3))


@dataclass
class Change:
    """The change of a desk's embedder to another one, with an index of its own."""

    desk: Desk
    embedder: HashEmbedder = field(default_factory=lambda: HashEmbedder(fingerprint="hash-2"))
    vectors: ListVectorIndex = field(default_factory=ListVectorIndex)
    switched: list[VectorIndex] = field(default_factory=list)
    told: list[IndexProgress] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    _changeover: Changeover | None = None

    @property
    def changeover(self) -> Changeover:
        if self._changeover is None:
            catalog = self.desk.indexer._catalog
            vault = Vault(self.desk.root)
            self._changeover = Changeover(
                vault,
                catalog,
                self.desk.reader,
                after=Indexer(vault, catalog, embedder=self.embedder, chunk_tokens=230, recipe="new"),
                name="new",
                open_vectors=lambda: (self.vectors, None),
                on_switched=self.switched.append,
            )
        return self._changeover

    def prepare(self, *, paused: bool = False) -> bool:
        return self.changeover.prepare(on_progress=self.told.append, stopping=self.stopping, paused=lambda: paused)

    def switch(self) -> None:
        self.changeover.switch(on_progress=self.told.append, stopping=self.stopping)

    @property
    def built_with(self) -> str:
        return (self.desk.indexer._catalog.meta("built_with") or "").split()[0]


@pytest.fixture
def change(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> Change:
    """Three short notes and a long one, and a vector index of the earlier model."""
    monkeypatch.setattr("vaultbot.index.changeover._TEXTS_A_BATCH", 4)
    monkeypatch.setattr("vaultbot.index.vectorizer._TEXTS_AT_ONCE", 2)
    garden.write("Plants/Long.md", LONG)
    garden.indexer.attach(garden.vectors, stopping=threading.Event())
    garden.run()
    return Change(garden)


def chunks(desk: Desk) -> set[str]:
    catalog = desk.indexer._catalog
    return {row[0] for row in catalog._db.execute("SELECT id FROM chunk")}


def test_the_earlier_vectors_stay_until_all_of_the_new_ones_are_there(change: Change) -> None:
    before = dict(change.desk.vectors.vectors)

    assert change.prepare()
    assert change.desk.vectors.vectors.keys() == before.keys()
    assert change.built_with == "hash-1"
    assert change.switched == []

    change.switch()
    assert change.built_with == "hash-2"
    assert change.switched == [change.vectors]
    assert change.vectors.ids() == chunks(change.desk)
    assert change.desk.vectors.vectors.keys() == before.keys()


def test_notes_that_both_models_cut_alike_are_not_read_again(change: Change) -> None:
    change.prepare()
    change.switch()

    assert not any(progress.stage == "index" for progress in change.told)
    assert change.changeover.after.run(settle=True).touched is False


def test_a_model_that_counts_otherwise_cuts_long_notes_anew(change: Change) -> None:
    change.embedder.tokens_a_word = 3
    before = chunks(change.desk)

    change.prepare()
    assert chunks(change.desk) == before
    embedded = list(change.embedder.embedded)
    change.switch()

    assert {progress.total for progress in change.told if progress.stage == "index"} == {1}
    assert change.vectors.ids() == chunks(change.desk) != before
    assert change.embedder.embedded == embedded  # Nothing was left for the switch.


def test_who_reads_during_the_switch_sees_the_earlier_index_whole(change: Change) -> None:
    change.embedder.tokens_a_word = 3
    before = change.desk.indexer._catalog.ids_with_vectors("hash-1")
    seen: list[set[str]] = []
    change.prepare()

    def look(_: IndexProgress) -> None:
        reader = change.desk.reader
        with reader.snapshot():
            seen.append({row[0] for row in reader.connection.execute("SELECT id FROM chunk")})

    change.changeover.switch(on_progress=look, stopping=change.stopping)

    assert len(seen) > 1
    assert all(ids == before for ids in seen)
    assert chunks(change.desk) != before


def test_a_pause_keeps_what_was_made(change: Change) -> None:
    calls = 0
    while not change.prepare(paused=True):
        calls += 1
        assert change.embedder.calls == calls

    assert calls >= 2
    assert len(change.embedder.embedded) == len(set(change.embedder.embedded))


def test_a_restart_embeds_only_what_is_lacking(change: Change) -> None:
    change.prepare(paused=True)
    first = list(change.embedder.embedded)
    change.desk.reopen()
    again = Change(change.desk, HashEmbedder(fingerprint="hash-2"))

    assert again.prepare()

    assert set(again.embedder.embedded).isdisjoint(first)
    assert len(again.embedder.embedded) + len(first) == len({*again.embedder.embedded, *first})


def test_it_says_how_far_it_is(change: Change) -> None:
    change.prepare()

    assert {progress.stage for progress in change.told} == {"prepare"}
    assert [progress.total for progress in change.told] == [4] * len(change.told)
    assert [progress.done for progress in change.told] == sorted({progress.done for progress in change.told})
    assert (change.told[0].done, change.told[-1].done) == (0, 4)
    assert change.told[-1].left_s == 0.0


def test_what_is_edited_meanwhile_is_prepared_too(change: Change) -> None:
    change.prepare()
    change.desk.write("Home.md", "# Home\nWhere it ends.\n")
    change.desk.write("New.md", "Fresh words.")
    change.desk.run()
    assert change.prepare()
    prepared = list(change.embedder.embedded)

    change.switch()

    assert change.embedder.embedded == prepared
    assert change.vectors.ids() == chunks(change.desk)
    assert change.desk.find("ends") == ["Home.md"]


def test_what_is_edited_at_the_last_moment_is_read_by_the_switch(change: Change) -> None:
    change.prepare()
    change.desk.write("Home.md", "# Home\nWhere it ends at last.\n")

    change.switch()

    assert change.desk.find("ends last") == ["Home.md"]
    assert change.vectors.ids() == chunks(change.desk)


def test_a_note_that_cannot_be_read_holds_nothing_up(change: Change) -> None:
    (change.desk.root / "Home.md").unlink()
    (change.desk.root / "Home.md").mkdir()

    assert change.prepare()
    change.switch()

    assert change.built_with == "hash-2"
    assert change.desk.find("starts") == ["Home.md"]


def test_a_vault_that_went_away_is_not_taken_for_one_that_is_prepared(change: Change) -> None:
    away = change.desk.root.with_name("away")
    change.desk.root.rename(away)
    with pytest.raises(VaultMissing):
        change.prepare()

    away.rename(change.desk.root)
    assert change.prepare()
    assert len(change.embedder.embedded) == len(change.desk.embedder.embedded)  # type: ignore[union-attr]


def test_an_empty_folder_in_the_vaults_place_switches_nothing(change: Change) -> None:
    away = change.desk.root.with_name("away")
    change.desk.root.rename(away)
    change.desk.root.mkdir()
    assert change.prepare()
    with pytest.raises(VaultMissing):
        change.switch()
    assert change.built_with == "hash-1"

    change.desk.root.rmdir()
    away.rename(change.desk.root)
    assert change.prepare()
    prepared = list(change.embedder.embedded)
    change.switch()
    assert change.embedder.embedded == prepared != []


def test_a_stop_in_the_switch_leaves_the_earlier_model(change: Change) -> None:
    change.embedder.tokens_a_word = 3
    change.prepare()
    before = chunks(change.desk)
    with pytest.raises(ShuttingDown):
        change.changeover.switch(on_progress=lambda _: change.stopping.set(), stopping=change.stopping)

    assert chunks(change.desk) == before
    assert change.built_with == "hash-1"
    assert change.switched == []
    assert change.desk.run().touched is False


def test_a_new_model_that_fails_harms_nothing_and_is_tried_again(change: Change) -> None:
    change.embedder.failure = ModelInvalid("the weights are damaged")
    with pytest.raises(ModelInvalid):
        change.prepare()
    assert change.desk.run().touched is False

    change.embedder.failure = None
    assert change.prepare()


def test_a_vector_index_that_cannot_be_filled_switches_nothing(change: Change) -> None:
    change.prepare()
    change.vectors.failure = DataDamaged("no space")
    with pytest.raises(VaultbotError, match="no space"):
        change.switch()
    assert change.built_with == "hash-1"
    assert change.vectors.closed == 1

    change.vectors.failure = None
    change.switch()
    assert change.built_with == "hash-2"
    assert change.vectors.ids() == chunks(change.desk)


def test_the_vectors_that_wait_are_not_swept_and_the_earlier_ones_are_kept_for_a_week(change: Change) -> None:
    catalog = change.desk.indexer._catalog
    before = Indexer(Vault(change.desk.root), catalog, embedder=change.desk.embedder, chunk_tokens=230, interim=True)
    change.prepare()
    catalog.set_meta("swept", "0")
    before.run(settle=True)
    assert catalog._db.execute("SELECT count(*) FROM vector WHERE unused_since NOTNULL").fetchone() == (0,)

    change.switch()
    kept = catalog._db.execute("SELECT fingerprint, count(unused_since), count(*) FROM vector GROUP BY 1").fetchall()
    assert [(name, unused == every) for name, unused, every in kept] == [("hash-1", True), ("hash-2", False)]
    assert [unused for name, unused, _ in kept if name == "hash-2"] == [0]
