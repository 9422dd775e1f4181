"""The catalog as readers see it: full-text matches, passages, vectors, notes. Never waits for the writer."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot.index.connections import Connections
from vaultbot.index.damage import MET, CatalogDamaged, telling_damage
from vaultbot.index.filtering import keys
from vaultbot.index.health import IndexFacts, copied_while_open, look_at_catalog, look_at_vectors
from vaultbot.paths import StatePaths
from vaultbot.protocols import FloatArray, VectorIndex
from vaultbot.types import DAMAGES, Heading, JsonValue, Problem, Skipped

#: Title, aliases, description, headings, tags, body.
_NOTE_WEIGHTS = "10.0, 8.0, 4.0, 3.0, 1.0, 1.0"
#: Title and headings of a passage, its text.
_PASSAGE_WEIGHTS = "1.0, 1.0"
_ALL = ""  #: in place of a term: every passage
#: The "+" keeps SQLite from searching once for every row.
_AMONG = "+rowid IN (SELECT value FROM json_each(?))"


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
class Vectors:
    """Vectors of chunks, each line of the matrix with its chunk's note and rowid."""

    notes: list[int]
    rowids: list[int]
    cards: list[bool]  #: whether the chunk is its note's card
    matrix: FloatArray  #: (chunks, dimensions)


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
    problems: tuple[Problem, ...]


class CatalogReader:
    """Reads the catalog from any thread; a thread has a connection for as long as it reads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._connections = Connections(file)
        self._local = threading.local()

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of this thread's snapshot, for questions that stand elsewhere."""
        connection = self._in_snapshot
        assert connection is not None, "a connection is only lent within a snapshot"
        return connection

    @property
    def is_suspect(self) -> bool:
        """Whether the catalog could not be read back, so that the next start replaces it."""
        return StatePaths(self.file.parent).suspect.exists()

    @property
    def _in_snapshot(self) -> sqlite3.Connection | None:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        return connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What this thread reads within comes from one moment, whatever is written meanwhile. May be nested.

        Keys and rowids are only good for one moment: a note that is read again gets new ones.
        """
        if self._in_snapshot is not None:
            yield
            return
        with telling_damage(self.file), self._connections.lent() as connection:
            connection.execute("BEGIN")
            self._local.connection, self._local.counted = connection, {}
            try:
                yield
            finally:
                self._local.connection = None
                connection.execute("ROLLBACK")

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        """The snapshot's connection, or another for this block."""
        if (connection := self._in_snapshot) is not None:
            yield connection
            return
        with telling_damage(self.file), self._connections.lent() as connection:
            yield connection

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lent() as connection:
            return connection.execute(sql, values).fetchall()

    # ── counts and lists ───────────────────────────────────────────────────────────────────────────────────────

    def counts(self) -> tuple[int, int]:
        """Notes and passages that can be found."""
        return self._length("note_terms"), self._length("passage_terms")

    def skipped(self) -> list[Skipped]:
        """Files that were left out at the last scan."""
        return [Skipped(*row) for row in self._rows("SELECT path, reason FROM skipped ORDER BY path")]

    def waiting(self) -> int:
        """Chunks whose vectors are still to be carried over to the vector index."""
        return self._count("SELECT count(*) FROM outbox")

    def facts(self, vectors: VectorIndex | None, fingerprint: str) -> IndexFacts:
        """Whether the catalog is whole, and the vector index of this embedder what the catalog says."""
        with self._lent() as connection:
            with copied_while_open(connection, self.file) as copy:
                catalog = look_at_catalog(copy, suspect=self.is_suspect)
            if vectors is None or catalog.damage is not None:
                return IndexFacts(catalog)
            return IndexFacts(catalog, look_at_vectors(connection, vectors, fingerprint))

    def aliases(self, note: int) -> list[str]:
        """The note's other names."""
        return self._column("SELECT name FROM alias WHERE note = ? ORDER BY ordinal", note)

    def day(self, path: str) -> str | None:
        """The day the note is about: YYYY-MM-DD; None when it has none or is not there."""
        return next(iter(self._column("SELECT date FROM note WHERE path = ?", path)), None)

    def damaged(self) -> list[Skipped]:
        """Notes that are not wholly in the index, and why."""
        rows = self._rows("SELECT path, problems FROM note WHERE problems <> '[]' ORDER BY path")
        return [
            Skipped(path, problem["message"])
            for path, problems in rows
            for problem in json.loads(problems)
            if problem["slug"] in DAMAGES
        ]

    def paths(self) -> list[str]:
        """Every note's path."""
        return self._column("SELECT path FROM note ORDER BY path")

    def names(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """(path, title, aliases) of every note that can be found."""
        aliases: dict[str, list[str]] = {}
        for path, name in self._rows(
            "SELECT path, name FROM alias JOIN note ON note.id = alias.note ORDER BY note, ordinal"
        ):
            aliases.setdefault(path, []).append(name)
        rows = self._rows("SELECT path, title FROM note WHERE searched ORDER BY path")
        return [(path, title, tuple(aliases.get(path, ()))) for path, title in rows]

    # ── full text ──────────────────────────────────────────────────────────────────────────────────────────────

    def match_notes(
        self,
        terms: Sequence[str],
        *,
        limit: int | None,
        within: Collection[int] | None = None,
        holding: Sequence[str] | None = None,
        pairs: Sequence[tuple[str, str]] = (),
    ) -> list[tuple[int, float]]:
        """(note key, BM25 score) of the notes with any of the terms, best first; higher is better.

        `within` leaves only these notes to be found, and `holding` those with any of these terms; their scores stay the
        same. Each of the `pairs` that stands side by side counts as a term of its own.
        """
        wanted = [*terms, *map(" ".join, pairs)]
        return self._match("note_terms", _NOTE_WEIGHTS, wanted, limit, within, holding)

    def passage_scores(
        self, terms: Sequence[str], rowids: Sequence[int], *, pairs: Sequence[tuple[str, str]] = ()
    ) -> dict[int, float]:
        """BM25 scores of these passages, `pairs` as for notes; those without any of the terms are left out."""
        wanted = [*terms, *map(" ".join, pairs)]
        if not wanted or not rowids:
            return {}
        rows = self._rows(
            f"SELECT rowid, -bm25(passage_terms, {_PASSAGE_WEIGHTS}) FROM passage_terms"
            f" WHERE passage_terms MATCH ? AND {_AMONG}",
            (_any_of(wanted), keys(rowids)),
        )
        return dict(rows)

    def rarity(self, terms: Iterable[str]) -> dict[str, float]:
        """Each term's inverse document frequency: about 0 where every passage has it."""
        counted, total = self.document_frequency(terms)
        return {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in counted.items()}

    def document_frequency(self, terms: Iterable[str]) -> tuple[dict[str, int], int]:
        """In how many passages each term stands, and how many passages there are."""
        wanted = set(terms)
        # In a snapshot nothing changes, and the terms of a question are counted for several reasons.
        counted: dict[str, int] = self._local.counted if self._in_snapshot else {}
        for term in wanted - counted.keys():
            [(counted[term],)] = self._rows(
                "SELECT count(*) FROM passage_terms WHERE passage_terms MATCH ?", (_any_of([term]),)
            )
        if _ALL not in counted:
            counted[_ALL] = self._length("passage_terms")
        return {term: counted[term] for term in wanted}, counted[_ALL]

    def _length(self, table: str) -> int:
        """How many rows a full-text table has: the table of their lengths is small, and counting itself reads all."""
        return self._count(f"SELECT count(*) FROM {table}_docsize")

    def _match(
        self,
        table: str,
        weights: str,
        terms: Sequence[str],
        limit: int | None,
        within: Collection[int] | None = None,
        holding: Sequence[str] | None = None,
    ) -> list[tuple[int, float]]:
        if not terms or (within is not None and not within):
            return []
        sql = f"SELECT rowid, -bm25({table}, {weights}) AS score FROM {table} WHERE {table} MATCH ?"
        given: list[str | int] = [_any_of(terms)]
        if within is not None:
            sql += f" AND {_AMONG}"
            given.append(keys(within))
        if holding is not None:  # To score a row takes ten times as long as to pass it by.
            sql += f" AND +rowid IN (SELECT rowid FROM {table} WHERE {table} MATCH ?)"
            given.append(_any_of(holding))
        given.append(-1 if limit is None else limit)
        return self._rows(f"{sql} ORDER BY score DESC, rowid LIMIT ?", given)

    # ── passages and vectors ───────────────────────────────────────────────────────────────────────────────────

    def notes_of(self, chunk_ids: Sequence[str]) -> dict[str, int]:
        """The note of each chunk that still exists."""
        wanted = json.dumps(list(chunk_ids))
        rows = self._rows("SELECT id, note FROM chunk WHERE id IN (SELECT value FROM json_each(?))", (wanted,))
        return dict(rows)

    def passages_of(self, notes: Collection[int]) -> list[Passage]:
        """Every passage of these notes, in order."""
        rows = self._rows(
            "SELECT chunk.rowid, chunk.id, note, path, title, heading_path, start_line, end_line, text"
            " FROM chunk JOIN note ON note.id = chunk.note"
            " WHERE view = 'passage' AND note IN (SELECT value FROM json_each(?)) ORDER BY note, ordinal",
            (keys(notes),),
        )
        return [_passage(row) for row in rows]

    def vectors_of(self, notes: Collection[int], fingerprint: str) -> Vectors:
        """The vectors of these notes' chunks, as far as they have one."""
        rows = self._rows(
            # CROSS: from the few chunks to their vectors, or SQLite may read every vector there is.
            "SELECT chunk.note, chunk.rowid, chunk.view, vector.vector FROM chunk"
            " CROSS JOIN vector ON vector.text_hash = chunk.text_hash AND vector.fingerprint = ?"
            " WHERE chunk.note IN (SELECT value FROM json_each(?))",
            (fingerprint, keys(notes)),
        )
        # One buffer for all: a filter may leave thousands.
        try:
            matrix = np.frombuffer(b"".join(b for *_, b in rows), np.float32).reshape(len(rows), -1 if rows else 0)
        except ValueError:
            with telling_damage(self.file):
                raise CatalogDamaged(MET) from None
        return Vectors([row[0] for row in rows], [row[1] for row in rows], [row[2] == "card" for row in rows], matrix)

    def chunk_count(self, notes: Collection[int]) -> int:
        """How many chunks these notes have."""
        return self._count("SELECT count(*) FROM chunk WHERE note IN (SELECT value FROM json_each(?))", keys(notes))

    def passage_notes(self, notes: Collection[int]) -> dict[int, int]:
        """The rowid of every passage of these notes, with its note, in order."""
        rows = self._rows(
            "SELECT rowid, note FROM chunk WHERE view = 'passage' AND note IN (SELECT value FROM json_each(?))"
            " ORDER BY note, ordinal",
            (keys(notes),),
        )
        return dict(rows)

    def newest(self, notes: Collection[int], *, limit: int) -> list[Passage]:
        """The first passage of each of these notes, the newest date first, then by path; empty for an empty note."""
        rows = self._rows(
            "SELECT coalesce(chunk.rowid, 0), coalesce(chunk.id, ''), note.id, path, title,"
            " coalesce(heading_path, '[]'), coalesce(start_line, 1), coalesce(end_line, 1), coalesce(text, '')"
            " FROM note LEFT JOIN chunk ON chunk.note = note.id AND view = 'passage' AND ordinal = 0"
            " WHERE note.id IN (SELECT value FROM json_each(?))"
            " ORDER BY date IS NULL, date DESC, path LIMIT ?",
            (keys(notes), limit),
        )
        return [_passage(row) for row in rows]

    def titles(self, notes: Sequence[int]) -> dict[int, tuple[str, str]]:
        """(path, title) of these notes."""
        rows = self._rows(f"SELECT id, path, title FROM note WHERE id IN ({_marks(notes)})", notes)
        return {key: (path, title) for key, path, title in rows}

    def names_of(self, notes: Collection[int]) -> dict[int, list[str]]:
        """Title and aliases of these notes."""
        return self._texts(
            "SELECT id, title FROM note WHERE id IN (SELECT value FROM json_each(?1))"
            " UNION ALL SELECT note, name FROM alias WHERE note IN (SELECT value FROM json_each(?1))",
            notes,
        )

    def headings_of(self, notes: Collection[int]) -> dict[int, list[str]]:
        """The words of the headings of these notes."""
        return self._texts("SELECT note, text FROM heading WHERE note IN (SELECT value FROM json_each(?1))", notes)

    def _texts(self, sql: str, notes: Collection[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for note, text in self._rows(sql, (keys(notes),)):
            found.setdefault(note, []).append(text)
        return found

    def headings(self, note: int) -> list[Heading]:
        """The note's headings in order (offsets are not kept)."""
        rows = self._rows(
            "SELECT level, text, path, line, written FROM heading WHERE note = ? ORDER BY ordinal", (note,)
        )
        return [
            Heading(level, text, tuple(json.loads(path)), line, 0, 0, tuple(json.loads(written)))
            for level, text, path, line, written in rows
        ]

    def note(self, path: str) -> NoteRecord | None:
        """A note with its properties, names and headings; None when it is not in the index."""
        rows = self._rows("SELECT id, title, lines, properties, problems FROM note WHERE path = ?", (path,))
        if not rows:
            return None
        [(key, title, lines, properties, problems)] = rows
        return NoteRecord(
            key,
            path,
            title,
            lines,
            json.loads(properties),
            tuple(self._column("SELECT name FROM alias WHERE note = ? ORDER BY ordinal", key)),
            tuple(dict.fromkeys(self._column("SELECT name FROM tag WHERE note = ? ORDER BY ordinal", key))),
            tuple(self.headings(key)),
            tuple(Problem(**problem) for problem in json.loads(problems)),
        )

    def _column(self, sql: str, *values: Any) -> list[str]:
        return [row[0] for row in self._rows(sql, values)]

    def _count(self, sql: str, *values: Any) -> int:
        [(count,)] = self._rows(sql, values)
        assert isinstance(count, int)
        return count


def _passage(row: tuple[Any, ...]) -> Passage:
    rowid, identity, note, path, title, headings, start, end, text = row
    return Passage(rowid, identity, note, path, title, tuple(json.loads(headings)), start, end, text)


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _any_of(terms: Iterable[str]) -> str:
    """An FTS5 query for any of the terms. Terms hold letters and digits only, and are quoted all the same."""
    return " OR ".join('"' + term.replace('"', "") + '"' for term in terms)
