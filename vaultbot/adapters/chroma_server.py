"""The vector index on a Chroma server, by its HTTP API (version 2).

Chroma's own client waits without end, obeys the proxies of the environment and reads answers of any length; so it is
spoken to like every other server, with few and documented calls. Nothing seals what is held there: whoever opens it
compares it with the catalog.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot.adapters.chroma import HNSW
from vaultbot.adapters.server import Nonsense, Purpose, Refused, Server
from vaultbot.errors import Unreachable
from vaultbot.protocols import FloatArray

VECTORS = Purpose(
    address="[index] chroma_url",
    allow="[index] chroma_allow_remote",
    key="[index] chroma_key_variable",
    sent="vectors that are made of the text of your notes",
    fails="does not answer",
    again="in a minute",
    api="a Chroma server",
    example="http://127.0.0.1:8000",
)

#: Some ids and vectors that the catalog has by this fingerprint, to see whether the server has the same.
Sample = Callable[[str], Mapping[str, FloatArray]]

_ROOT = "/api/v2"
_COLLECTIONS = f"{_ROOT}/tenants/default_tenant/databases/default_database/collections"
_BATCH = 500  #: vectors in one request
_PAGE = 10_000  #: ids in one answer
_COLLECTIONS_PAGE = 100
_QUESTION_S = 2.5
_WORK_S = 60.0
_MOST_BYTES = 64 << 20
_SAME = 0.999  #: cosine of a vector there and here


class ChromaServerIndex:
    """A `VectorIndex` in a collection of a server; see `ServerVectors`.

    Every method raises Unreachable when the server does not do it; from then on all of them do, at once, until it is
    opened again.
    """

    def __init__(self, server: Server, collection: str, *, on_lost: Callable[[str], None]) -> None:
        """`collection` is the server's id of it. `on_lost` is told why, in the thread that found out."""
        self._server = server
        self._path = f"{_COLLECTIONS}/{collection}"
        self._on_lost = on_lost
        self._lost: str | None = None

    def upsert(self, vectors: Mapping[str, FloatArray]) -> None:
        """Add or replace; larger mappings go in batches."""
        ids = list(vectors)
        with self._working():
            for start in range(0, len(ids), _BATCH):
                batch = ids[start : start + _BATCH]
                embeddings = [base64.b64encode(vectors[one].astype("<f4").tobytes()).decode() for one in batch]
                self._ask("upsert", {"ids": batch, "embeddings": embeddings})

    def delete(self, ids: Sequence[str]) -> None:
        """Unknown ids are ignored."""
        with self._working():
            for start in range(0, len(ids), _BATCH):
                self._ask("delete", {"ids": list(ids[start : start + _BATCH])})

    def query(self, vector: FloatArray, *, limit: int) -> list[tuple[str, float]]:
        """Nearest first."""
        body = {"query_embeddings": [vector.tolist()], "n_results": limit, "include": ["distances"]}
        with self._working():
            found = self._ask("query", body, timeout_s=_QUESTION_S)
            ids, distances = _inner(found, "ids"), _inner(found, "distances")
            if ids is None or distances is None or len(ids) != len(distances) or not _are_ids(ids):
                raise self._server.nonsense("something that is no list of neighbours")
            if not all(isinstance(one, int | float) and 0 <= abs(one) < 10 for one in distances):
                raise self._server.nonsense("distances that are none")
        return [(identity, 1.0 - float(distance)) for identity, distance in zip(ids, distances, strict=True)]

    def ids(self) -> set[str]:
        """Every id, read in pages."""
        found: set[str] = set()
        with self._working():
            while True:
                answer = self._ask("get", {"limit": _PAGE, "offset": len(found), "include": []})
                page = answer.get("ids") if isinstance(answer, dict) else None
                if not isinstance(page, list) or not _are_ids(page):
                    raise self._server.nonsense("something that is no list of ids")
                before = len(found)
                found.update(page)
                if len(found) == before:  # Also for a server that gives the same page again and again.
                    return found

    def holds(self, vectors: Mapping[str, FloatArray]) -> bool:
        """Whether those of these ids that it has are these vectors."""
        with self._working():
            answer = self._ask("get", {"ids": list(vectors), "include": ["embeddings"]})
        ids, kept = (answer.get("ids"), answer.get("embeddings")) if isinstance(answer, dict) else (None, None)
        if not isinstance(ids, list) or not isinstance(kept, list) or len(ids) != len(kept):
            return False
        return all(
            isinstance(identity, str) and identity in vectors and _is_same(vectors[identity], vector)
            for identity, vector in zip(ids, kept, strict=True)
        )

    def close(self) -> None:
        """Nothing is held."""

    def _ask(self, what: str, body: object, *, timeout_s: float = _WORK_S) -> Any:
        tries = 1 if timeout_s == _QUESTION_S else 3
        return self._server.ask(
            "POST", f"{self._path}/{what}", body, tries=tries, timeout_s=timeout_s, limit=_MOST_BYTES
        )

    @contextmanager
    def _working(self) -> Iterator[None]:
        if self._lost is not None:
            raise Unreachable(self._lost)
        try:
            with _translated():
                yield
        except Unreachable as error:
            self._lost = str(error)
            self._on_lost(self._lost)
            raise


class ServerVectors:
    """The collections of one vault's index on a server, one for each embedding model.

    Their names hold a random number that is kept in `owner`, and the name of this machine; so neither another vault nor
    a copy of this one's state on another machine ever shares them.
    """

    def __init__(
        self, server: Server, *, owner: Path, sample: Sample, on_lost: Callable[[str], None] = lambda _: None
    ) -> None:
        self._server = server
        self._owner = owner
        self._sample = sample
        self._on_lost = on_lost
        self._served: str | None = None  #: the fingerprint that was opened to answer

    @property
    def notice(self) -> str | None:
        """That vectors leave the machine, when they do."""
        if self._server.sends_to is None:
            return None
        return (
            f"vectors, which are made of the text of your notes, are kept at {self._server.sends_to}; to keep them on "
            "this machine, take [index] chroma_url out of the settings"
        )

    def open(self, fingerprint: str, *, beside: bool = False) -> tuple[ChromaServerIndex, str | None]:
        """The collection for vectors of this embedder, and what a person should know of it.

        With `beside` another one serves meanwhile; without, all others of this vault are deleted. Raises Unreachable.
        """
        name = self._name(fingerprint)
        news = None
        with _translated():
            made = self._make(name)
        if not beside:
            self._served = fingerprint
            for other in self._names():
                if other != name:
                    self._delete(other)
        index = ChromaServerIndex(self._server, made, on_lost=self._on_lost)
        sample = self._sample(fingerprint)
        if sample and not index.holds(sample):
            news = f"the vectors at {self._server.address} were changed by somebody else; they are put there anew"
            self._delete(name)
            with _translated():
                made = self._make(name)
            index = ChromaServerIndex(self._server, made, on_lost=self._on_lost)
        return index, "; ".join(words for words in (self.notice, news) if words) or None

    def retire(self) -> None:
        """Delete the collection that was opened to answer, when another one has taken over. Raises Unreachable."""
        if self._served is not None:
            self._delete(self._name(self._served))

    def _make(self, name: str) -> str:
        """The server's id of the collection; it is made when it is not there."""
        body = {"name": name, "get_or_create": True, "configuration": {"hnsw": HNSW}}
        made = self._server.ask("POST", _COLLECTIONS, body, tries=1, timeout_s=_WORK_S, limit=_MOST_BYTES)
        identity = made.get("id") if isinstance(made, dict) else None
        if not _is_plain(identity):
            raise self._server.nonsense("something that is no collection")
        space = made.get("configuration_json", {}).get("hnsw", {}).get("space")
        if space != HNSW["space"]:
            raise self._server.nonsense(f"a collection {name} that compares otherwise than by cosine")
        return str(identity)

    def _names(self) -> list[str]:
        """Of all of this vault's collections."""
        found: list[str] = []
        offset = 0
        with _translated():
            while True:
                path = f"{_COLLECTIONS}?limit={_COLLECTIONS_PAGE}&offset={offset}"
                page = self._server.ask("GET", path, tries=1, timeout_s=_WORK_S, limit=_MOST_BYTES)
                if not isinstance(page, list):
                    raise self._server.nonsense("something that is no list of collections")
                names = [one["name"] for one in page if isinstance(one, dict) and _is_plain(one.get("name"))]
                found += [name for name in names if name.startswith(self._prefix) and name not in found]
                offset += len(page)
                if len(page) < _COLLECTIONS_PAGE:
                    return found

    def _delete(self, name: str) -> None:
        with _translated():
            try:
                self._server.ask("DELETE", f"{_COLLECTIONS}/{name}", tries=1, timeout_s=_WORK_S, limit=_MOST_BYTES)
            except Refused as error:
                if error.code != HTTPStatus.NOT_FOUND:
                    raise

    def _name(self, fingerprint: str) -> str:
        return self._prefix + hashlib.blake2b(fingerprint.encode(), digest_size=8).hexdigest()

    @property
    def _prefix(self) -> str:
        try:
            number = self._owner.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            number = ""
        if len(number) != 32:
            number = secrets.token_hex(16)
            self._owner.write_text(number, encoding="ascii")
        whose = hashlib.blake2b(f"{number}\0{socket.gethostname()}".encode(), digest_size=8).hexdigest()
        return f"vaultbot-{whose}-"


@contextmanager
def _translated() -> Iterator[None]:
    """Whatever the server refuses may be mended there, so it is asked again later."""
    try:
        yield
    except Refused as error:
        if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            told = (
                f"{error}: {VECTORS.key} must name the variable that holds a key for it, or chroma_key_keyring its "
                "entry in the keyring"
            )
        elif error.code == HTTPStatus.NOT_FOUND:
            told = f"{error}: the vectors are gone from there, or it is no Chroma server of version 1"
        else:
            told = f"{error}; is {VECTORS.address} the address of a Chroma server of version 1?"
        raise Unreachable(told) from None
    except Nonsense as error:
        raise Unreachable(str(error)) from None


def _inner(found: Any, field: str) -> list[Any] | None:
    """The answer to the only question of a request."""
    lists = found.get(field) if isinstance(found, dict) else None
    if not isinstance(lists, list) or len(lists) != 1 or not isinstance(lists[0], list):
        return None
    return lists[0]


def _are_ids(ids: list[Any]) -> bool:
    return all(isinstance(one, str) for one in ids)


def _is_plain(name: object) -> bool:
    """Whether it can be put into an address as it is."""
    return isinstance(name, str) and 0 < len(name) <= 512 and name.isascii() and name.replace("-", "").isalnum()


def _is_same(here: FloatArray, there: Any) -> bool:
    try:
        vector = np.asarray(there, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return False
    length = float(np.linalg.norm(vector)) if vector.shape == here.shape else 0.0
    return bool(length > 0 and np.isfinite(length) and float(here @ vector) / length > _SAME)
