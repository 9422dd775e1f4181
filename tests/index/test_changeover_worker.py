"""The index thread changes the embedding model while it does everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex
from vaultbot.errors import DataDamaged, ModelCrashed, ModelInvalid
from vaultbot.index.catalog import Catalog
from vaultbot.index.reader import CatalogReader
from vaultbot.index.succession import Engine, Predecessor, succession
from vaultbot.index.worker import IndexWorker, WorkerState
from vaultbot.protocols import FloatArray, VectorIndex
from vaultbot.vault.vault import Vault

PATIENCE_S = 30.0


class Shop:
    """A vault of forty notes, indexed by an earlier model, and a worker that changes over to a new one."""

    def __init__(self, folder: Path) -> None:
        self.root, self.file = folder / "vault", folder / "catalog.db"
        self.root.mkdir()
        for number in range(40):
            self.write(f"Note {number:02}.md", f"words number {number}")
        self.earlier, self.new = HashEmbedder(), HashEmbedder(fingerprint="hash-2")
        self.earlier_vectors, self.new_vectors = ListVectorIndex(), ListVectorIndex()
        self.told: list[VectorIndex | None] = []
        self.switched: list[VectorIndex] = []
        self.retired = threading.Event()
        self.gate = threading.Event()  # while it is not set, the new model embeds one part and then waits
        self.embedding = threading.Event()
        self.gate.set()
        embed = self.new.embed_documents

        def gated(texts: Sequence[str]) -> FloatArray:
            vectors = embed(texts)
            self.embedding.set()
            assert self.gate.wait(PATIENCE_S)
            return vectors

        self.new.embed_documents = gated  # type: ignore[method-assign]
        self._worker: IndexWorker | None = None

    def worker(self, *, new: bool, gone: bool = False) -> IndexWorker:
        def make(recipe: str) -> Engine:
            if gone:
                raise ModelInvalid("its folder is empty")
            return Engine(self.earlier, lambda: (self.earlier_vectors, None))

        model, vectors = (self.new, self.new_vectors) if new else (self.earlier, self.earlier_vectors)
        reader = CatalogReader(self.file)
        start = succession(
            Vault(self.root),
            Catalog(self.file),
            reader,
            wanted=Engine(model, lambda: (vectors, None)),
            chunk_tokens=230,
            recipe=model.fingerprint,
            predecessor=Predecessor(make, lambda: (self.new_vectors, "all is well"), self.retired.set),
            on_switched=self.switched.append,
        )
        self._worker = IndexWorker(
            start.indexer,
            reader,
            open_vectors=start.engine.open_vectors,
            on_vectors=self.told.append,
            rescan_s=600,
            changeover=start.changeover,
            notice=start.notice,
        )
        return self._worker

    def indexed(self) -> Shop:
        """By the earlier model."""
        worker = self.worker(new=False)
        worker.start()
        assert worker.run().result(PATIENCE_S).notes == 40
        self.stop()
        self.told.clear()
        return self

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)

    def paths(self) -> list[str]:
        return CatalogReader(self.file).paths()

    def until(self, condition: Callable[[WorkerState], bool]) -> WorkerState:
        assert self._worker is not None
        seen = -1
        while True:
            state = self._worker.wait(seen, timeout=PATIENCE_S)
            assert state.version > seen, f"nothing more happened after {state}"
            if condition(state):
                return state
            seen = state.version

    def stop(self) -> None:
        if self._worker is not None:
            assert self._worker.stop(timeout=PATIENCE_S)
            self._worker = None


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr("vaultbot.index.removals.SETTLE_S", 0.1)
    monkeypatch.setattr("vaultbot.index.worker.SETTLE_S", 0.1)
    monkeypatch.setattr("vaultbot.index.waking._QUIET_S", 0.02)
    monkeypatch.setattr("vaultbot.index.worker._RETIRED_S", 0.05)
    monkeypatch.setattr("vaultbot.index.changeover._TEXTS_A_BATCH", 10)
    shop = Shop(tmp_path).indexed()
    yield shop
    shop.gate.set()
    shop.stop()


def ready(state: WorkerState) -> bool:
    return state.state == "ready"


def test_the_new_model_takes_over_and_the_earlier_vectors_are_let_go(shop: Shop) -> None:
    shop.worker(new=True).start()

    state = shop.until(ready)

    assert shop.told == [shop.earlier_vectors]
    assert shop.switched == [shop.new_vectors]
    assert len(shop.new_vectors.vectors) == len(shop.earlier_vectors.vectors) == 80
    assert state.notices == ("all is well",)
    assert shop.retired.wait(PATIENCE_S)
    assert shop.earlier_vectors.closed == 2  # By the first worker, and now.
    assert shop.new_vectors.closed == 0
    shop.stop()
    assert shop.new_vectors.closed == 1


def test_it_says_that_it_prepares_and_how_far_it_is(shop: Shop) -> None:
    shop.gate.clear()
    shop.worker(new=True).start()
    assert shop.embedding.wait(PATIENCE_S)
    begun = shop.until(lambda state: "being prepared:" in state.message)
    assert begun.state == "indexing"
    assert begun.message == (
        "the new embedding model hash is being prepared: 0 of 40 notes; until then the one before answers"
    )
    assert begun.last_report is not None
    assert shop.switched == []

    seen: list[WorkerState] = []

    def looked(state: WorkerState) -> bool:
        seen.append(state)
        return ready(state)

    shop.gate.set()
    shop.until(looked)
    done = [state.progress.done for state in seen if state.progress and state.progress.stage == "prepare"]
    assert done == sorted(done)
    assert not any(ready(state) for state in seen[:-1])


def test_what_is_written_meanwhile_is_found_at_once(shop: Shop) -> None:
    shop.gate.clear()
    worker = shop.worker(new=True)
    worker.start()
    assert shop.embedding.wait(PATIENCE_S)
    shop.write("Fresh.md", "fresh words")
    asked = worker.run()
    shop.gate.set()

    assert asked.result(PATIENCE_S).added == 1
    shop.until(ready)
    assert len(shop.new_vectors.vectors) == 82
    assert len(shop.new.embedded) == len(set(shop.new.embedded))


def test_a_stop_in_the_middle_is_gone_on_from_at_the_next_start(shop: Shop) -> None:
    shop.gate.clear()
    worker = shop.worker(new=True)
    worker.start()
    assert shop.embedding.wait(PATIENCE_S)
    assert not worker.stop(timeout=0)
    shop.gate.set()
    shop.stop()
    first = len(shop.new.embedded)
    assert 0 < first < 80
    assert shop.switched == []

    shop.worker(new=True).start()
    shop.until(ready)

    assert shop.switched == [shop.new_vectors]
    assert len(shop.new.embedded) == len(set(shop.new.embedded))


def test_a_new_model_that_is_broken_is_told_and_the_one_before_goes_on(shop: Shop) -> None:
    shop.new.failure = ModelInvalid("the weights are damaged")
    worker = shop.worker(new=True)
    worker.start()

    state = shop.until(lambda state: state.state == "degraded")
    assert state.message == "the weights are damaged; until then the one before answers"
    shop.write("Fresh.md", "fresh words")
    assert worker.run().result(PATIENCE_S).added == 1
    assert shop.told == [shop.earlier_vectors]

    shop.new.failure = None
    worker.wake()
    shop.until(ready)
    assert shop.switched == [shop.new_vectors]


def test_a_model_that_is_away_for_good_does_not_hold_up_the_one_that_follows_it(shop: Shop) -> None:
    """As a server that was shut down once another model was chosen."""
    shop.earlier.failure = ModelCrashed("the server is not running")
    shop.write("Fresh.md", "fresh words")
    shop.gate.clear()
    shop.worker(new=True).start()
    shop.until(lambda state: bool(state.last_report and "words alone" in "".join(state.last_report.warnings)))
    shop.gate.set()

    shop.until(ready)

    assert shop.switched == [shop.new_vectors]
    assert len(shop.new_vectors.vectors) == 82


def test_a_vault_that_vanishes_meanwhile_is_told(shop: Shop) -> None:
    shop.gate.clear()
    worker = shop.worker(new=True)
    worker.start()
    assert shop.embedding.wait(PATIENCE_S)
    shop.root.rename(shop.root.with_name("away"))
    shop.gate.set()
    shop.until(lambda state: state.state == "vault-missing")
    assert shop.switched == []

    shop.root.with_name("away").rename(shop.root)
    worker.wake()
    shop.until(ready)
    assert shop.switched == [shop.new_vectors]
    assert len(shop.new.embedded) == len(set(shop.new.embedded))


def test_the_earlier_vectors_may_fail_meanwhile(shop: Shop) -> None:
    shop.earlier_vectors.failure = DataDamaged("its files were changed")
    shop.worker(new=True).start()

    state = shop.until(ready)

    assert shop.switched == [shop.new_vectors]
    assert state.notices == ("all is well",)
    shop.new_vectors.failure = DataDamaged("it is damaged as well")
    shop.write("Fresh.md", "fresh words")
    assert shop._worker is not None
    shop._worker.run().result(PATIENCE_S)
    assert ["it is damaged as well" in notice for notice in shop._worker.state.notices] == [False, True]


def test_a_model_that_is_gone_is_told_until_every_note_was_read(shop: Shop) -> None:
    shop.gate.clear()
    worker = shop.worker(new=True, gone=True)
    worker.start()
    assert shop.embedding.wait(PATIENCE_S)
    assert ["(its folder is empty)" in notice for notice in worker.state.notices] == [True]

    shop.gate.set()
    assert shop.until(ready).notices == ()
    assert shop.switched == []
    assert shop.told == [shop.new_vectors]
