"""The catalog as readers see it: full-text matches, passages, vectors, notes. Never waits for the writer."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot.errors import DataDamaged
from vaultbot.index.schema import open_reader
from vaultbot.protocols import FloatArray
from vaultbot.types import DAMAGES, Heading, JsonValue, Link, Problem, Skipped

#: Title, aliases, description, headings, tags, body.
_NOTE_WEIGHTS = "10.0, 8.0, 4.0, 3.0, 1.0, 1.0"
#: Title and headings of a passage, its text.
_PASSAGE_WEIGHTS = "1.0, 1.0"


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as stored."""

    rowid: int
    id: str
    note: int  #: key of its note
    path: str
    title: str
    heading_path: tuple[str, ...]
    start_line: int
    end_line: int
    text: str


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """A note as stored, for showing."""

    key: int
    path: str
    title: str
    lines: int
    properties: dict[str, JsonValue]
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    headings: tuple[Heading, ...]
    links: tuple[Link, ...]
    problems: tuple[Problem, ...]


class CatalogReader:
    """Reads the catalog from any thread; each thread has a connection of its own."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._local = threading.local()

    @property
    def _db(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_reader(self._file)
        return connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What this thread reads within comes from one moment, whatever is written meanwhile. May be nested.

        Keys and rowids are only good for one moment: a note that is read again gets new ones.
        """
        if self._db.in_transaction:
            yield
            return
        try:
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("ROLLBACK")
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise DataDamaged(
                f"the catalog {self._file} was damaged while vaultbot ran; run: vaultbot stop, and ask again. The "
                "vault is read anew then"
            ) from error

    # ── counts and lists ───────────────────────────────────────────────────────────────────────────────────────

    def counts(self) -> tuple[int, int]:
        """Notes, and passages that can be found."""
        notes = self._db.execute("SELECT count(*) FROM note").fetchone()[0]
        return notes, self._db.execute("SELECT count(*) FROM chunk WHERE view = 'passage'").fetchone()[0]

    def skipped(self) -> list[Skipped]:
        """Files that were left out at the last scan."""
        return [Skipped(*row) for row in self._db.execute("SELECT path, reason FROM skipped ORDER BY path")]

    def aliases(self, note: int) -> list[str]:
        """The note's other names."""
        return self._column("SELECT name FROM alias WHERE note = ? ORDER BY ordinal", note)

    def damaged(self) -> list[Skipped]:
        """Notes that are not wholly in the index, and why."""
        rows = self._db.execute("SELECT path, problems FROM note WHERE problems <> '[]' ORDER BY path")
        return [
            Skipped(path, problem["message"])
            for path, problems in rows
            for problem in json.loads(problems)
            if problem["slug"] in DAMAGES
        ]

    def paths(self) -> list[str]:
        """Every note's path."""
        return [row[0] for row in self._db.execute("SELECT path FROM note ORDER BY path")]

    def names(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """(path, title, aliases) of every note."""
        aliases: dict[str, list[str]] = {}
        for path, name in self._db.execute(
            "SELECT path, name FROM alias JOIN note ON note.id = alias.note ORDER BY note, ordinal"
        ):
            aliases.setdefault(path, []).append(name)
        rows = self._db.execute("SELECT path, title FROM note ORDER BY path")
        return [(path, title, tuple(aliases.get(path, ()))) for path, title in rows]

    # ── full text ──────────────────────────────────────────────────────────────────────────────────────────────

    def match_notes(self, terms: Sequence[str], *, limit: int) -> list[tuple[int, float]]:
        """(note key, BM25 score) of the notes with any of the terms, best first; higher is better."""
        return self._match("note_terms", _NOTE_WEIGHTS, terms, limit)

    def match_passages(self, terms: Sequence[str], *, limit: int) -> list[tuple[int, float]]:
        """(passage rowid, BM25 score) of the passages with any of the terms, best first."""
        return self._match("passage_terms", _PASSAGE_WEIGHTS, terms, limit)

    def passage_scores(self, terms: Sequence[str], rowids: Sequence[int]) -> dict[int, float]:
        """BM25 scores of these passages; those without any of the terms are left out."""
        if not terms or not rowids:
            return {}
        rows = self._db.execute(
            f"SELECT rowid, -bm25(passage_terms, {_PASSAGE_WEIGHTS}) FROM passage_terms"
            # The "+" keeps SQLite from searching once for every row.
            f" WHERE passage_terms MATCH ? AND +rowid IN ({_marks(rowids)})",
            (_any_of(terms), *rowids),
        )
        return dict(rows.fetchall())

    def document_frequency(self, terms: Iterable[str]) -> tuple[dict[str, int], int]:
        """In how many passages each term stands, and how many passages there are."""
        total = self._db.execute("SELECT count(*) FROM passage_terms").fetchone()[0]
        counted = {
            term: self._db.execute(
                "SELECT count(*) FROM passage_terms WHERE passage_terms MATCH ?", (_any_of([term]),)
            ).fetchone()[0]
            for term in set(terms)
        }
        return counted, total

    def _match(self, table: str, weights: str, terms: Sequence[str], limit: int) -> list[tuple[int, float]]:
        if not terms:
            return []
        rows = self._db.execute(
            f"SELECT rowid, -bm25({table}, {weights}) AS score FROM {table} WHERE {table} MATCH ?"
            " ORDER BY score DESC, rowid LIMIT ?",
            (_any_of(terms), limit),
        )
        return rows.fetchall()

    # ── passages and vectors ───────────────────────────────────────────────────────────────────────────────────

    def notes_of(self, chunk_ids: Sequence[str]) -> dict[str, int]:
        """The note of each chunk that still exists."""
        rows = self._db.execute(f"SELECT id, note FROM chunk WHERE id IN ({_marks(chunk_ids)})", chunk_ids)
        return dict(rows.fetchall())

    def notes_of_passages(self, rowids: Sequence[int]) -> dict[int, int]:
        """The note of each passage."""
        rows = self._db.execute(f"SELECT rowid, note FROM chunk WHERE rowid IN ({_marks(rowids)})", rowids)
        return dict(rows.fetchall())

    def passages_of(self, notes: Sequence[int]) -> list[Passage]:
        """Every passage of these notes, in order."""
        rows = self._db.execute(
            "SELECT chunk.rowid, chunk.id, note, path, title, heading_path, start_line, end_line, text"
            f" FROM chunk JOIN note ON note.id = chunk.note WHERE view = 'passage' AND note IN ({_marks(notes)})"
            " ORDER BY note, ordinal",
            notes,
        )
        return [
            Passage(rowid, identity, note, path, title, tuple(json.loads(headings)), start, end, text)
            for rowid, identity, note, path, title, headings, start, end, text in rows
        ]

    def vectors_of(self, notes: Sequence[int], fingerprint: str) -> dict[int, list[tuple[int, str, FloatArray]]]:
        """(chunk rowid, view, vector) of every chunk of these notes that has one, by note."""
        found: dict[int, list[tuple[int, str, FloatArray]]] = {}
        rows = self._db.execute(
            "SELECT chunk.note, chunk.rowid, chunk.view, vector.vector FROM chunk"
            " JOIN vector ON vector.text_hash = chunk.text_hash AND vector.fingerprint = ?"
            f" WHERE chunk.note IN ({_marks(notes)})",
            (fingerprint, *notes),
        )
        for note, rowid, view, blob in rows:
            found.setdefault(note, []).append((rowid, view, np.frombuffer(blob, np.float32)))
        return found

    def titles(self, notes: Sequence[int]) -> dict[int, tuple[str, str]]:
        """(path, title) of these notes."""
        rows = self._db.execute(f"SELECT id, path, title FROM note WHERE id IN ({_marks(notes)})", notes)
        return {key: (path, title) for key, path, title in rows}

    def headings(self, note: int) -> list[Heading]:
        """The note's headings in order (offsets are not kept)."""
        rows = self._db.execute(
            "SELECT level, text, path, line, written FROM heading WHERE note = ? ORDER BY ordinal", (note,)
        )
        return [
            Heading(level, text, tuple(json.loads(path)), line, 0, 0, tuple(json.loads(written)))
            for level, text, path, line, written in rows
        ]

    def note(self, path: str) -> NoteRecord | None:
        """A note with its properties, names, headings and links; None when it is not in the index."""
        row = self._db.execute(
            "SELECT id, title, lines, properties, problems FROM note WHERE path = ?", (path,)
        ).fetchone()
        if row is None:
            return None
        key, title, lines, properties, problems = row
        return NoteRecord(
            key,
            path,
            title,
            lines,
            json.loads(properties),
            tuple(self._column("SELECT name FROM alias WHERE note = ? ORDER BY ordinal", key)),
            tuple(dict.fromkeys(self._column("SELECT name FROM tag WHERE note = ? ORDER BY ordinal", key))),
            tuple(self.headings(key)),
            tuple(self._links(key)),
            tuple(Problem(**problem) for problem in json.loads(problems)),
        )

    def linking(self, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """(source path, linkpath, raw) of every link whose linkpath ends in one of these names, whatever its case.

        Where each of them leads is the resolver's to say.
        """
        patterns = [name.casefold() for name in names]
        for source, linkpath, raw in self._db.execute(
            "SELECT path, linkpath, raw FROM link JOIN note ON note.id = link.note"
        ):
            last = linkpath.rpartition("/")[2].casefold()
            if last in patterns or last.removesuffix(".md") in patterns:
                yield source, linkpath, raw

    def _links(self, key: int) -> Iterator[Link]:
        rows = self._db.execute(
            'SELECT kind, raw, linkpath, subpath, display, start, "end", line, col, embed, key, key_path, in_comment'
            " FROM link WHERE note = ? ORDER BY ordinal",
            (key,),
        )
        for (
            kind,
            raw,
            linkpath,
            subpath,
            display,
            start,
            end,
            line,
            col,
            embed,
            name,
            key_path,
            commented,
        ) in rows:
            place = (start, end, line, col, bool(embed))
            yield Link(kind, raw, linkpath, subpath, display, *place, name, key_path, bool(commented))

    def _column(self, sql: str, *values: Any) -> list[str]:
        return [row[0] for row in self._db.execute(sql, values)]


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _any_of(terms: Iterable[str]) -> str:
    """An FTS5 query for any of the terms. Terms hold letters and digits only, and are quoted all the same."""
    return " OR ".join('"' + term.replace('"', "") + '"' for term in terms)
