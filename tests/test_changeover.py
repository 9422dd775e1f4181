"""What people notice of a change of the embedding model: nothing but the new model's answers at its end."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex, ScriptedChatModel
from vaultbot.assistant import Assistant
from vaultbot.bootstrap import assemble_with
from vaultbot.config import Config
from vaultbot.index.succession import Engine, Predecessor
from vaultbot.paths import StatePaths
from vaultbot.protocols import FloatArray
from vaultbot.vault.vault import Vault

PATIENCE_S = 30.0
QUESTION = "What is a starter fed with?"


class GatedEmbedder(HashEmbedder):
    """Embeds only while its gate is open. With other dimensions, a mix with the earlier vectors could only fail."""

    def __init__(self) -> None:
        super().__init__(fingerprint="hash-2", dimensions=48)
        self.name = "new"
        self.begun, self.gate = threading.Event(), threading.Event()

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        self.begun.set()
        assert self.gate.wait(PATIENCE_S)
        return super().embed_documents(texts)


class Home:
    """A small vault that an earlier model has indexed, and a start with a new one."""

    def __init__(self, folder: Path) -> None:
        self.root, self.state = folder / "vault", StatePaths(folder / "state")
        self.root.mkdir()
        self.write("Sourdough.md", "A sourdough starter is fed with flour and water every day.")
        self.write("Bread.md", "Bread is baked from flour, water and a sourdough starter.")
        self.write("Kimchi.md", "Cabbage, salt and time.")
        self.earlier: HashEmbedder | None = HashEmbedder()
        self.new = GatedEmbedder()
        self.assistant = self._start(self.earlier, ListVectorIndex(), None)
        self.assistant.index(timeout=PATIENCE_S)
        self.assistant.close(timeout=PATIENCE_S)

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)

    def change(self) -> None:
        """Start with the new model in the settings, and wait until it begins to embed."""
        earlier = self.earlier
        assert earlier is not None
        self.assistant = self._start(
            self.new,
            ListVectorIndex(),
            Predecessor(
                make=lambda _: Engine(self.earlier, lambda: (ListVectorIndex(), None)),
                open_next=lambda: (ListVectorIndex(), None),
                retired=lambda: None,
            ),
        )
        assert self.new.begun.wait(PATIENCE_S)

    def finish(self) -> None:
        self.new.gate.set()
        seen = -1
        while (state := self.assistant.worker.wait(seen, timeout=PATIENCE_S)).state != "ready":
            assert state.version > seen
            seen = state.version

    def _start(self, embedder: HashEmbedder, vectors: ListVectorIndex, predecessor: Predecessor | None) -> Assistant:
        assistant = assemble_with(
            Config(),
            Vault(self.root),
            self.state,
            embedder=embedder,
            open_vectors=lambda: (vectors, None),
            load_model=ScriptedChatModel({"": "It is fed with flour and water."}),
            predecessor=predecessor,
        )
        assistant.worker.start()
        return assistant

    def found(self) -> tuple[str, ...]:
        result = self.assistant.search("sourdough starter flour", mode="dense")
        assert result.warnings == ()
        return tuple(hit.path for hit in result.hits)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr("vaultbot.index.removals.SETTLE_S", 0.1)
    monkeypatch.setattr("vaultbot.index.worker._RETIRED_S", 0.05)
    home = Home(tmp_path)
    yield home
    home.new.gate.set()
    home.assistant.close(timeout=PATIENCE_S)


def test_notes_are_found_by_their_meaning_before_and_after(home: Home) -> None:
    home.change()
    assert home.assistant.embedder is home.earlier
    before = home.found()
    assert set(before[:2]) == {"Sourdough.md", "Bread.md"}

    home.finish()

    assert home.assistant.embedder is home.new
    assert set(home.found()[:2]) == {"Sourdough.md", "Bread.md"}


def test_a_note_that_is_written_meanwhile_is_found_by_its_meaning(home: Home) -> None:
    home.change()
    home.write("Focaccia.md", "Focaccia needs sourdough starter flour.")
    home.new.gate.set()
    home.assistant.index(timeout=PATIENCE_S)

    assert "Focaccia.md" in home.found()
    home.finish()
    assert "Focaccia.md" in home.found()


def test_questions_and_related_notes_are_answered_before_and_after(home: Home) -> None:
    home.change()
    earlier = home.earlier
    assert earlier is not None
    assert home.assistant.ask(QUESTION).citations[0].path == "Sourdough.md"
    assert home.assistant.related("Sourdough.md").notes[0].path == "Bread.md"

    home.finish()
    calls = earlier.calls

    assert home.assistant.ask(QUESTION).citations[0].path == "Sourdough.md"
    related = home.assistant.related("Sourdough.md")
    assert related.notes[0].path == "Bread.md"
    assert related.warnings == ()
    assert earlier.calls == calls


def test_the_earlier_model_is_let_go(home: Home) -> None:
    home.change()
    home.assistant.ask(QUESTION)
    earlier = weakref.ref(home.earlier)
    home.finish()
    home.earlier = None
    home.assistant.index(timeout=PATIENCE_S)
    for _ in range(300):
        gc.collect()
        if earlier() is None:
            return
        time.sleep(0.1)

    pytest.fail("something still holds the earlier model")
