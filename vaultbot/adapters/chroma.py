"""The vector index: a Chroma collection in a local folder.

Only one process may open the folder, and damaged files can crash the process that reads them, so a folder is first
opened in a child that is thrown away. A folder that fails is dropped: everything in it can be rebuilt from the catalog.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot.errors import DataDamaged
from vaultbot.protocols import FloatArray

_BATCH = 1000  # Chroma takes about 5,000 rows at once; smaller batches keep a drain interruptible.
_PROBE_S = 60


class ChromaVectorIndex:
    """A `VectorIndex` for vectors of one embedder.

    The collection is named after the embedder's fingerprint, so vectors of two models never meet.
    Raises DataDamaged when the folder cannot be opened or answered from.
    """

    def __init__(self, folder: Path, *, fingerprint: str) -> None:
        self._client = _client(folder)
        try:
            self._collection = self._client.get_or_create_collection(
                _collection_name(fingerprint),
                embedding_function=None,
                configuration={
                    "hnsw": {"space": "cosine", "ef_construction": 200, "max_neighbors": 24, "ef_search": 400}
                },
            )
        except Exception as error:
            raise _damaged(folder, error) from error
        self._folder = folder

    def upsert(self, vectors: Mapping[str, FloatArray]) -> None:
        """Add or replace; larger mappings go in batches."""
        ids = list(vectors)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            self._collection.upsert(ids=batch, embeddings=np.stack([vectors[i] for i in batch]))

    def delete(self, ids: Sequence[str]) -> None:
        """Unknown ids are ignored."""
        for start in range(0, len(ids), _BATCH):
            self._collection.delete(ids=list(ids[start : start + _BATCH]))

    def query(self, vector: FloatArray, *, limit: int) -> list[tuple[str, float]]:
        """Nearest first. Raises DataDamaged when Chroma cannot answer from its files."""
        try:
            found = self._collection.query(
                query_embeddings=vector.reshape(1, -1), n_results=limit, include=["distances"]
            )
        except Exception as error:
            raise _damaged(self._folder, error) from error
        ids, distances = found["ids"][0], found["distances"][0]
        return [(identity, 1.0 - float(distance)) for identity, distance in zip(ids, distances, strict=True)]

    def ids(self) -> set[str]:
        """Every id, read in pages."""
        found: set[str] = set()
        while page := self._collection.get(include=[], limit=50_000, offset=len(found))["ids"]:
            found.update(page)
        return found

    def complaint(self) -> str | None:
        """What is wrong with the index, found by asking for some of its own vectors: a count does not show damage."""
        sample = self._collection.get(limit=64, include=["embeddings"])
        for identity, vector in zip(sample["ids"], sample["embeddings"], strict=True):
            nearest = self.query(np.asarray(vector, np.float32), limit=5)
            # Equal texts have equal vectors, so another id may stand in front.
            if not nearest or (identity not in dict(nearest) and nearest[0][1] < 0.999):
                return f"the vector {identity} cannot be found"
        return None

    def close(self) -> None:
        """Let go of the folder's files."""
        self._client.close()


def open_vector_index(folder: Path, *, fingerprint: str) -> tuple[ChromaVectorIndex, str | None]:
    """The index in this folder, and a sentence if a damaged one had to be set aside."""
    notice = None
    if folder.exists() and (reason := _probe(folder, fingerprint)):
        shutil.rmtree(folder)
        notice = f"the vector index was damaged ({reason}) and is being rebuilt from the catalog"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return ChromaVectorIndex(folder, fingerprint=fingerprint), notice


def _probe(folder: Path, fingerprint: str) -> str | None:
    """Why the folder cannot be used, found out in a child that may crash in our stead; None when it is sound."""
    command = [sys.executable, "-m", "vaultbot.adapters.chroma", str(folder), fingerprint]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_S, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer in {_PROBE_S} s"
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]


def _client(folder: Path) -> Any:
    os.environ["ANONYMIZED_TELEMETRY"] = "False"
    import chromadb
    from chromadb.config import Settings

    try:
        return chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
    except Exception as error:
        raise _damaged(folder, error) from error


def _collection_name(fingerprint: str) -> str:
    return f"vectors-{fingerprint}"


def _damaged(folder: Path, error: Exception) -> DataDamaged:
    return DataDamaged(f"the vector index in {folder} cannot be read ({type(error).__name__}); it can be rebuilt")


if __name__ == "__main__":
    sys.exit(ChromaVectorIndex(Path(sys.argv[1]), fingerprint=sys.argv[2]).complaint())
