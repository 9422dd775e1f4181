"""A few notes in a catalog and a connection that asks about their words, without anything else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vaultbot.index.catalog import Catalog
from vaultbot.index.chunker import chunk_note, estimate_tokens
from vaultbot.index.note_rows import ReadNote
from vaultbot.index.schema import open_reader
from vaultbot.types import FileStamp
from vaultbot.vault.markdown import parse_note


@dataclass(frozen=True)
class Shelf:
    """The notes, which can be written and removed, and what reads them."""

    catalog: Catalog
    db: sqlite3.Connection

    def write(self, path: str, text: str) -> None:
        note = parse_note(path, text)
        chunks = chunk_note(note, max_tokens=230, count_tokens=estimate_tokens)
        self.catalog.record([ReadNote(note, FileStamp(len(text), 0, 0, 0), "", chunks)])

    def remove(self, path: str) -> None:
        self.catalog.record([], removed=[path])


@contextmanager
def a_shelf(folder: Path) -> Iterator[Shelf]:
    file = folder / "catalog.db"
    with closing(Catalog(file)) as catalog, closing(open_reader(file)) as db:
        yield Shelf(catalog, db)
