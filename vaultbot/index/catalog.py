"""The catalog: one SQLite file that records what was read, and everything needed to answer from it.

The vault is the truth and the catalog is its record; the vector index is a cache of the catalog. One thread writes.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot import faults
from vaultbot.errors import VaultbotError
from vaultbot.index.damage import MET, CatalogDamaged
from vaultbot.index.edges import Edges
from vaultbot.index.note_rows import NO_STAMP, NoteRows, ReadNote, stamp_text, text_hash
from vaultbot.index.schema import open_writer
from vaultbot.index.sweep import sweep
from vaultbot.protocols import FloatArray
from vaultbot.types import FileStamp, JsonValue, Skipped

_SWEPT_EVERY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the catalog knows of a note's file."""

    stamp: FileStamp
    hash: str
    kept_out: str = ""  #: why the vault's settings keep it out of search: "excluded", "template"

    @property
    def is_unfinished(self) -> bool:
        """Whether the run that found it ended before its vectors were made, and so never told of it."""
        return self.stamp == NO_STAMP


class Catalog:
    """The writing side of the catalog file. Not for use by several threads at once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._db = open_writer(file)
        self._edges = Edges(self._db)
        self._rows = NoteRows(self._db, self._edges)
        self._whole = False

    def close(self) -> None:
        """Write everything into the one file and close it."""
        with suppress(sqlite3.Error):  # A full disk: the next start finds everything in the log file.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """All that is recorded within is one transaction: after an error or a kill nothing of it was."""
        with self._transaction():
            around, self._whole = self._whole, True
            try:
                yield
            finally:
                self._whole = around

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._whole:
            if not self._db.in_transaction:
                raise sqlite3.OperationalError("all was rolled back, as SQLite does when the disk is full")
            yield self._db
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            self._edges.forget()
            if self._db.in_transaction:  # A full disk makes SQLite roll back by itself.
                self._db.execute("ROLLBACK")
            raise

    # ── what is known ──────────────────────────────────────────────────────────────────────────────────────────

    def recorded(self) -> dict[str, Recorded]:
        """Every note's path with its file's stamp and hash at the last reading."""
        rows = self._db.execute("SELECT path, stamp, hash, kept_out FROM note")
        try:
            return {path: Recorded(_stamp(stamp), digest, kept_out) for path, stamp, digest, kept_out in rows}
        except (ValueError, TypeError, AttributeError) as error:
            raise CatalogDamaged(MET) from error

    def skipped(self) -> set[str]:
        """The paths of the files that the last whole run left out, or could not read."""
        return {path for (path,) in self._db.execute("SELECT path FROM skipped")}

    @property
    def is_at_once(self) -> bool:
        """Whether all that is done now is one transaction, of which nobody sees anything before its end."""
        return self._whole

    def files(self) -> list[str]:
        """Every file that a link may lead to."""
        return [path for (path,) in self._db.execute("SELECT path FROM file")]

    def meta(self, key: str) -> str | None:
        """A value kept beside the notes, such as what the index was built with."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def kept(self, key: str, otherwise: JsonValue) -> Any:
        """A value that was kept as JSON, or `otherwise` when there is none."""
        text = self.meta(key)
        try:
            return json.loads(text) if text else otherwise
        except ValueError as error:
            raise CatalogDamaged(MET) from error

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def unknown_texts(self, fingerprint: str, texts: Iterable[str]) -> list[str]:
        """The distinct texts that this embedder has never seen."""
        wanted = {text_hash(text): text for text in texts}
        known: set[bytes] = set()
        keys = list(wanted)
        for batch in _batches(keys, 500):
            marks = ",".join("?" * len(batch))
            known.update(
                row[0]
                for row in self._db.execute(
                    f"SELECT text_hash FROM vector WHERE fingerprint = ? AND text_hash IN ({marks})",
                    (fingerprint, *batch),
                )
            )
        return [text for key, text in wanted.items() if key not in known]

    # ── recording ──────────────────────────────────────────────────────────────────────────────────────────────

    def add_vectors(self, fingerprint: str, vectors: Mapping[str, FloatArray]) -> None:
        """Keep vectors by their text, at once, so that a kill loses no work; VaultbotError for another length."""
        with self._transaction() as db:
            held = db.execute("SELECT length(vector) FROM vector WHERE fingerprint = ? LIMIT 1", (fingerprint,))
            if len({4 * len(vector) for vector in vectors.values()}.union(*held)) > 1:
                raise VaultbotError(
                    "the embedding model now gives vectors of another length, which fit no others: put the former back"
                )
            db.executemany(
                "INSERT OR REPLACE INTO vector VALUES (?, ?, ?, NULL)",
                [(fingerprint, text_hash(text), _blob(vector)) for text, vector in vectors.items()],
            )
            faults.point("catalog.vectors-before-commit")
        faults.point("catalog.vectors-added")

    def take_vectors(self, rows: Sequence[tuple[str, bytes, bytes]]) -> int:
        """Keep vectors of another catalog (fingerprint, hash of the text, vector), those it lacks; how many."""
        before = self._db.total_changes
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO vector VALUES (?, ?, ?, NULL)", rows)
        return self._db.total_changes - before

    def set_files(self, paths: Collection[str]) -> None:
        """Every file that a link may lead to; links are resolved again where that changes something."""
        with self._transaction():
            self._edges.set_files(paths)
            faults.point("catalog.files-before-commit")

    def set_dates(self, date_of: Callable[[str, dict[str, JsonValue]], str | None]) -> None:
        """Date every note anew, by its path and properties: the vault's form of daily notes has changed."""
        with self._transaction() as db:
            rows = db.execute("SELECT id, path, properties FROM note").fetchall()
            try:
                dated = [(date_of(path, json.loads(properties)), key) for key, path, properties in rows]
            except json.JSONDecodeError as error:
                raise CatalogDamaged(MET) from error
            db.executemany("UPDATE note SET date = ? WHERE id = ?", dated)
            faults.point("catalog.dates-before-commit")

    def record(self, notes: Sequence[ReadNote], *, removed: Sequence[str] = ()) -> None:
        """Replace these notes and forget the removed ones in one transaction: each is old or new, never between."""
        with self._transaction():
            for path in removed:
                self._rows.forget(path)
            faults.point("catalog.in-transaction")
            for read in notes:
                self._rows.forget(read.note.path)
                self._rows.insert(read)
            faults.point("catalog.before-commit")
        faults.point("catalog.recorded")

    def complete(self, notes: Mapping[str, tuple[str, FileStamp]]) -> set[str]:
        """The vectors of these notes, recorded without a hash, are there; their hashes and stamps by path.

        Returns the paths of those that were still there.
        """
        done = set()
        with self._transaction() as db:
            for path, (digest, stamp) in notes.items():
                sql = "UPDATE note SET hash = ?, stamp = ? WHERE path = ? AND hash = ''"
                if db.execute(sql, (digest, stamp_text(stamp), path)).rowcount == 1:
                    self._rows.announce(path)
                    done.add(path)
            faults.point("catalog.complete-before-commit")
        faults.point("catalog.completed")
        return done

    def keep_out(self, reasons: Mapping[str, str]) -> None:
        """These notes can be found no more, whether they can be read now or not; they are read again when they can."""
        if not reasons:
            return
        with self._transaction() as db:
            for path, reason in reasons.items():
                row = db.execute("SELECT id FROM note WHERE path = ?", (path,)).fetchone()
                if row is not None:
                    self._rows.forget_words(row)
                    db.execute("DELETE FROM chunk WHERE note = ?", row)
                    db.execute("UPDATE note SET kept_out = ?, searched = 0, hash = '' WHERE id = ?", (reason, *row))
            faults.point("catalog.kept-out-before-commit")

    def touch(self, stamps: Mapping[str, FileStamp]) -> None:
        """The files have new stamps and the same contents."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE note SET stamp = ? WHERE path = ?",
                [(stamp_text(stamp), path) for path, stamp in stamps.items()],
            )
            faults.point("catalog.stamps-before-commit")

    def set_skipped(self, skipped: Iterable[Skipped]) -> None:
        """Replace the list of files that were left out."""
        with self._transaction() as db:
            db.execute("DELETE FROM skipped")
            db.executemany("INSERT OR REPLACE INTO skipped VALUES (?, ?)", [(s.path, s.reason) for s in skipped])
            faults.point("catalog.skipped-before-commit")

    def ask_for_another_read(self, paths: Iterable[str] | None = None) -> None:
        """Make these notes be read again, or every one: the way they are cut or embedded has changed."""
        if paths is None:
            self._db.execute("UPDATE note SET hash = ''")
        else:
            self._db.executemany("UPDATE note SET hash = '' WHERE path = ?", [(path,) for path in paths])

    def sweep_vectors(self, fingerprint: str | None, *, now: float | None = None) -> None:
        """Drop vectors that no chunk has used with this embedder for a week; looked for once a day.

        A note that comes back sooner, and a model that is taken up again, cost no embedding.
        """
        now = time.time() if now is None else now
        if abs(now - float(self.kept("swept", 0))) < _SWEPT_EVERY_S:
            return
        with self._transaction() as db:
            sweep(db, fingerprint, now=now)
            self.set_meta("swept", str(now))
            faults.point("catalog.sweep-before-commit")

    # ── the vector index's side ────────────────────────────────────────────────────────────────────────────────

    def pending(self, *, limit: int) -> tuple[int, list[str]]:
        """The oldest outbox rows: the last sequence number and the distinct chunk ids; (0, []) when it is empty."""
        rows = self._db.execute("SELECT seq, chunk FROM outbox ORDER BY seq LIMIT ?", (limit,)).fetchall()
        return (rows[-1][0], list(dict.fromkeys(row[1] for row in rows))) if rows else (0, [])

    def drained(self, seq: int) -> None:
        """Everything up to this outbox row has been carried over."""
        self._db.execute("DELETE FROM outbox WHERE seq <= ?", (seq,))

    def vectors_of(self, fingerprint: str, ids: Sequence[str]) -> dict[str, FloatArray]:
        """The vectors of those chunks that exist and have one."""
        found: dict[str, FloatArray] = {}
        for batch in _batches(ids, 500):
            marks = ",".join("?" * len(batch))
            rows = self._db.execute(
                "SELECT chunk.id, vector.vector FROM chunk JOIN vector ON vector.text_hash = chunk.text_hash"
                f" WHERE vector.fingerprint = ? AND chunk.id IN ({marks})",
                (fingerprint, *batch),
            )
            try:
                found.update({identity: np.frombuffer(blob, np.float32) for identity, blob in rows})
            except (ValueError, TypeError) as error:
                raise CatalogDamaged(MET) from error
        return found

    def ids_with_vectors(self, fingerprint: str) -> set[str]:
        """The chunks the vector index should hold."""
        rows = self._db.execute(
            "SELECT chunk.id FROM chunk JOIN vector ON vector.text_hash = chunk.text_hash WHERE vector.fingerprint = ?",
            (fingerprint,),
        )
        return {row[0] for row in rows}


def _stamp(text: str) -> FileStamp:
    size, mtime_ns, ctime_ns, ino = map(int, text.split())
    return FileStamp(size, mtime_ns, ctime_ns, ino)


def _batches(items: Sequence[str] | Sequence[bytes], size: int) -> Iterator[Sequence[str] | Sequence[bytes]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _blob(vector: FloatArray) -> bytes:
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()
