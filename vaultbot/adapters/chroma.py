"""The vector index: a Chroma collection in a local folder.

Only one process may open the folder. Damaged files make Chroma crash the process, or fill the disk, and no question to
it brings the damage to light in time. So the folder is sealed with a hash of its files when it is closed, and only a
sealed folder is ever opened; any other is dropped, for everything in it can be rebuilt from the catalog.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot import faults
from vaultbot.errors import DataDamaged, VaultbotError
from vaultbot.paths import LEAST_ROOM, disk_full, remove_whole, room, says_full
from vaultbot.protocols import FloatArray

_BATCH = 1000  # Chroma takes about 5,000 rows at once; smaller batches keep a drain interruptible.
_SEAL = "seal"
_LEAST_BREADTH = 400
#: Stands before the date in the one sentence of SQLite that names its sources.
_SOURCE_ID = b"fts5: 20"
_ANOTHER_MODEL = "it holds the vectors of another embedding model"
_CLOSES_S = 5.0
_MADE_ANEW = 3  #: times in one life of the daemon

#: How neighbours are found, in a folder and on a server.
HNSW = {"space": "cosine", "ef_construction": 200, "max_neighbors": 24, "ef_search": _LEAST_BREADTH}


class ChromaVectorIndex:
    """A `VectorIndex` in a folder that is empty or was sealed; see `open_vector_index`.

    Every method raises DataDamaged when Chroma cannot do it, or DiskFull. The folder is not sealed after that, and
    `on_lost` is told why, in the thread that found out.
    """

    def __init__(self, folder: Path, *, fingerprint: str, on_lost: Callable[[str], None] = lambda _: None) -> None:
        self._folder = folder
        self._on_lost = on_lost
        self._fingerprint = fingerprint
        self._failure: VaultbotError | None = None
        with self._translated():
            self._client = _client(folder)
            self._collection = self._client.get_or_create_collection(
                "vectors",
                embedding_function=None,
                configuration={"hnsw": HNSW},
            )

    def upsert(self, vectors: Mapping[str, FloatArray]) -> None:
        """Add or replace; larger mappings go in batches."""
        ids = list(vectors)
        with self._translated():
            for start in range(0, len(ids), _BATCH):
                batch = ids[start : start + _BATCH]
                self._collection.upsert(ids=batch, embeddings=np.stack([vectors[i] for i in batch]))
                faults.point("chroma.half-upserted")

    def delete(self, ids: Sequence[str]) -> None:
        """Unknown ids are ignored."""
        with self._translated():
            for start in range(0, len(ids), _BATCH):
                self._collection.delete(ids=list(ids[start : start + _BATCH]))

    def query(self, vector: FloatArray, *, limit: int) -> list[tuple[str, float]]:
        """Nearest first."""
        with self._translated():
            found = self._collection.query(
                query_embeddings=vector.reshape(1, -1), n_results=limit, include=["distances"]
            )
        ids, distances = found["ids"][0], found["distances"][0]
        return [(identity, 1.0 - float(distance)) for identity, distance in zip(ids, distances, strict=True)]

    def ids(self) -> set[str]:
        """Every id, read in pages."""
        found: set[str] = set()
        with self._translated():
            while page := self._collection.get(include=[], limit=50_000, offset=len(found))["ids"]:
                found.update(page)
        return found

    def close(self) -> None:
        """Let go of the folder's files and seal them, if Chroma has done all that was asked of it."""
        if self._failure:
            self._let_go()
            return
        with self._translated():
            breadth = search_breadth(self._collection.count())
            if breadth > _LEAST_BREADTH:  # Chroma heeds it from the next opening on.
                self._collection.modify(configuration={"hnsw": {"ef_search": breadth}})
            self._client.close()
        faults.point("chroma.before-seal")
        seal = f"{self._fingerprint}\n{_digest(self._folder)}"
        (self._folder / _SEAL).write_text(seal, encoding="utf-8")
        faults.point("chroma.sealed")

    def _let_go(self) -> None:
        """Close what is broken, so that another can be made in its place."""
        from chromadb.api.shared_system_client import SharedSystemClient

        def close() -> None:
            with suppress(Exception):
                self._client.close()

        closing = threading.Thread(target=close, name="chroma-close", daemon=True)
        closing.start()
        closing.join(_CLOSES_S)  # It may never come back, which then is a thread that waits for ever.
        SharedSystemClient.clear_system_cache()  # Or the next client of this folder would be the broken one.

    @contextmanager
    def _translated(self) -> Iterator[None]:
        if self._failure:
            raise self._failure  # Chroma may not answer at all after a failure, and would keep its caller for ever.
        try:
            yield
        except Exception as error:
            told: VaultbotError = DataDamaged(
                f"the vector index in {self._folder} cannot be used ({type(error).__name__}); it is made anew from the "
                "catalog within a minute"
            )
            if says_full(error) or room(self._folder) < LEAST_ROOM:
                told = disk_full(self._folder)
            self._failure = told
            self._on_lost(str(told))
            raise told from error


def search_breadth(vectors: int) -> int:
    """How many neighbours a search keeps in view (HNSW's ef) among so many vectors: the more, the more are alike."""
    return max(_LEAST_BREADTH, vectors // 100)


def open_vector_index(
    folder: Path, *, fingerprint: str, on_lost: Callable[[str], None] = lambda _: None
) -> tuple[ChromaVectorIndex, str | None]:
    """The index in this folder for vectors of this embedder; empty, with the reason, when it must be filled anew.

    Vectors of another embedder are dropped, which is no news. Raises DataDamaged.
    """
    reason, notice = why_unsealed(folder, fingerprint=fingerprint), None
    if reason is not None:
        if reason != _ANOTHER_MODEL:
            notice = f"at its start the vector index was rebuilt from the catalog: {reason}"
        remove_whole(folder)
        faults.point("chroma.dropped")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / _SEAL).unlink(missing_ok=True)
    faults.point("chroma.opening")
    return ChromaVectorIndex(folder, fingerprint=fingerprint, on_lost=on_lost), notice


def why_unsealed(folder: Path, *, fingerprint: str) -> str | None:
    """Why the folder will not be opened for vectors of this embedder; None when it will, or when it is not there."""
    sealed_for, _, digest = _read_seal(folder).partition("\n")
    if not os.path.lexists(folder) or (sealed_for == fingerprint and digest == _digest(folder)):
        return None
    if not digest:
        return "it was not closed properly"
    return "its files were changed" if sealed_for == fingerprint else _ANOTHER_MODEL


def bundled_sqlite() -> str | None:
    """The day of the SQLite that Chroma brings with it, YYYY-MM-DD; None when its files do not tell.

    It has nothing to do with Python's, and Chroma does not say which it is.
    """
    spec = find_spec("chromadb_rust_bindings")
    for file in Path(spec.origin).parent.glob("*_bindings*") if spec and spec.origin else ():
        with (
            suppress(OSError, ValueError),
            file.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            place = content.find(_SOURCE_ID)
            if place >= 0:
                return content[place + 6 : place + 16].decode("ascii", "replace")
    return None


class FolderVectors:
    """The vector indexes of one vault in folders of this machine: the one that serves, and the next one beside it.

    One that failed is made anew, a few times; `on_lost` is told why it failed, in the thread that found out.
    """

    def __init__(self, folder: Path, beside: Path, *, on_lost: Callable[[str], None] = lambda _: None) -> None:
        self._folder = folder
        self._beside = beside
        self._on_lost = on_lost
        self._failed = 0

    def open(self, fingerprint: str, *, beside: bool = False) -> tuple[ChromaVectorIndex, str | None]:
        """The index for vectors of this embedder, and what a person should know of it. Raises DataDamaged, DiskFull."""
        if self._failed > _MADE_ANEW:
            raise DataDamaged(
                f"the vector index in {self._folder} failed {self._failed} times; is the disk sound? It is tried again "
                "at the next start (vaultbot stop, vaultbot start)"
            )
        folder = self._beside if beside else self._folder
        if room(folder.parent) < LEAST_ROOM:
            raise disk_full(folder.parent)
        if not beside:
            take_over(self._folder, self._beside, fingerprint=fingerprint)
        return open_vector_index(folder, fingerprint=fingerprint, on_lost=self._lost)

    def _lost(self, why: str) -> None:
        if room(self._folder.parent) >= LEAST_ROOM:  # A full disk is no fault of the index, and passes.
            self._failed += 1
        self._on_lost(why)

    def retire(self) -> None:
        """Delete the one that served, when the next one has taken over."""
        remove_whole(self._folder)


def take_over(folder: Path, beside: Path, *, fingerprint: str) -> None:
    """Put the index that was made in the folder `beside` in this one's place, if it is of this embedder's vectors.

    To be called while neither is open. What is beside is gone afterwards.
    """
    if _read_seal(beside).partition("\n")[0] == fingerprint:
        remove_whole(folder)
        faults.point("chroma.taking-over")
        beside.rename(folder)
    else:
        remove_whole(beside)


def _read_seal(folder: Path) -> str:
    try:
        return (folder / _SEAL).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _digest(folder: Path) -> str:
    """Of every file in the folder, and of Chroma's version, which may read them in another way."""
    whole = hashlib.blake2b(version("chromadb").encode(), digest_size=16)
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / _SEAL):
        whole.update(f"\0{file.relative_to(folder)}\0".encode())
        with file.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "blake2b").digest())
    return whole.hexdigest()


def _client(folder: Path) -> Any:
    os.environ["ANONYMIZED_TELEMETRY"] = "False"
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
