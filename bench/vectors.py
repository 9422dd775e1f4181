"""The embedder with a memory: the same text is embedded once, however many ways are compared, and in however many
runs."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.wrapped import WrappedEmbedder
from vaultbot.protocols import Embedder, FloatArray


class KeptVectors(WrappedEmbedder):
    """An `Embedder` that keeps every vector it made in `file`, or in memory alone. Safe to use from several threads."""

    def __init__(self, embedder: Embedder, file: Path | None) -> None:
        super().__init__(embedder)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file or ":memory:", check_same_thread=False)
        self._db.execute("PRAGMA synchronous = OFF")  # They can be made again.
        self._db.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        return self._kept("passage", texts, self.embedder.embed_documents)

    def embed_query(self, text: str) -> FloatArray:
        """(dimensions,) unit vector."""
        vector: FloatArray = self._kept("question", [text], lambda texts: self.embedder.embed_query(texts[0])[None])[0]
        return vector

    def _kept(self, kind: str, texts: Sequence[str], embed: Callable[[list[str]], FloatArray]) -> FloatArray:
        keys = [
            hashlib.sha256(f"{self.fingerprint}\0{kind}\0{text}".encode("utf-8", "surrogatepass")).digest()
            for text in texts
        ]
        with self._lock:
            found: dict[bytes, FloatArray] = {}
            for key in dict.fromkeys(keys):
                row = self._db.execute("SELECT vector FROM kept WHERE key = ?", (key,)).fetchone()
                if row:
                    found[key] = np.frombuffer(row[0], np.float32)
            lacking = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
            if lacking:
                made = dict(zip(lacking, embed(list(lacking.values())), strict=True))
                rows = [(key, np.ascontiguousarray(vector, "<f4").tobytes()) for key, vector in made.items()]
                with self._db:
                    self._db.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)
                found |= made
        return np.stack([found[key] for key in keys])
