"""An embedder around another one: all that it does not do itself is the other's."""

from __future__ import annotations

from collections.abc import Sequence

from vaultbot.protocols import Embedder, FloatArray


class WrappedEmbedder:
    """An `Embedder` that hands everything on."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    @property
    def name(self) -> str:
        """The other's."""
        return self.embedder.name

    @property
    def fingerprint(self) -> str:
        """The other's: a daemon with it takes these vectors for its own."""
        return self.embedder.fingerprint

    @property
    def dimensions(self) -> int:
        """The other's."""
        return self.embedder.dimensions

    @property
    def counts_exactly(self) -> bool:
        """As the other."""
        return self.embedder.counts_exactly

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The other's."""
        return self.embedder.count_tokens(texts)

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors."""
        return self.embedder.embed_documents(texts)

    def embed_query(self, text: str) -> FloatArray:
        """(dimensions,) unit vector."""
        return self.embedder.embed_query(text)
