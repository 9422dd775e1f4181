"""Where the catalog's links lead, kept right while files come and go.

A link can only lead to a file whose name has the same key, so a file that appears or goes asks for the links of its
name again and for no others: a new `x/Note.md` may take over `[[Note]]` everywhere without one source being read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from itertools import islice

from vaultbot.types import Link
from vaultbot.vault.resolver import Resolution, Resolver, basename_key

_NAMES_AT_ONCE = 500


class Edges:
    """The files of the vault as link targets: the table `file`, and `link.target` with it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._files: set[str] | None = None
        self._resolver = Resolver()

    def set_files(self, paths: Collection[str]) -> int:
        """These are the files now; links that lead elsewhere because of it are counted. Within a transaction.

        After a ROLLBACK, `forget` must be called.
        """
        before, now = self._known(), set(paths)
        added, removed = now - before, before - now
        if not added and not removed:
            return 0
        for path in removed:
            self._resolver.remove(path)
        for path in added:
            self._resolver.add(path)
        self._files = now
        self._db.executemany("DELETE FROM file WHERE path = ?", [(path,) for path in removed])
        self._db.executemany("INSERT INTO file VALUES (?)", [(path,) for path in added])
        return self._resolve_again({basename_key(path) for path in added | removed})

    def target(self, link: Link, source: str) -> Resolution:
        """Where a link of the note `source` leads."""
        self._known()
        return self._resolver.resolve(link.linkpath, source)

    def forget(self) -> None:
        """Read the files from the catalog again, for what was to be written was not."""
        self._files = None

    def _known(self) -> set[str]:
        if self._files is None:
            self._files = {path for (path,) in self._db.execute("SELECT path FROM file")}
            self._resolver = Resolver(self._files)
        return self._files

    def _resolve_again(self, names: set[str]) -> int:
        moved: list[tuple[str | None, bool, int, int]] = []
        for batch in _batches(names):
            rows = self._db.execute(
                "SELECT link.note, ordinal, linkpath, note.path, target, ambiguous"
                " FROM link JOIN note ON note.id = link.note"
                f" WHERE name IN ({','.join('?' * len(batch))})",
                batch,
            )
            for note, ordinal, linkpath, source, target, ambiguous in rows:
                found = self._resolver.resolve(linkpath, source)
                if (found.path, found.ambiguous) != (target, bool(ambiguous)):
                    moved.append((found.path, found.ambiguous, note, ordinal))
        self._db.executemany("UPDATE link SET target = ?, ambiguous = ? WHERE note = ? AND ordinal = ?", moved)
        return len(moved)


def _batches(names: set[str]) -> Iterator[list[str]]:
    left = iter(sorted(names))
    while batch := list(islice(left, _NAMES_AT_ONCE)):
        yield batch
