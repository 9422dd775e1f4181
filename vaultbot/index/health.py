"""Is the index whole? Facts about the catalog and the vector index, for doctor to judge.

A copy of the catalog is looked at, never the file that serves: SQLite's own check of a full-text table counts as
writing. The vector index is asked for its ids, and whether it finds vectors that the catalog says it has.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaultbot.index.damage import in_words
from vaultbot.index.schema import SCHEMA_VERSION, why_damaged
from vaultbot.index.soundness import words_damage
from vaultbot.index.vectorizer import BuiltWith
from vaultbot.paths import COPY_PREFIX
from vaultbot.protocols import VectorIndex

ASKED = 64  #: vectors that have to find themselves
_NEIGHBOURS = 8
_SAME = 0.9999  #: cosine


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """What a look at the catalog tells; the numbers are 0 for one that cannot be read."""

    damage: str | None = None  #: what SQLite finds wrong with the file
    words_damage: str | None = None  #: the same of the full-text tables
    schema: int = 0  #: version of its tables
    fingerprint: str | None = None  #: of the embedder it was built with; None when there is none
    notes: int = 0
    chunks: int = 0
    with_vectors: int = 0  #: chunks that the vector index should hold
    waiting: int = 0  #: chunks that are still to be carried over to it


@dataclass(frozen=True, slots=True)
class VectorFacts:
    """The vector index against the catalog."""

    held: int = 0
    lacking: int = 0  #: that the catalog has and the index has not, and that do not wait to be carried over
    surplus: int = 0
    asked: int = 0  #: vectors that were looked for
    lost: int = 0  #: of these, those that did not find themselves
    failure: str | None = None  #: why nothing could be asked


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """Both of them; without vectors where words alone are searched."""

    catalog: CatalogFacts
    vectors: VectorFacts | None = None


@contextmanager
def copied(file: Path) -> Iterator[Path]:
    """A copy of a catalog that nobody writes to, with all that was committed. Raises OSError, as of a full disk."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=COPY_PREFIX, ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / file.name
        shutil.copyfile(file, copy)
        log = file.with_name(f"{file.name}-wal")
        if log.exists():  # What was not yet written into the file itself.
            shutil.copyfile(log, copy.with_name(log.name))
        yield copy


@contextmanager
def copied_while_open(connection: sqlite3.Connection, file: Path) -> Iterator[Path]:
    """A copy of a catalog that is being written to, as it is at this moment. Raises OSError, sqlite3.Error."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=COPY_PREFIX, ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / file.name
        with closing(sqlite3.connect(copy)) as target:
            connection.backup(target)
        yield copy


def look_at_catalog(copy: Path, *, suspect: bool) -> CatalogFacts:
    """Facts about a copy of the catalog, which may be changed by this; `suspect` when it could not be read before."""
    if suspect:
        return CatalogFacts(damage="it could not be read back while vaultbot ran")
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as db:
            return _catalog_facts(db)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return CatalogFacts(damage=in_words(error))


def _catalog_facts(db: sqlite3.Connection) -> CatalogFacts:
    schema = db.execute("PRAGMA user_version").fetchone()[0]
    db.execute("PRAGMA cell_size_check = ON")
    if found := why_damaged(db):
        return CatalogFacts(damage=found, schema=schema)
    if schema != SCHEMA_VERSION:
        return CatalogFacts(schema=schema)
    built = db.execute("SELECT value FROM meta WHERE key = 'built_with'").fetchone()
    parsed = BuiltWith.parse(built[0] if built else None)
    fingerprint = parsed.fingerprint if parsed and parsed.fingerprint != "none" else None
    return CatalogFacts(
        words_damage=words_damage(db),
        schema=schema,
        fingerprint=fingerprint,
        notes=_count(db, "SELECT count(*) FROM note"),
        chunks=_count(db, "SELECT count(*) FROM chunk"),
        with_vectors=len(_expected(db, fingerprint)),
        waiting=_count(db, "SELECT count(DISTINCT chunk) FROM outbox"),
    )


def _count(db: sqlite3.Connection, sql: str) -> int:
    count: int = db.execute(sql).fetchone()[0]
    return count


def _expected(db: sqlite3.Connection, fingerprint: str | None) -> set[str]:
    rows = db.execute(
        "SELECT chunk.id FROM chunk JOIN vector ON vector.text_hash = chunk.text_hash WHERE vector.fingerprint = ?",
        (fingerprint,),
    )
    return {row[0] for row in rows}


def _waiting(db: sqlite3.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT DISTINCT chunk FROM outbox")}


def look_at_vectors(
    db: sqlite3.Connection, vectors: VectorIndex, fingerprint: str, *, chance: random.Random | None = None
) -> VectorFacts:
    """The vector index against the catalog, which may be written to meanwhile."""
    before, waiting = _expected(db, fingerprint), _waiting(db)
    try:
        held = vectors.ids()
        after, waiting = _expected(db, fingerprint), waiting | _waiting(db)
        sure = sorted((before & after & held) - waiting)
        asked = (chance or random.Random()).sample(sure, min(ASKED, len(sure)))  # noqa: S311
        lost = sum(not _finds_itself(db, vectors, fingerprint, identity) for identity in asked)
    except Exception as error:
        return VectorFacts(failure=str(error) or type(error).__name__)
    return VectorFacts(
        held=len(held),
        lacking=len((before & after) - held - waiting),
        surplus=len(held - before - after - waiting),
        asked=len(asked),
        lost=lost,
    )


def _finds_itself(db: sqlite3.Connection, vectors: VectorIndex, fingerprint: str, identity: str) -> bool:
    row = db.execute(
        "SELECT vector.vector FROM chunk JOIN vector ON vector.text_hash = chunk.text_hash"
        " WHERE vector.fingerprint = ? AND chunk.id = ?",
        (fingerprint, identity),
    ).fetchone()
    if row is None:
        return True  # The note was changed at this very moment.
    found = vectors.query(np.frombuffer(row[0], np.float32), limit=_NEIGHBOURS)
    return any(cosine >= _SAME for _, cosine in found)  # Perhaps another passage with the same words.
