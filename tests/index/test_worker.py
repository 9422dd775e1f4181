from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex
from vaultbot import faults
from vaultbot.errors import DataDamaged, DiskFull, ModelInvalid, ShuttingDown, VaultbotError, VaultMissing
from vaultbot.index.catalog import Catalog
from vaultbot.index.indexer import Indexer
from vaultbot.index.reader import CatalogReader
from vaultbot.index.worker import IndexWorker, WorkerState
from vaultbot.protocols import FloatArray, VectorIndex
from vaultbot.vault.vault import Vault

PATIENCE_S = 30.0


class Shop:
    """A worker over a vault of its own, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "vault"
        self.root.mkdir()
        self.file = folder / "catalog.db"
        self.embedder = HashEmbedder()
        self.vectors = ListVectorIndex()
        self.told: list[VectorIndex | None] = []
        self.open: Callable[[], tuple[VectorIndex, str | None]] | None = lambda: (self.vectors, None)
        self._worker: IndexWorker | None = None

    @property
    def worker(self) -> IndexWorker:
        if self._worker is None:
            self._worker = IndexWorker(
                Indexer(Vault(self.root), Catalog(self.file), embedder=self.embedder, chunk_tokens=230),
                CatalogReader(self.file),
                open_vectors=self.open,
                on_vectors=self.told.append,
                rescan_s=600,
            )
        return self._worker

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)

    def paths(self) -> list[str]:
        return CatalogReader(self.file).paths()

    def started(self) -> Shop:
        self.worker.start()
        return self

    def held_up(self) -> threading.Event:
        """Start, and wait in the middle of the first run until the event is set."""
        begun, go_on = threading.Event(), threading.Event()
        embed = self.embedder.embed_documents

        def slow(texts: Sequence[str]) -> FloatArray:
            begun.set()
            assert go_on.wait(PATIENCE_S)
            return embed(texts)

        self.embedder.embed_documents = slow  # type: ignore[method-assign]
        self.started()
        assert begun.wait(PATIENCE_S)
        return go_on

    def until(self, condition: Callable[[WorkerState], bool]) -> WorkerState:
        """The first state that meets the condition."""
        seen = -1
        while True:
            state = self.worker.wait(seen, timeout=PATIENCE_S)
            assert state.version > seen, f"nothing more happened after {state}"
            if condition(state):
                return state
            seen = state.version

    def ready(self, notes: int) -> WorkerState:
        return self.until(lambda s: s.state == "ready" and s.last_report is not None and s.last_report.notes == notes)

    def stop(self) -> None:
        if self._worker is not None:
            assert self._worker.stop(timeout=PATIENCE_S)
            self._worker = None


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr("vaultbot.index.removals.SETTLE_S", 0.1)
    monkeypatch.setattr("vaultbot.index.worker.SETTLE_S", 0.1)
    monkeypatch.setattr("vaultbot.index.waking._QUIET_S", 0.02)
    shop = Shop(tmp_path)
    shop.write("First.md", "first words")
    yield shop
    shop.stop()


def test_it_indexes_the_vault_when_it_starts(shop: Shop) -> None:
    state = shop.started().ready(1)

    assert state.message == "ready"
    assert state.progress is None
    assert shop.told == [shop.vectors]
    assert len(shop.vectors.vectors) == 2


def test_it_says_how_far_it_is(shop: Shop) -> None:
    go_on = shop.held_up()

    state = shop.worker.state
    assert (state.state, state.message) == ("indexing", "indexing 1/1")
    assert state.progress is not None
    assert (state.progress.done, state.progress.total) == (1, 1)
    go_on.set()
    assert shop.ready(1).progress is None


def test_it_looks_again_when_it_is_woken(shop: Shop) -> None:
    shop.started().ready(1)
    shop.write("Second.md", "second words")
    shop.worker.wake()

    assert shop.ready(2).last_report is not None
    assert shop.paths() == ["First.md", "Second.md"]


def test_a_deleted_note_goes_without_another_wake(shop: Shop) -> None:
    shop.write("Second.md", "second words")
    shop.started().ready(2)
    (shop.root / "Second.md").unlink()
    shop.worker.wake()

    shop.until(lambda s: s.last_report is not None and s.last_report.removed == 1)
    assert shop.paths() == ["First.md"]


def test_a_run_that_is_asked_for_looks_twice(shop: Shop) -> None:
    shop.write("Second.md", "second words")
    shop.started().ready(2)
    (shop.root / "Second.md").unlink()

    report = shop.worker.run().result(PATIENCE_S)

    assert (report.removed, report.notes, report.chunks) == (1, 1, 1)


def test_a_run_that_is_asked_for_during_another_sees_what_was_written_before(shop: Shop) -> None:
    go_on = shop.held_up()
    shop.write("Late.md", "late words")
    asked = [shop.worker.run() for _ in range(3)]
    assert not any(future.done() for future in asked)
    go_on.set()

    assert [future.result(PATIENCE_S).notes for future in asked] == [2, 2, 2]


def test_a_client_that_went_away_does_not_end_the_worker(shop: Shop) -> None:
    go_on = shop.held_up()
    left = shop.worker.run()
    assert left.cancel()
    go_on.set()

    assert shop.worker.run().result(PATIENCE_S).notes == 1


def test_a_vault_that_vanishes_is_told_and_so_is_its_return(shop: Shop) -> None:
    shop.started().ready(1)
    away = shop.root.with_name("away")
    shop.root.rename(away)

    with pytest.raises(VaultMissing):
        shop.worker.run().result(PATIENCE_S)
    state = shop.until(lambda s: s.state == "vault-missing")
    assert "does not exist" in state.message
    assert "Nothing was removed" in state.message
    assert shop.paths() == ["First.md"]

    away.rename(shop.root)
    report = shop.worker.run().result(PATIENCE_S)
    assert (report.unchanged, report.embedded) == (1, 0)
    assert shop.worker.state.state == "ready"


def test_a_broken_model_is_told_and_the_next_run_is_well_again(shop: Shop) -> None:
    shop.embedder.failure = ModelInvalid("the weights are damaged; put them there again")
    shop.started()

    state = shop.until(lambda s: s.state == "degraded")
    assert state.message == "the weights are damaged; put them there again"

    shop.embedder.failure = None
    assert shop.worker.run().result(PATIENCE_S).embedded == 1
    assert shop.worker.state.state == "ready"


def test_an_unforeseen_error_is_told_and_the_next_run_is_well_again(shop: Shop) -> None:
    shop.embedder.failure = ZeroDivisionError("odd")
    shop.started()

    with pytest.raises(ZeroDivisionError):
        shop.worker.run().result(PATIENCE_S)
    assert "ZeroDivisionError" in shop.until(lambda s: s.state == "degraded").message

    shop.embedder.failure = None
    assert shop.worker.run().result(PATIENCE_S).added == 1


def test_a_vector_index_that_fails_in_a_run_leaves_words(shop: Shop) -> None:
    shop.started().ready(1)
    shop.vectors.failure = DataDamaged("the vector index cannot be used")
    shop.write("Second.md", "second words")

    report = shop.worker.run().result(PATIENCE_S)

    assert report.added == 1
    assert shop.told == [shop.vectors, None]
    [notice] = shop.worker.state.notices
    assert notice.startswith("words alone are searched, because the vector index failed")
    assert "mended at the next start" in notice
    shop.write("Third.md", "third words")
    assert shop.worker.run().result(PATIENCE_S).added == 1
    assert len(shop.worker.state.notices) == 1

    shop.stop()
    shop.vectors.failure = None
    shop.told.clear()
    shop.started().ready(3)
    assert shop.told == [shop.vectors]
    assert len(shop.vectors.vectors) == 6


def test_a_vector_index_that_fails_at_the_start_leaves_words(shop: Shop) -> None:
    shop.vectors.failure = RuntimeError("boom")

    state = shop.started().ready(1)

    assert shop.told[-1] is None
    assert len(state.notices) == 1


@pytest.mark.parametrize(
    "error", [DataDamaged("gone"), OSError("no such folder"), ValueError("odd"), ImportError("no")]
)
def test_a_vector_index_that_cannot_be_opened_leaves_words(shop: Shop, error: Exception) -> None:
    def fail() -> tuple[VectorIndex, str | None]:
        raise error

    shop.open = fail
    state = shop.started().ready(1)

    assert shop.told == []
    assert [str(error) in notice for notice in state.notices] == [True]


def test_what_was_mended_at_the_start_is_told(shop: Shop) -> None:
    shop.open = lambda: (shop.vectors, "the vector index is being rebuilt")

    assert shop.started().ready(1).notices == ("the vector index is being rebuilt",)


def test_without_a_vector_index_words_alone_are_indexed(shop: Shop) -> None:
    shop.open = None

    assert shop.started().ready(1).notices == ()
    assert shop.told == []


def test_it_stops_in_the_middle_and_goes_on_at_the_next_start(shop: Shop) -> None:
    for number in range(500):
        shop.write(f"{number}.md", f"note number {number}")
    shop.started().until(lambda s: s.progress is not None and s.progress.done > 100)
    waiting = shop.worker.run()

    assert shop.worker.stop(timeout=PATIENCE_S)

    with pytest.raises(ShuttingDown):
        waiting.result(0)
    assert shop.told[-1] is None
    assert shop.vectors.closed == 1
    seen = len(shop.paths())
    assert 0 < seen < 501
    embedded = len(shop.embedder.embedded)
    shop.stop()
    report = shop.started().ready(501).last_report
    assert report
    assert (report.added, report.changed) == (501, 0)  # Those of `seen` had no vectors, and nobody was told of them.
    assert len(shop.embedder.embedded) - embedded < 2 * (501 - seen)
    assert len(shop.embedder.embedded) == len(set(shop.embedder.embedded))


def test_a_run_that_is_cut_short_is_no_report(shop: Shop) -> None:
    asked = shop.worker.run()
    go_on = shop.held_up()
    assert not shop.worker.stop(timeout=0)
    go_on.set()

    with pytest.raises(ShuttingDown):
        asked.result(PATIENCE_S)


def test_who_asks_after_the_end_is_told_at_once(shop: Shop) -> None:
    shop.started().ready(1)
    shop.worker.stop(timeout=PATIENCE_S)

    with pytest.raises(ShuttingDown):
        shop.worker.run().result(0)


def test_it_can_be_stopped_before_it_started(shop: Shop) -> None:
    assert shop.worker.stop(timeout=0)


def test_who_asks_a_worker_that_broke_down_is_told_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.started().ready(1)

    def broken(_: Callable[[], bool]) -> None:
        raise SystemError("broken")

    monkeypatch.setattr(shop.worker._woken, "settle", broken)
    shop.worker.wake()

    assert "SystemError" in shop.until(lambda s: s.state == "degraded").message
    with pytest.raises(VaultbotError, match="not being updated any more"):
        shop.worker.run().result(PATIENCE_S)


def test_stopping_and_asking_at_once_leaves_nobody_waiting(shop: Shop) -> None:
    for _ in range(20):
        shop.started()
        asked = []
        stopper = threading.Thread(target=lambda: shop.worker.stop(timeout=PATIENCE_S))
        stopper.start()
        asked = [shop.worker.run() for _ in range(5)]
        stopper.join()
        for future in asked:
            assert isinstance(future.exception(PATIENCE_S), ShuttingDown) or future.result(0).notes == 1
        shop.stop()


def test_a_change_that_no_event_told_of_is_found_and_said_to_be_unheard(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultbot.index.worker._FIRST_S", 0.2)
    monkeypatch.setattr("vaultbot.index.worker._LATE_S", 0.1)
    monkeypatch.setattr(shop.worker._indexer, "is_stale", lambda: False)
    unheard = threading.Event()
    shop.worker.on_unheard = unheard.set
    shop.started().ready(1)
    shop.write("Second.md", "second words")

    shop.ready(2)

    assert unheard.wait(PATIENCE_S)


def test_as_long_as_no_event_ever_came_it_looks_again_and_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for time_s in ("_FIRST_S", "_UNTOLD_S", "_LATE_S"):
        monkeypatch.setattr(f"vaultbot.index.worker.{time_s}", 0.1)
    monkeypatch.setattr("vaultbot.index.worker._LOOKING", 1.0)
    monkeypatch.setattr(shop.worker._indexer, "is_stale", lambda: False)
    looks, unheard = threading.Semaphore(0), threading.Event()
    shop.worker.on_look = lambda _began, _report: looks.release()
    shop.worker.on_unheard = unheard.set
    shop.worker.is_told = lambda: False
    shop.started()
    for _ in range(4):  # The first change comes long after the first look for it.
        assert looks.acquire(timeout=PATIENCE_S)

    shop.write("Second.md", "second words")

    shop.ready(2)
    assert unheard.wait(PATIENCE_S)


@pytest.mark.parametrize(("told", "slow"), [(True, False), (False, True)])
def test_where_events_come_or_a_look_takes_long_it_looks_as_often_as_the_settings_say(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, told: bool, slow: bool
) -> None:
    monkeypatch.setattr("vaultbot.index.worker._FIRST_S", 0.1)
    monkeypatch.setattr("vaultbot.index.worker._UNTOLD_S", 0.1)
    if slow:
        monkeypatch.setattr("vaultbot.index.worker._LOOKING", 1e-9)
    looks = threading.Semaphore(0)
    shop.worker.on_look = lambda _began, _report: looks.release()
    shop.worker.is_told = lambda: told
    shop.started()
    for _ in range(2):
        assert looks.acquire(timeout=PATIENCE_S)

    assert not looks.acquire(timeout=1)


def test_a_change_that_was_told_of_is_not(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    unheard = threading.Event()
    shop.worker.on_unheard = unheard.set
    shop.started().ready(1)
    shop.write("Second.md", "second words")
    shop.worker.wake()
    shop.ready(2)
    (shop.root / "Second.md").unlink()
    shop.worker.wake()

    shop.ready(1)

    assert not unheard.is_set()


def test_since_when_a_vault_is_away_is_told(shop: Shop) -> None:
    shop.started().ready(1)
    shop.root.rename(shop.root.with_name("away"))
    shop.worker.wake()

    first = shop.until(lambda s: s.state == "vault-missing").message
    shop.worker.wake()
    seen = shop.worker.state.version
    again = shop.until(lambda s: s.state == "vault-missing" and s.version > seen).message

    assert re.search(r"So since \d\d:\d\d on \d{4}-\d\d-\d\d\. Nothing was removed", first)
    assert again == first


def test_notes_that_went_at_once_are_told_until_they_are_back(shop: Shop) -> None:
    for number in range(40):
        shop.write(f"Note {number}.md", f"note {number}")
    shop.started().ready(41)
    away = shop.root.with_name("away")
    away.mkdir()
    for note in list(shop.root.glob("Note *.md")):
        note.rename(away / note.name)
    shop.worker.run().result(PATIENCE_S)

    [notice] = shop.worker.state.notices
    assert notice.startswith("40 notes disappeared at ")

    for note in list(away.iterdir()):
        note.rename(shop.root / note.name)
    assert shop.worker.run().result(PATIENCE_S).embedded == 0
    assert shop.worker.state.notices == ()


def test_a_full_disk_is_told_and_the_vector_index_is_opened_again_when_there_is_room(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultbot.index.worker._RETRY_S", 0.2)
    full = [True]

    def open_vectors() -> tuple[VectorIndex, str | None]:
        if full[0]:
            raise DiskFull("the disk is full")
        return shop.vectors, None

    shop.open = open_vectors
    assert shop.started().ready(1).notices == ("words alone are searched, for the disk is full",)

    full[0] = False

    shop.until(lambda s: s.notices == ())
    assert shop.told[-1] is shop.vectors
    assert len(shop.vectors.vectors) == 2


def test_when_the_disk_of_the_catalog_is_full_it_says_so_and_goes_on_by_itself(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultbot.index.worker._RETRY_S", 0.2)
    monkeypatch.setattr(faults, "_passed", {})
    monkeypatch.setenv("VAULTBOT_FAULT", "catalog.before-commit:enospc:1")
    shop.started()

    message = shop.until(lambda s: s.state == "degraded").message

    assert re.search(r"is full: [\d,]+ MB are free, and about 17 MB are needed; free some space, and indexing", message)
    assert shop.ready(1).message == "ready"
    assert len(shop.embedder.embedded) == len(set(shop.embedder.embedded))
