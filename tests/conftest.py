"""The fixture `vault`: a small vault, written in plain sight, with the whole product over it on fake engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes import HashEmbedder, ListVectorIndex, ScriptedChatModel
from vaultbot.assistant import Assistant
from vaultbot.bootstrap import assemble_with
from vaultbot.config import Config
from vaultbot.paths import StatePaths
from vaultbot.protocols import ChatModel, Reranker
from vaultbot.types import Answer, Hit, IndexReport, SearchResult
from vaultbot.vault.vault import Vault


@dataclass
class VaultBuilder:
    """Writes notes and asks about them; the assistant starts at the first question."""

    root: Path
    state: StatePaths
    config: Config = field(default_factory=Config)
    embedder: HashEmbedder | None = field(default_factory=HashEmbedder)
    vectors: ListVectorIndex = field(default_factory=ListVectorIndex)
    model: ChatModel | None = field(default_factory=ScriptedChatModel)
    reranker: Reranker | None = None
    _assistant: Assistant | None = None

    @property
    def assistant(self) -> Assistant:
        if self._assistant is None:
            self._assistant = assemble_with(
                self.config,
                Vault(self.root),
                self.state,
                embedder=self.embedder,
                open_vectors=(lambda: (self.vectors, None)) if self.embedder else None,
                load_model=self.model,
                reranker=self.reranker,
            )
            self._assistant.worker.start()
        return self._assistant

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def index(self) -> IndexReport:
        return self.assistant.index(timeout=60)

    def search(self, query: str, *, limit: int = 8) -> tuple[Hit, ...]:
        """Brings the index up to date first."""
        return self.found(query, limit=limit).hits

    def found(self, query: str, *, limit: int = 8) -> SearchResult:
        """The same with all that is told about it."""
        self.index()
        return self.assistant.search(query, limit=limit)

    def ask(self, question: str) -> Answer:
        """Brings the index up to date first."""
        self.index()
        return self.assistant.ask(question)

    def close(self) -> None:
        if self._assistant is not None:
            self._assistant.close(timeout=30)
            self._assistant = None


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of exported embedding models, so that the starter is exported once for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[VaultBuilder]:
    root = tmp_path / "vault"
    root.mkdir()
    builder = VaultBuilder(root, StatePaths(tmp_path / "state"))
    yield builder
    builder.close()
