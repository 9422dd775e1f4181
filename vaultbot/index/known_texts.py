"""Texts of the index with the vectors that were made of them, by which a model can be known again."""

from __future__ import annotations

import numpy as np

from vaultbot.index.note_rows import text_hash
from vaultbot.index.reader import CatalogReader
from vaultbot.protocols import FloatArray

#: A chunk may have been embedded by other words than it shows, and then its text does not tell them.
_LOOKED_AT = 100


class KnownTexts:
    """Finds a text whose vector is in the catalog. Safe to use from several threads."""

    def __init__(self, reader: CatalogReader) -> None:
        self._reader = reader

    def vectors(self, fingerprint: str) -> dict[str, FloatArray]:
        """Some of the vectors that the embedder of this fingerprint made, by the ids of their chunks."""
        with self._reader.snapshot():
            rows = self._reader.connection.execute(
                "SELECT chunk.id, vector FROM vector JOIN chunk ON chunk.text_hash = vector.text_hash"
                " WHERE fingerprint = ? ORDER BY random() LIMIT ?",
                (fingerprint, _LOOKED_AT),
            ).fetchall()
        return {identity: np.frombuffer(vector, np.float32) for identity, vector in rows}

    def __call__(self, fingerprint: str) -> tuple[str, FloatArray] | None:
        """One that the embedder of this fingerprint has embedded, and its vector; None when there is none."""
        with self._reader.snapshot():
            rows = self._reader.connection.execute(
                "SELECT context, text, vector.text_hash, vector FROM vector"
                " JOIN chunk ON chunk.text_hash = vector.text_hash WHERE fingerprint = ? LIMIT ?",
                (fingerprint, _LOOKED_AT),
            ).fetchall()
        for context, text, key, vector in rows:
            embedded = "\n".join(part for part in (context, text) if part)
            if text_hash(embedded) == key:
                return embedded, np.frombuffer(vector, np.float32)
        return None
