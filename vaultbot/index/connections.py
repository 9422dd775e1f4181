"""Connections that read the catalog: a few, lent and given back, for threads come and go."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaultbot.index.schema import open_reader

KEPT = 4
_PATIENCE_S = 5.0


class Connections:
    """Lends connections to a catalog from any thread: at most `kept` stay open, each with two or three files.

    Who comes when all are lent waits for one, and after `patience_s` seconds gets a connection that is closed after
    use: those who read for long hold up nobody. That is not the rule, for SQLite may keep the file of a connection that
    it has closed for as long as another one is open (its locks are those of the whole process).
    """

    def __init__(self, file: Path, *, kept: int = KEPT, patience_s: float = _PATIENCE_S) -> None:
        self._file = file
        self._patience_s = patience_s
        self._places = threading.Semaphore(kept)
        self._idle: list[sqlite3.Connection] = []

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """A connection for this block alone. Raises sqlite3.Error when there is no catalog to open."""
        has_place = self._places.acquire(timeout=self._patience_s)
        try:
            connection = self._taken()
            try:
                yield connection
            except sqlite3.Error:  # It may be the connection's fault.
                connection.close()
                raise
            except BaseException:
                self._take_back(connection, has_place)
                raise
            self._take_back(connection, has_place)
        finally:
            if has_place:
                self._places.release()

    def _taken(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()  # The one that was used last knows most of the file.
        except IndexError:
            return open_reader(self._file)

    def _take_back(self, connection: sqlite3.Connection, has_place: bool) -> None:
        if has_place:
            self._idle.append(connection)
        else:
            connection.close()
