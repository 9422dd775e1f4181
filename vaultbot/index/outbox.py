"""The way from the catalog to the vector index: what is to be carried over, and what happens when that fails."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable

from vaultbot import faults
from vaultbot.errors import kind_and_place
from vaultbot.index.catalog import Catalog
from vaultbot.protocols import VectorIndex

#: Opens a vector index; with it comes what a person should know, such as that it is being rebuilt.
OpenVectors = Callable[[], tuple[VectorIndex, str | None]]

log = logging.getLogger("vaultbot.index")

_AT_ONCE = 1000
_EVERY_S = 5.0


class Outbox:
    """Keeps a vector index in step with the catalog's vectors of one embedder; None stands for no embedder.

    A vector index that fails is given up until the next `attach`, which makes it hold what it should: `failure` says
    why.
    """

    def __init__(self, catalog: Catalog, fingerprint: str | None) -> None:
        self._catalog = catalog
        self._fingerprint = fingerprint
        self._vectors: VectorIndex | None = None
        self._held: set[str] = set()  #: ids, each of which stands for its text
        self.failure: str | None = None
        self._drained_at = time.monotonic()

    def attach(self, vectors: VectorIndex, *, stopping: threading.Event) -> None:
        """Use this vector index from now on, after making it hold just the chunks that the catalog has vectors for."""
        self._vectors, self.failure = vectors, None
        expected = self._catalog.ids_with_vectors(self._fingerprint or "")
        try:
            held = vectors.ids()
            vectors.delete(list(held - expected))
            self._held = held & expected
            faults.point("outbox.attached")
        except Exception as error:
            self._give_up(error)
            return
        lacking, began = sorted(expected - held), time.monotonic()
        for start in range(0, len(lacking), _AT_ONCE):
            if stopping.is_set() or not self._carry(lacking[start : start + _AT_ONCE]):
                return
        self._catalog.drained(sys.maxsize)
        if lacking:
            took_s = time.monotonic() - began
            log.info("put %d vectors from the catalog into the vector index in %.1f s", len(lacking), took_s)

    def drain(self, *, stopping: threading.Event, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Give each chunk in the outbox the state it should have, so doing it twice is harmless."""
        if self._fingerprint is None:
            self._catalog.drained(sys.maxsize)
        if self._vectors is None or self.failure:
            return
        done, self._drained_at = 0, time.monotonic()
        while not stopping.is_set():
            seq, ids = self._catalog.pending(limit=_AT_ONCE)
            if not ids or not self._carry(ids):
                return
            faults.point("indexer.before-outbox-cleared")
            self._catalog.drained(seq)
            done += len(ids)
            on_progress(done)

    def drain_now_and_then(self, *, stopping: threading.Event) -> None:
        """Drain once in a while in a long run, so that what is there is found by meaning before its end."""
        if time.monotonic() - self._drained_at > _EVERY_S:
            self.drain(stopping=stopping)

    def close(self) -> None:
        """Close the vector index."""
        if self._vectors is not None:
            self._vectors.close()

    def _carry(self, ids: list[str]) -> bool:
        assert self._vectors is not None
        vectors = self._catalog.vectors_of(self._fingerprint or "", ids)
        try:
            # One that is held is right, for its id stands for its text; vectors put there twice make a worse index.
            new = {identity: vector for identity, vector in vectors.items() if identity not in self._held}
            gone = [identity for identity in ids if identity in self._held and identity not in vectors]
            self._vectors.delete(gone)
            faults.point("indexer.half-drained")
            self._vectors.upsert(new)
            self._held.update(new)
            self._held.difference_update(gone)
        except Exception as error:
            self._give_up(error)
            return False
        return True

    def _give_up(self, error: Exception) -> None:
        log.warning("the vector index failed: %s", kind_and_place(error))
        self.failure = str(error) or type(error).__name__
