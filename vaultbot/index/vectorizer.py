"""What depends on the embedding model: how a note is cut into chunks, and the vectors of their texts."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

from vaultbot.errors import ModelInvalid, VaultbotError
from vaultbot.index.catalog import Catalog
from vaultbot.index.chunker import CHUNKER_VERSION, chunk_note, estimate_tokens
from vaultbot.index.note_rows import text_hash
from vaultbot.index.soundness import are_unit
from vaultbot.protocols import Embedder
from vaultbot.types import Chunk, Note

log = logging.getLogger("vaultbot.index")

#: A second or two of work: what is to stop stops after them.
_TEXTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class BuiltWith:
    """What an index was built with: another of these would cut or embed the notes in another way."""

    fingerprint: str  #: of the embedder; "none" without
    chunker: int
    chunk_tokens: int

    @classmethod
    def parse(cls, text: str | None) -> BuiltWith | None:
        """What `str` made; None for what is no such text."""
        match = re.fullmatch(r"(.+) chunker (\d{1,9}) tokens (\d{1,9})", text or "", re.DOTALL)
        return cls(match[1], int(match[2]), int(match[3])) if match else None

    def __str__(self) -> str:
        return f"{self.fingerprint} chunker {self.chunker} tokens {self.chunk_tokens}"


class Vectorizer:
    """Cuts notes as its embedder counts, and keeps a vector of every text. Without an embedder nothing has one.

    A text that the embedder cannot embed has none until the next start, when it is tried again.
    """

    def __init__(self, catalog: Catalog, embedder: Embedder | None, *, chunk_tokens: int) -> None:
        self._catalog = catalog
        self._embedder = embedder
        self._chunk_tokens = chunk_tokens
        self.fingerprint = embedder.fingerprint if embedder else None
        self._refused: set[bytes] = set()  # hashes of the texts that cannot be embedded
        self.built_with = BuiltWith(self.fingerprint or "none", CHUNKER_VERSION, chunk_tokens)

    def chunks(self, note: Note) -> list[Chunk]:
        """The note's card and passages."""
        count_tokens = self._embedder.count_tokens if self._embedder else estimate_tokens
        return chunk_note(note, max_tokens=self._chunk_tokens, count_tokens=count_tokens)

    def unseen(self, texts: Iterable[str]) -> list[list[str]]:
        """The texts that have no vector yet and may get one, in parts of a second or two of work."""
        if self.fingerprint is None:
            return []
        unknown = self._catalog.unknown_texts(self.fingerprint, texts)
        unknown = sorted((text for text in unknown if not self._refused or not self.refuses(text)), key=len)
        return [unknown[start : start + _TEXTS_AT_ONCE] for start in range(0, len(unknown), _TEXTS_AT_ONCE)]

    def failure(self) -> VaultbotError | None:
        """Why nothing can be embedded at the moment; None when something can."""
        try:
            if self._embedder is not None:
                self._embedder.embed_documents(["ready"])
        except VaultbotError as error:
            return error
        return None

    def refuses(self, text: str) -> bool:
        """Whether the embedder was given this text since the start, and gave no vector for it."""
        return text_hash(text) in self._refused

    def embed(self, texts: list[str]) -> int:
        """Get the vectors of these texts and keep them at once, so that a kill loses no work; how many there are.

        A text that cannot be embedded is left out (`refuses`). Raises what the embedder raises when it is not the
        text's fault.
        """
        try:
            return self._kept(texts)
        except ModelInvalid:
            return sum(map(self._kept_alone, texts))

    def _kept_alone(self, text: str) -> int:
        try:
            return self._kept([text])
        except ModelInvalid as error:
            if failure := self.failure():
                raise failure from error
            log.warning("a text of %d characters cannot be embedded: %s", len(text), error)
            self._refused.add(text_hash(text))
            return 0

    def _kept(self, texts: list[str]) -> int:
        assert self._embedder is not None
        vectors = self._embedder.embed_documents(texts)
        if not are_unit(vectors):  # Kept, they would be taken for damage by every start.
            raise ModelInvalid("the embedding model gives numbers without sense")
        self._catalog.add_vectors(self._embedder.fingerprint, dict(zip(texts, vectors, strict=True)))
        return len(texts)
