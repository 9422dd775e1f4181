"""What suggestions of every kind are made from.

A `VaultView` is the vault at one moment: the catalog with its graph, the notes that may be linked to, the way links are
written, and the vectors of the notes' cards. One is made per state of the catalog and shared by all notes and kinds. A
`Page` is the note that something is suggested for, read from its file, so that offsets and hash are of one and the same
text. A kind is a class made with a view, which looks at whatever it needs of the whole vault once, with a method
`suggest(page) -> list[Suggestion]`, best first: scores from 0 to 1 are about how likely a person is to accept, reasons
are in plain words, and ids come from `suggestion_id`. Whether a note takes part at all (`Page.wants`) is asked before
any kind is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np

from vaultbot.index.graph import Graph
from vaultbot.index.reader import CatalogReader, Vectors
from vaultbot.links.space import NoteSpace, read_space
from vaultbot.protocols import FloatArray
from vaultbot.suggestion import SuggestionKind
from vaultbot.types import JsonValue, Note
from vaultbot.vault.linktext import LinkStyle, LinkWriter
from vaultbot.vault.listing import is_note
from vaultbot.vault.obsidian import ObsidianSettings
from vaultbot.vault.resolver import Resolver, path_key
from vaultbot.vault.scanner import scan_blocks

_CONTEXT = 80  #: characters of the line shown on each side
_DELIMITER = re.compile(r"-:?[ \t]*\||\|[ \t]*:?-")  #: of the cells in the second row of a table
_ID_DIGITS = 16
#: Properties that say "no suggestions here" when they are false, and those of other linkers when they are true.
_SWITCHES = ("vaultbot", "vaultbot-links")
_OTHERS_SWITCHES = ("automatic-linker-off", "automatic-linker-disabled", "automatic-linker-exclude")
_OTHERS_TAGS = ("linker-exclude",)  #: Virtual Linker's


@dataclass(frozen=True, slots=True)
class Target:
    """A note that may be linked to."""

    key: int  #: of its row in the catalog, at this moment
    path: str
    title: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A note that something is suggested for, as its file is now."""

    note: Note
    sha256: str  #: of the file's bytes, hexadecimal

    @property
    def path(self) -> str:
        return self.note.path

    @property
    def wants(self) -> bool:
        """Whether its owner lets anything be suggested here: `vaultbot-links: false` and the like say no."""
        return wants_links(self.note)

    def place(self, start: int, end: int) -> tuple[int, int, str]:
        """Line and column, both from 1, and the line around, of a stretch of the text."""
        text = self.note.text
        line_start = text.rfind("\n", 0, start) + 1
        line_end = text.find("\n", end)
        line_end = len(text) if line_end < 0 else line_end
        around = text[max(line_start, start - _CONTEXT) : min(line_end, end + _CONTEXT)].strip()
        return text.count("\n", 0, start) + 1, start - line_start + 1, around

    def table_rows(self) -> frozenset[int]:
        """The lines that are rows of a table. The note is read again only if it seems to have any."""
        note = self.note
        if not _DELIMITER.search(note.text):
            return frozenset()
        return frozenset(scan_blocks(note.text, note.body_start).tables)


class VaultView:
    """The vault at one moment, shared by all notes and kinds. To be made and used within one snapshot of the reader.

    `read` gives a note's page from its file; it raises NoteNotFound. `fingerprint` is the embedder's, None without one.
    """

    def __init__(
        self,
        reader: CatalogReader,
        graph: Graph,
        settings: ObsidianSettings,
        *,
        read: Callable[[str], Page],
        fingerprint: str | None = None,
    ) -> None:
        self.reader = reader
        self.graph = graph
        self.settings = settings
        self.page = read
        self.fingerprint = fingerprint

    @cached_property
    def resolver(self) -> Resolver:
        """Every file of the vault, as link targets."""
        return Resolver(self.graph.files())

    @cached_property
    def writer(self) -> LinkWriter:
        """Writes links in the vault's own style."""
        return LinkWriter(self.resolver, LinkStyle(self.settings.new_link_format, self.settings.use_markdown_links))

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        """The Markdown notes that may be linked to, by path: templates and excluded notes are not among them."""
        keys = dict(self.reader.connection.execute("SELECT path, id FROM note WHERE searched AND kept_out = ''"))
        return {
            path: Target(keys[path], path, title, aliases)
            for path, title, aliases in self.reader.names()
            if path in keys and is_note(path)
        }

    @cached_property
    def cards(self) -> tuple[Mapping[str, int], FloatArray]:
        """The row of each target that has one, and the unit vectors of their cards."""
        if self.fingerprint is None:
            return {}, np.zeros((0, 1), np.float32)
        rows = self.reader.connection.execute(
            "SELECT note.path, vector.vector FROM note JOIN chunk ON chunk.note = note.id AND chunk.view = 'card'"
            " JOIN vector ON vector.text_hash = chunk.text_hash AND vector.fingerprint = ? ORDER BY note.path",
            (self.fingerprint,),
        ).fetchall()
        rows = [(path, blob) for path, blob in rows if path in self.targets]
        matrix = np.frombuffer(b"".join(blob for _, blob in rows), np.float32).reshape(len(rows), -1 if rows else 1)
        return {path: row for row, (path, _) in enumerate(rows)}, matrix

    @cached_property
    def space(self) -> NoteSpace:
        """The targets as rows of numbers, to compare each with all."""
        return read_space(self.reader, {path: one.key for path, one in self.targets.items()}, self.fingerprint)

    @cached_property
    def linked(self) -> Mapping[int, frozenset[int]]:
        """The rows of the space that each row is linked with, whichever way and by whatever kind of link."""
        found: dict[int, set[int]] = {}
        rows = self.space.row_of
        for source, target in self.reader.connection.execute(
            "SELECT DISTINCT note.path, target FROM link JOIN note ON note.id = link.note"
            " WHERE target NOTNULL AND target <> note.path AND NOT nested"
        ):
            if source in rows and target in rows:
                found.setdefault(rows[source], set()).add(rows[target])
                found.setdefault(rows[target], set()).add(rows[source])
        return {row: frozenset(others) for row, others in found.items()}

    def vectors(self, path: str) -> Vectors | None:
        """The vectors of one note's chunks; None where there are none."""
        if self.fingerprint is None:
            return None
        found = self.reader.connection.execute("SELECT id FROM note WHERE path = ?", (path,)).fetchone()
        held = self.reader.vectors_of([found[0]], self.fingerprint) if found else None
        return held if held is not None and held.notes else None


def suggestion_id(kind: SuggestionKind, note: str, target: str, words: str, nth: int = 0) -> str:
    """The same for the same suggestion, also after the note was edited elsewhere."""
    named = "\0".join((kind, note, target, path_key(" ".join(words.split())), str(nth)))
    return "s_" + sha256(named.encode("utf-8", "replace")).hexdigest()[:_ID_DIGITS]


def wants_links(note: Note) -> bool:
    """Whether the note's properties and tags let links be suggested in it."""
    if any(tag.name.lower() in _OTHERS_TAGS for tag in note.tags):
        return False
    for key, value in note.properties.items():
        name = key.lower()
        if (name in _SWITCHES and _is(value, "false")) or (name in _OTHERS_SWITCHES and _is(value, "true")):
            return False
    return True


def _is(value: JsonValue, word: str) -> bool:
    return str(value).lower() == word
