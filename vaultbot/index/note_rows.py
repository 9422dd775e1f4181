"""The rows of a note in the catalog: how they are written, and how they are taken out."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from vaultbot import faults
from vaultbot.index.abbreviations import synonyms
from vaultbot.index.analyzer import terms
from vaultbot.index.chunker import LONGEST_HEADING, clip_headings, descriptions
from vaultbot.index.edges import Edges
from vaultbot.index.properties import property_values
from vaultbot.types import Chunk, FileStamp, Note, Problem
from vaultbot.vault.resolver import basename_key
from vaultbot.vault.subpaths import anchors
from vaultbot.vault.tags import tag_key


@dataclass(frozen=True, slots=True)
class ReadNote:
    """A parsed note with its chunks, ready to be recorded."""

    note: Note
    stamp: FileStamp
    hash: str
    chunks: Sequence[Chunk]
    problems: tuple[Problem, ...] = ()  #: of the file, besides the note's own
    date: str | None = None  #: YYYY-MM-DD
    kept_out: str = ""
    searched: bool = True  #: whether it can be found and cited; its links count in any case
    awaits_vectors: bool = False  #: it is no news to the vector index yet


#: Of a note whose words alone were recorded: no file has it.
NO_STAMP = FileStamp(0, 0, 0, 0)


def text_hash(text: str) -> bytes:
    """The key of a text's vector."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def chunk_id(chunk: Chunk) -> str:
    """The same chunk of the same note has the same id in every index."""
    key = f"{chunk.note}\0{chunk.view}\0{chunk.ordinal}\0".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(key + text_hash(chunk.embedded_text), digest_size=16).hexdigest()


class NoteRows:
    """Writes the rows of notes. To be used within a transaction of the catalog."""

    def __init__(self, db: sqlite3.Connection, edges: Edges) -> None:
        self._db = db
        self._edges = edges

    def forget(self, path: str) -> None:
        """Take a note out, with everything of it; none of that path is no error."""
        row = self._db.execute("SELECT id FROM note WHERE path = ?", (path,)).fetchone()
        if row is None:
            return
        self.forget_words(row)
        self._db.execute("DELETE FROM note WHERE id = ?", row)

    def forget_words(self, row: tuple[int]) -> None:
        """Take out what the note with this key can be found by."""
        self._db.execute("INSERT INTO outbox (chunk) SELECT id FROM chunk WHERE note = ?", row)
        self._db.execute("DELETE FROM passage_terms WHERE rowid IN (SELECT rowid FROM chunk WHERE note = ?)", row)
        self._db.execute("DELETE FROM note_terms WHERE rowid = ?", row)
        self._db.execute("DELETE FROM synonym WHERE note = ?", row)

    def insert(self, read: ReadNote) -> None:
        """Put a note in that is not there."""
        note, stamp = read.note, read.stamp
        cursor = self._db.execute(
            "INSERT INTO note (path, title, stamp, hash, lines, properties, problems, date, kept_out, searched)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                note.path, note.title, stamp_text(stamp), read.hash, len(note.visible), as_json(note.properties),
                as_json([asdict(p) for p in (*read.problems, *note.problems)]), read.date, read.kept_out, read.searched,
            ),
        )  # fmt: skip
        key = cursor.lastrowid
        assert key is not None
        self._db.executemany(
            "INSERT INTO heading VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    key, n, h.level, clean(h.text[:LONGEST_HEADING]), as_json(clip_headings(h.path)), h.line,
                    as_json(clip_headings(h.written)),
                )
                for n, h in enumerate(note.headings)
            ],
        )  # fmt: skip
        self._db.executemany(
            "INSERT INTO alias VALUES (?, ?, ?)", [(key, n, clean(a)) for n, a in enumerate(note.aliases)]
        )
        self._db.executemany(
            "INSERT INTO anchor VALUES (?, ?, ?, ?)",
            [(key, n, clean(name), line) for n, (name, line) in enumerate(anchors(note))],
        )
        self._db.executemany(
            "INSERT INTO tag VALUES (?, ?, ?, ?, ?, ?)",
            [
                (key, n, clean(t.name), clean(tag_key(t.name)), t.line, t.in_frontmatter)
                for n, t in enumerate(note.tags)
            ],
        )
        self._db.executemany(
            "INSERT INTO property VALUES (?, ?, ?, ?, ?)",
            [
                (key, n, clean(name), clean(value), inline)
                for n, (name, value, inline) in enumerate(property_values(note))
            ],
        )
        self._insert_links(key, note)
        if read.searched:
            self._insert_terms(key, note)
        faults.point("catalog.half-inserted")
        for chunk in read.chunks:
            self._insert_chunk(key, chunk)
        if not read.awaits_vectors:
            self.announce(note.path)

    def announce(self, path: str) -> None:
        """Tell the vector index of a note's chunks, by the outbox."""
        self._db.execute(
            "INSERT INTO outbox (chunk) SELECT chunk.id FROM chunk JOIN note ON note.id = chunk.note"
            " WHERE note.path = ? ORDER BY chunk.rowid",
            (path,),
        )

    def _insert_links(self, key: int, note: Note) -> None:
        targets = [self._edges.target(link, note.path) for link in note.links]
        self._db.executemany(
            "INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    key, n, k.kind, clean(k.raw), clean(k.linkpath), clean(k.subpath), clean(k.display), k.start,
                    k.end, k.line, k.col, k.embed, clean(k.key), clean(k.key_path), k.in_comment, k.nested,
                    clean(basename_key(k.linkpath)), target.path, target.ambiguous,
                )
                for n, (k, target) in enumerate(zip(note.links, targets, strict=True))
            ],
        )  # fmt: skip

    def _insert_terms(self, key: int, note: Note) -> None:
        fields = (
            note.title,
            "\n".join(note.aliases),
            "\n".join(descriptions(note)),
            "\n".join(heading.text for heading in note.headings),
            "\n".join(tag.name for tag in note.tags),
            "\n".join(note.visible),
        )
        self._db.execute(
            "INSERT INTO note_terms (rowid, title, aliases, description, headings, tags, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, *(" ".join(terms(text)) for text in fields)),
        )
        self._db.executemany(
            "INSERT INTO synonym VALUES (?, ?, ?, ?)",
            [(key, n, clean(one.said), clean(one.means)) for n, one in enumerate(synonyms(note))],
        )

    def _insert_chunk(self, key: int, chunk: Chunk) -> None:
        identity = chunk_id(chunk)
        cursor = self._db.execute(
            "INSERT INTO chunk (id, note, view, ordinal, heading_path, start_line, end_line, text, context, text_hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                identity, key, chunk.view, chunk.ordinal, as_json(chunk.heading_path), chunk.start_line, chunk.end_line,
                clean(chunk.text), clean(chunk.context), text_hash(chunk.embedded_text),
            ),
        )  # fmt: skip
        if chunk.view == "passage":
            self._db.execute(
                "INSERT INTO passage_terms (rowid, context, text) VALUES (?, ?, ?)",
                (cursor.lastrowid, " ".join(terms(chunk.context)), " ".join(terms(chunk.indexed or chunk.text))),
            )


def stamp_text(stamp: FileStamp) -> str:
    """As the catalog keeps it."""
    return f"{stamp.size} {stamp.mtime_ns} {stamp.ctime_ns} {stamp.ino}"


def as_json(value: object) -> str | None:
    """A value as the catalog keeps it."""
    return clean(json.dumps(value, ensure_ascii=False, default=str))


def clean(text: str | None) -> str | None:
    """Text that SQLite can hold: a lone surrogate, which no UTF-8 file should have, becomes a question mark."""
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
