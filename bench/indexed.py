"""A vault's index as vaultbot makes it, opened for reading."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.measures import SEEN
from bench.questions import Question
from vaultbot.adapters.chroma import open_vector_index
from vaultbot.bootstrap import assemble_with
from vaultbot.config import Config
from vaultbot.errors import InvalidRequest
from vaultbot.index.reader import CatalogReader
from vaultbot.paths import StatePaths
from vaultbot.protocols import Embedder, VectorIndex
from vaultbot.retrieval.expansion import Expander
from vaultbot.retrieval.ranking import Mode, Weights
from vaultbot.retrieval.retriever import Retriever
from vaultbot.vault.vault import Vault

Way = Callable[[Question], Sequence[str]]  #: a question → the paths of notes, best first


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a retriever needs."""

    reader: CatalogReader
    vectors: VectorIndex
    embedder: Embedder
    name: str

    def retriever(self, weights: Weights | None = None, expander: Expander | None = None) -> Retriever:
        """vaultbot's own way to search it."""
        retriever = Retriever(
            self.reader, embedder=self.embedder, vault_name=self.name, weights=weights, expander=expander
        )
        retriever.vectors = self.vectors
        return retriever

    def way(self, weights: Weights | None = None, mode: Mode = "hybrid", expander: Expander | None = None) -> Way:
        """Its searches, by the paths of the hits."""
        retriever = self.retriever(weights, expander)

        def searched(question: Question) -> list[str]:
            with suppress(InvalidRequest):  # Then nothing is found, which counts.
                found = retriever.search(question.query, limit=SEEN + len(question.exclude), mode=mode)
                return [hit.path for hit in found.hits]
            return []

        return searched


@contextmanager
def indexed(vault: Path, folder: Path, embedder: Embedder) -> Iterator[Indexed]:
    """Index the vault into the folder, close that, and open it again."""
    state = StatePaths(folder)

    def open_vectors() -> tuple[VectorIndex, str | None]:
        return open_vector_index(state.vectors, fingerprint=embedder.fingerprint)

    assistant = assemble_with(Config(), Vault(vault), state, embedder=embedder, open_vectors=open_vectors)
    began = time.perf_counter()
    run = assistant.worker.run()
    assistant.worker.start()
    try:
        report = run.result()
    finally:
        assistant.close()
    print(f"{vault}: {report.notes} notes and {report.chunks} passages in {time.perf_counter() - began:.0f} s\n")
    vectors, _ = open_vectors()
    try:
        yield Indexed(CatalogReader(state.catalog), vectors, embedder, vault.name)
    finally:
        vectors.close()
