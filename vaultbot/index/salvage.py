"""A damaged catalog is set aside, and what can still be read of it goes into a new one.

The vault tells everything again but the vectors, which cost time.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from vaultbot import faults
from vaultbot.index.catalog import Catalog
from vaultbot.index.damage import CatalogDamaged, suspect
from vaultbot.index.soundness import are_unit
from vaultbot.paths import StatePaths

log = logging.getLogger("vaultbot")

_AT_ONCE = 256
_LEAST_ROW = 256  #: bytes that a vector takes with its key
_Row = tuple[str, bytes, bytes]
#: SQLite quotes a damaged schema, and Python's module cannot decode that, nor count as far as a damaged key.
_UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError)


def open_catalog(file: Path) -> tuple[Catalog, str | None]:
    """The catalog, and what a person should know of it. A damaged one is kept beside a new one.

    A kill at any time costs no vector: the new one takes the damaged one's place when it holds them.
    """
    new, found_damaged = file.with_name(f"{file.name}.new"), StatePaths(file.parent).suspect
    if not file.exists():
        found_damaged.unlink(missing_ok=True)
        if new.exists():  # Whole, for a kill came between the last two steps.
            new.rename(file)
    try:
        return Catalog(file), None
    except CatalogDamaged as error:
        log.warning("%s", error)
        suspect(file, "found by a start")
    for leftover in (new, _beside(new, "-wal"), _beside(new, "-shm"), _beside(file, "-shm")):
        leftover.unlink(missing_ok=True)
    catalog = Catalog(new)
    kept = salvage(file, catalog)
    catalog.close()
    aside = file.with_name(f"{file.name}.damaged-{int(time.time())}")
    _beside(file, "-shm").unlink(missing_ok=True)
    if (written_last := _beside(file, "-wal")).exists():  # First, or the new one might take it for its own.
        written_last.rename(_beside(aside, "-wal"))
    file.rename(aside)
    faults.point("catalog.set-aside")
    found_damaged.unlink(missing_ok=True)
    new.rename(file)
    notice = (
        f"the catalog was damaged and is kept as {aside.name}: the vault is read again, and {kept:,} texts need not be "
        "embedded again. The damaged file can be deleted"
    )
    log.warning("%s", notice)
    return Catalog(file), notice


def _beside(file: Path, what: str) -> Path:
    return file.with_name(f"{file.name}{what}")


def salvage(damaged: Path, catalog: Catalog) -> int:
    """Take over every vector that is still whole; how many there were. A file that was cut off is filled with zeros."""
    _fill_up(damaged)
    # Without its log file, should that be what is damaged.
    for how in ("mode=ro", "mode=ro&immutable=1"):
        kept = 0
        try:
            with closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?{how}", uri=True)) as old:
                old.execute("SELECT 1 FROM vector LIMIT 0")
                for rows in _readable(old, at_most=damaged.stat().st_size // _LEAST_ROW):
                    kept += catalog.take_vectors([row for row in rows if _is_whole(*row)])
        except _UNREADABLE:
            continue
        if kept:
            return kept
    return 0


def _fill_up(file: Path) -> None:
    """SQLite reads nothing of a file that is shorter than it says."""
    with file.open("r+b") as stream:
        header, size = stream.read(32), stream.seek(0, os.SEEK_END)
        if len(header) == 32 and header.startswith(b"SQLite format 3"):
            said = (int.from_bytes(header[16:18]) or 1) * int.from_bytes(header[28:32])
            if size < said < 100 * size:
                stream.truncate(said)


def _readable(old: sqlite3.Connection, *, at_most: int) -> Iterator[list[_Row]]:
    """The rows that can be read, however many pages between them cannot."""
    last = at_most
    with suppress(*_UNREADABLE):
        last = old.execute("SELECT max(rowid) FROM vector").fetchone()[0] or 0
    place, step, skipped = 0, _AT_ONCE, 1
    while place < last:
        try:
            rows = old.execute(
                "SELECT fingerprint, text_hash, vector FROM vector WHERE rowid > ? AND rowid <= ?",
                (place, place + step),
            ).fetchall()
            # A damaged key can be beyond all numbers, and to walk there would take for ever.
            further = place + step if rows else _next(old, place + step)
        except _UNREADABLE:
            if step > 1:
                step = max(1, step // 8)
            else:
                place += skipped
                skipped *= 2
            continue
        yield rows
        place = further
        step, skipped = min(_AT_ONCE, 2 * step), 1


def _next(old: sqlite3.Connection, place: int) -> int:
    """The place before the next row."""
    (rowid,) = old.execute("SELECT min(rowid) FROM vector WHERE rowid > ?", (place,)).fetchone()
    return sys.maxsize if rowid is None else max(place, rowid - 1)


def _is_whole(fingerprint: object, text_hash: object, vector: object) -> bool:
    if not isinstance(fingerprint, str) or not isinstance(text_hash, bytes) or not isinstance(vector, bytes):
        return False
    if len(text_hash) != 32 or not vector or len(vector) % 4:
        return False
    return are_unit(np.frombuffer(vector, "<f4").reshape(1, -1))
