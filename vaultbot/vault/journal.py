"""The journal of edits, outside the vault: what was planned, done and undone, and every note as it was before.

A row is on the disk before the vault is touched, and so is the copy. After a kill the rows that are still open tell
what to look at.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vaultbot import faults
from vaultbot.database import open_database
from vaultbot.errors import DataDamaged
from vaultbot.types import JsonValue

_KEPT_S = 30 * 24 * 3600.0
_KEPT_BYTES = 500 * 1024 * 1024

#: "planned" and "undoing" are open: a kill may have come in between. "dropped" never happened; of "unclear" ones the
#: note was changed by somebody else before it could be told what a kill had left.
State = Literal["planned", "done", "dropped", "undoing", "undone", "unclear"]

_TABLES = """
CREATE TABLE run (id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL REFERENCES run,
    note TEXT NOT NULL,
    state TEXT NOT NULL,
    before TEXT NOT NULL,              -- SHA-256 of the note's bytes; '' when the note was not there
    after TEXT NOT NULL,
    mode INTEGER NOT NULL,             -- as before
    mtime_ns INTEGER NOT NULL,
    temp TEXT NOT NULL,                -- name of the file that is put in the note's place
    folders TEXT NOT NULL,             -- JSON: those that were made for the note
    changes TEXT NOT NULL,             -- JSON: what was done, for people
    size INTEGER NOT NULL,             -- bytes of the copy
    kept INTEGER NOT NULL              -- 0: the copy was too old, or there was no room
);
CREATE INDEX entry_run ON entry (run);
CREATE INDEX entry_note ON entry (note)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done to one note."""

    number: int
    run: str
    note: str
    state: State
    before: str  #: SHA-256 of the note's bytes, hexadecimal; "" when the note was not there
    after: str
    mode: int
    mtime_ns: int
    temp: str
    folders: tuple[str, ...]
    changes: tuple[Mapping[str, JsonValue], ...]
    kept: bool  #: the copy of how it was is still there


@dataclass(frozen=True, slots=True)
class Run:
    """Edits that were made together, and can be undone together."""

    id: str
    at: float  #: seconds since 1970
    entries: tuple[Entry, ...]


class Journal:
    """The journal of one vault, in `folder`. For one writer at a time; readers may come from any thread."""

    def __init__(self, folder: Path, *, clock: Callable[[], float]) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._clock = clock
        self._lock = threading.RLock()
        self._db = open_database(folder / "journal.db", _TABLES, version=1)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> str:
        """A new run; its id begins with the day."""
        now = self._clock()
        run = f"{time.strftime('%Y-%m-%d', time.localtime(now))}-{secrets.token_hex(3)}"
        self._write("INSERT INTO run VALUES (?, ?)", run, now)
        return run

    def plan(
        self,
        run: str,
        note: str,
        *,
        before: bytes | None,
        after: bytes,
        mode: int,
        mtime_ns: int,
        temp: str,
        folders: Sequence[str] = (),
        changes: Sequence[Mapping[str, JsonValue]] = (),
    ) -> Entry:
        """Note what is going to be done, and keep a copy: of the note as it is, or of the one that will be made."""
        copy = after if before is None else before
        row = (
            run,
            note,
            "planned",
            "" if before is None else digest(before),
            digest(after),
            mode,
            mtime_ns,
            temp,
            json.dumps(list(folders)),
            json.dumps(list(changes), ensure_ascii=False),
            len(copy),
            1,
        )
        number = self._write("INSERT INTO entry VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *row)
        entry = self.entry(number)
        try:
            faults.point("editor.planned")
            self._keep(self.copy_of(entry), copy)
        except OSError:
            self._forget_copy(entry)
            self.settle(entry, "dropped")
            raise
        return entry

    def settle(self, entry: Entry, state: State) -> None:
        """Note how it came out, or that it is being undone."""
        self._write("UPDATE entry SET state = ? WHERE number = ?", state, entry.number)

    def moved(self, old: str, new: str) -> None:
        """A note was renamed: its edits can still be undone."""
        self._write("UPDATE entry SET note = ? WHERE note = ? AND state = 'done'", new, old)

    def prune(self) -> None:
        """Let go of copies that are a month old, and of the oldest beyond 500 MB; those of the last run stay."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, run, run.at, size FROM entry JOIN run ON run.id = run WHERE kept ORDER BY number DESC"
            ).fetchall()
        newest, held, now = rows[0][1] if rows else "", 0, self._clock()
        for number, run, at, size in rows:
            held += size
            if run != newest and (now - at > _KEPT_S or held > _KEPT_BYTES):
                self._forget_copy(self.entry(number))

    def _forget_copy(self, entry: Entry) -> None:
        self._write("UPDATE entry SET kept = 0 WHERE number = ?", entry.number)
        copy = self.copy_of(entry)
        with suppress(OSError):
            copy.unlink()
            copy.parent.rmdir()

    def _keep(self, copy: Path, data: bytes) -> None:
        for folder in (copy.parent.parent, copy.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
            faults.point("editor.copied")
            file.seek(0)
            if file.read() != data:
                raise OSError(f"the copy {copy} is not what was written")
        for folder in (copy.parent, copy.parent.parent):
            _sync(folder)

    def _write(self, statement: str, *values: object) -> int:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return self._db.execute(statement, values).lastrowid or 0

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────

    def entry(self, number: int) -> Entry:
        """One entry as it is now."""
        return self._entries("number = ?", number)[0]

    def open_entries(self) -> list[Entry]:
        """Those that a kill came into."""
        return self._entries("state IN ('planned', 'undoing')")

    def wrote(self, note: str, sha256: str) -> bool:
        """Whether a note with these bytes is vaultbot's own work."""
        found = self._entries(
            "note = ? AND (state = 'done' AND after = ? OR state = 'undone' AND before = ?)", note, sha256, sha256
        )
        return bool(found)

    def run(self, run: str | None) -> Run | None:
        """That run; without an id the last one that has something to undo."""
        with self._lock:
            if run is None:
                row = self._db.execute(
                    "SELECT id, at FROM run JOIN entry ON run = id WHERE state = 'done' ORDER BY number DESC LIMIT 1"
                ).fetchone()
            else:
                row = self._db.execute("SELECT id, at FROM run WHERE id = ?", (run,)).fetchone()
        return Run(row[0], row[1], tuple(self._entries("run = ?", row[0]))) if row else None

    def runs(self, limit: int) -> list[Run]:
        """The last runs that did something, the newest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, at FROM run WHERE EXISTS (SELECT 1 FROM entry WHERE run = id AND state <> 'dropped')"
                " ORDER BY (SELECT max(number) FROM entry WHERE run = id) DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [Run(run, at, tuple(self._entries("run = ? AND state <> 'dropped'", run))) for run, at in rows]

    def copy_of(self, entry: Entry) -> Path:
        """Where the note as it was before is kept; of a new note, its text."""
        return self._folder / "copies" / entry.run / f"{entry.number}.md"

    def read_copy(self, entry: Entry) -> bytes:
        """The note as it was before. Raises DataDamaged when the copy is gone or is not what was kept."""
        copy = self.copy_of(entry)
        try:
            data = copy.read_bytes()
        except OSError as error:
            raise DataDamaged(f"the copy {copy} cannot be read ({error.strerror})") from error
        if digest(data) != (entry.before or entry.after):
            raise DataDamaged(f"the copy {copy} is not what was kept; it is not put into the vault")
        return data

    def _entries(self, where: str, *values: Any) -> list[Entry]:
        with self._lock:
            rows = self._db.execute(f"SELECT * FROM entry WHERE {where} ORDER BY number", values).fetchall()  # noqa: S608
        return [_entry(row) for row in rows]


def _entry(row: Sequence[Any]) -> Entry:
    number, run, note, state, before, after, mode, mtime_ns, temp, folders, changes, _, kept = row
    made, done = tuple(json.loads(folders)), tuple(json.loads(changes))
    return Entry(number, run, note, state, before, after, mode, mtime_ns, temp, made, done, bool(kept))


def digest(data: bytes) -> str:
    """SHA-256, hexadecimal: what an edit names a note's bytes by."""
    return hashlib.sha256(data).hexdigest()


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
