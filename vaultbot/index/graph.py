"""The vault as a graph: notes and files, and the links between them, as the catalog has them.

Every occurrence of a link is an edge, embeds, property links and links of canvases too. A link to a place in its own
note is an edge that makes no neighbour. Property links in nested maps, which Obsidian does not see, are told by
`outgoing` alone. What the vault's settings keep out of search is part of the graph.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from vaultbot.index.reader import CatalogReader
from vaultbot.index.surroundings import Surroundings
from vaultbot.types import Link, Problem, Skipped
from vaultbot.vault.documents import is_document, is_pdf
from vaultbot.vault.landing import landing
from vaultbot.vault.listing import is_note
from vaultbot.vault.resolver import basename_key, path_key, without_md

_EDGE = (
    'SELECT note.path, kind, raw, linkpath, subpath, display, start, "end", line, col, embed, key, key_path,'
    " in_comment, nested, target, ambiguous FROM link JOIN note ON note.id = link.note"
)
_NOT_INCOMING = "NOT EXISTS (SELECT 1 FROM link WHERE target = note.path AND link.note <> note.id AND NOT nested)"
_NOT_OUTGOING = "NOT EXISTS (SELECT 1 FROM link WHERE link.note = note.id AND target <> note.path AND NOT nested)"
#: A longer subpath may name a heading that the catalog has not kept as a whole.
_LONGEST_JUDGED = 150
_PATHS_AT_ONCE = 500

Direction = Literal["out", "in", "both"]


@dataclass(frozen=True, slots=True)
class Edge:
    """A link with both its ends."""

    source: str  #: path of the note that it stands in
    link: Link
    target: str | None  #: path of the file that it leads to; None when there is none
    ambiguous: bool  #: another file fits as well; which one Obsidian opens is not known
    subpath_ok: bool | None  #: whether the heading or block is there; None when it names none, or nothing is known


@dataclass(frozen=True, slots=True)
class Backlink:
    """A link seen from where it leads."""

    edge: Edge
    title: str  #: of the note that it stands in
    heading_path: tuple[str, ...]  #: that it stands under, as a reader sees it
    written: tuple[str, ...]  #: the same as the file has it, which is what a link or URI must name
    context: str  #: the words around it; "" for a property, in a comment, and in notes that are kept out of search


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A note that another one links to, is linked from, or both."""

    path: str
    title: str
    direction: Direction
    types: tuple[str, ...]  #: names of the properties and inline fields that link the two


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A name that is linked and that no file has."""

    linkpath: str  #: as it is first written
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A note that was asked for by a name."""

    path: str
    by: Literal["path", "title", "alias"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a note besides its words."""

    date: str | None  #: YYYY-MM-DD: the day that it is about
    kept_out: str  #: why the vault's settings keep it out of search: "", "excluded", "template"
    searched: bool  #: False: it is read for its links alone


class Graph:
    """Questions about the links of a vault. Safe to use from several threads; each call sees one moment."""

    def __init__(self, reader: CatalogReader) -> None:
        self._reader = reader

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several questions about the same moment."""
        with self._reader.snapshot():
            yield

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._reader.snapshot():
            return self._reader.connection.execute(sql, values).fetchall()

    # ── one note ───────────────────────────────────────────────────────────────────────────────────────────────

    def named(self, name: str) -> list[Named]:
        """The notes that are called so: by path, or else by the end of a path or title, or else by an alias.

        Letter case makes no difference, and neither does ".md".
        """
        if self._rows("SELECT 1 FROM note WHERE path = ?", name):
            return [Named(name, "path")]
        wanted = path_key(without_md(name.strip().strip("/")))
        if not wanted:
            return []
        notes = [
            (path, path_key(without_md(path)), title) for path, title in self._rows("SELECT path, title FROM note")
        ]
        whole = [Named(path, "path") for path, key, _ in notes if key == wanted]
        ends = [Named(path, "title") for path, key, t in notes if key.endswith("/" + wanted) or path_key(t) == wanted]
        found = (
            whole
            or ends
            or [
                Named(path, "alias")
                for path, alias in self._rows("SELECT DISTINCT path, name FROM alias JOIN note ON note.id = alias.note")
                if path_key(alias) == wanted
            ]
        )
        return sorted(dict.fromkeys(found), key=lambda one: one.path)

    def folder(self, path: str) -> str | None:
        """The folder of that name as the vault spells it, with "/" behind it; None when no file is in it."""
        wanted = path_key(path.strip().strip("/")) + "/"
        depth = wanted.count("/")
        inside = next((known for known in self.files() if path_key(known).startswith(wanted)), None)
        return "/".join(inside.split("/")[:depth]) + "/" if inside else None

    def standing(self, path: str) -> Standing | None:
        """Date and place in the search of a note; None when there is no such note."""
        rows = self._rows("SELECT date, kept_out, searched FROM note WHERE path = ?", path)
        return Standing(rows[0][0], rows[0][1], bool(rows[0][2])) if rows else None

    def outgoing(self, path: str) -> list[Edge]:
        """The links of a note in their order, properties first."""
        with self.snapshot():
            return self._judged(self._edges("WHERE note.path = ? ORDER BY ordinal", path))

    def backlinks(self, path: str) -> list[Backlink]:
        """The links that lead to a file from elsewhere, by the notes that they stand in."""
        with self.snapshot():
            where = "WHERE target = ? AND note.path <> target AND NOT nested"
            edges = self._judged(self._edges(f"{where} ORDER BY note.path, ordinal", path))
            sources = {
                source: (key, title)
                for source, key, title in self._rows(
                    f"SELECT DISTINCT note.path, note.id, title FROM link JOIN note ON note.id = link.note {where}",
                    path,
                )
            }
            around = Surroundings(self._reader.connection, path)
            return [
                Backlink(
                    edge,
                    title,
                    *around.heading(key, edge.link, in_card=not is_note(edge.source)),
                    around.words(key, edge.link),
                )
                for edge in edges
                for key, title in [sources[edge.source]]
            ]

    def neighbours(self, path: str) -> list[Neighbour]:
        """The notes and canvases that are linked with a note, whichever way."""
        rows = self._rows(
            "SELECT other.path, other.title, 'out', link.key FROM note JOIN link ON link.note = note.id"
            " JOIN note AS other ON other.path = link.target WHERE note.path = ?1 AND other.path <> ?1 AND NOT nested"
            " UNION SELECT note.path, note.title, 'in', link.key FROM link JOIN note ON note.id = link.note"
            " WHERE link.target = ?1 AND note.path <> ?1 AND NOT nested ORDER BY 1, 3, 4",
            path,
        )
        found: dict[str, Neighbour] = {}
        for other, title, direction, key in rows:
            known = found.setdefault(other, Neighbour(other, title, direction, ()))
            found[other] = replace(
                known,
                direction=direction if known.direction == direction else "both",
                types=tuple(dict.fromkeys((*known.types, key))) if key else known.types,
            )
        return list(found.values())

    # ── the whole vault ────────────────────────────────────────────────────────────────────────────────────────

    def orphans(self) -> list[str]:
        """Notes that nothing links to."""
        return self._notes(_NOT_INCOMING)

    def dead_ends(self) -> list[str]:
        """Notes that link to nothing that is there."""
        return self._notes(_NOT_OUTGOING)

    def isolated(self) -> list[str]:
        """Notes that are both."""
        return self._notes(f"{_NOT_INCOMING} AND {_NOT_OUTGOING}")

    def unresolved(self) -> list[Unresolved]:
        """Names that are linked and that no file has, the most linked first."""
        found: dict[str, list[Edge]] = {}
        for edge in self._edges("WHERE target IS NULL AND NOT nested ORDER BY note.path, ordinal"):
            found.setdefault(path_key(without_md(edge.link.linkpath)), []).append(edge)
        groups = [Unresolved(edges[0].link.linkpath, tuple(edges)) for edges in found.values()]
        return sorted(groups, key=lambda one: (-len(one.edges), one.linkpath))

    def dangling(self) -> list[Edge]:
        """Links to a heading, block or footnote that is not in the note they lead to."""
        with self.snapshot():
            edges = self._edges("WHERE subpath <> '' AND target NOTNULL AND NOT nested ORDER BY note.path, ordinal")
            return [edge for edge in self._judged(edges) if edge.subpath_ok is False]

    def ambiguous(self) -> list[tuple[Edge, tuple[str, ...]]]:
        """Links that several files fit, with those files."""
        with self.snapshot():
            edges = self._edges("WHERE ambiguous AND NOT nested ORDER BY note.path, ordinal")
            named: dict[str, list[str]] = {}
            for path in self.files() if edges else ():
                named.setdefault(basename_key(path), []).append(path)
            fitting = {linkpath: _fitting(linkpath, named) for linkpath in {edge.link.linkpath for edge in edges}}
            return [(edge, fitting[edge.link.linkpath]) for edge in edges]

    def duplicate_titles(self) -> list[tuple[str, ...]]:
        """The paths of notes that share a title, by title."""
        return _sharing(self.notes(), basename_key)

    def colliding_files(self) -> list[tuple[str, ...]]:
        """Paths that differ in letter case or Unicode composition only: other systems keep only one of them."""
        return _sharing(self.files(), path_key)

    def unlinked_attachments(self) -> list[str]:
        """Pictures, PDFs and the like that nothing links to."""
        return [path for path in self.unlinked_files() if is_pdf(path) or not is_document(path)]

    def unlinked_files(self) -> list[str]:
        """Files of every kind that nothing links to, not even they themselves."""
        return self._column(
            "SELECT path FROM file WHERE NOT EXISTS (SELECT 1 FROM link WHERE target = file.path) ORDER BY path"
        )

    # ── what lint needs besides ────────────────────────────────────────────────────────────────────────────────

    def files(self) -> list[str]:
        """Every file that a link may lead to."""
        return self._column("SELECT path FROM file ORDER BY path")

    def notes(self) -> list[str]:
        """Every Markdown note that was read."""
        return self._notes("TRUE")

    def searched(self) -> list[str]:
        """Every note that can be found."""
        return self._column("SELECT path FROM note WHERE searched ORDER BY path")

    def kept_out(self) -> dict[str, str]:
        """The notes that the vault's settings keep out of search, and why: "excluded", "template"."""
        return dict(self._rows("SELECT path, kept_out FROM note WHERE kept_out <> ''"))

    def aliases(self) -> list[tuple[str, str]]:
        """(alias, path) of every alias."""
        return self._rows("SELECT name, path FROM alias JOIN note ON note.id = alias.note ORDER BY path, ordinal")

    def headings(self, path: str) -> list[tuple[str, ...]]:
        """The heading paths of a note as the file has them, in order."""
        rows = self._rows(
            "SELECT written, heading.path FROM heading JOIN note ON note.id = note WHERE note.path = ?"
            " ORDER BY ordinal",
            path,
        )
        return [tuple(json.loads(written) or json.loads(shown)) for written, shown in rows]

    def anchors(self, path: str) -> list[str]:
        """The block ids and footnotes of a note, as a subpath names them: "^block", "[^footnote]"."""
        return self._column(
            "SELECT name FROM anchor JOIN note ON note.id = note WHERE note.path = ? ORDER BY ordinal", path
        )

    def blocks(self) -> list[tuple[str, str]]:
        """(block id with "^", path) of every block that a link may name."""
        return self._rows(
            "SELECT name, path FROM anchor JOIN note ON note.id = note WHERE name LIKE '^%' ORDER BY path"
        )

    def problems(self) -> list[tuple[str, Problem]]:
        """What is wrong within notes, with their paths."""
        rows = self._rows("SELECT path, problems FROM note WHERE problems <> '[]' ORDER BY path")
        return [(path, Problem(**problem)) for path, problems in rows for problem in json.loads(problems)]

    def skipped(self) -> list[Skipped]:
        """Files that were left out at the last scan."""
        return self._reader.skipped()

    # ── how ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _column(self, sql: str, *values: Any) -> list[str]:
        return [row[0] for row in self._rows(sql, *values)]

    def _notes(self, condition: str) -> list[str]:
        paths = self._column(f"SELECT path FROM note WHERE {condition} ORDER BY path")
        return [path for path in paths if is_note(path)]

    def _edges(self, where: str, *values: Any) -> list[Edge]:
        return [_edge(row) for row in self._rows(f"{_EDGE} {where}", *values)]

    def _judged(self, edges: Sequence[Edge]) -> list[Edge]:
        """The edges, each with whether its subpath lands."""
        named: dict[str, set[str]] = {}
        for edge in edges:
            if edge.target and _names_a_place(edge):
                named.setdefault(edge.target, set()).add(edge.link.subpath)
        landed = self._landed(named)

        def judged(edge: Edge) -> Edge:
            if edge.target not in landed or not _names_a_place(edge):
                return edge
            lands = edge.link.subpath in landed[edge.target]
            return replace(
                edge, subpath_ok=True if lands else None if len(edge.link.subpath) > _LONGEST_JUDGED else False
            )

        return [judged(edge) for edge in edges]

    def _landed(self, named: Mapping[str, set[str]]) -> dict[str, set[str]]:
        """Of each note whose headings are known wholly, the subpaths that land."""
        found: dict[str, set[str]] = {}
        for paths in _batches(sorted(path for path in named if is_note(path))):
            notes = f"note.path IN ({','.join('?' * len(paths))}) AND problems NOT LIKE '%\"truncated\"%'"
            headings: dict[str, list[Sequence[str]]] = {
                path: [] for path in self._column(f"SELECT path FROM note WHERE {notes}", *paths)
            }
            anchors: dict[str, list[str]] = {path: [] for path in headings}
            for path, written, shown in self._rows(
                f"SELECT note.path, written, heading.path FROM heading JOIN note ON note.id = note WHERE {notes}",
                *paths,
            ):
                headings[path].append(json.loads(written) or json.loads(shown))
            for path, name in self._rows(
                f"SELECT note.path, name FROM anchor JOIN note ON note.id = note WHERE {notes}", *paths
            ):
                anchors[path].append(name)
            found.update({path: landing(named[path], headings[path], anchors[path]) for path in headings})
        return found


def _edge(row: tuple[Any, ...]) -> Edge:
    source, kind, raw, linkpath, subpath, display, start, end, line, col, embed, *typed, target, ambiguous = row
    key, key_path, in_comment, nested = typed
    link = Link(
        kind, raw, linkpath, subpath, display, start, end, line, col,
        embed=bool(embed), key=key, key_path=key_path, in_comment=bool(in_comment), nested=bool(nested),
    )  # fmt: skip
    return Edge(source, link, target, bool(ambiguous), None)


def _names_a_place(edge: Edge) -> bool:
    """Whether the subpath is one of Obsidian's own, for a heading, block or footnote."""
    subpath = edge.link.subpath
    # Excalidraw's plugin has `#^area=…` and the like.
    return bool(subpath) and not (subpath.startswith("#^") and "=" in subpath)


def _fitting(linkpath: str, named: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The files that end in the linkpath, the shortest path first."""
    wanted = {path_key(linkpath.strip("/")), path_key(linkpath.strip("/") + ".md")}
    tails = tuple("/" + key for key in wanted)
    fitting = [path for path in named.get(basename_key(linkpath), ()) if ("/" + path_key(path)).endswith(tails)]
    return tuple(sorted(fitting, key=lambda path: (len(path), path)))


def _sharing(paths: Iterable[str], key: Callable[[str], str]) -> list[tuple[str, ...]]:
    """The paths with the same key, where there are several."""
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(key(path), []).append(path)
    return [tuple(group) for group in found.values() if len(group) > 1]


def _batches(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), _PATHS_AT_ONCE):
        yield paths[start : start + _PATHS_AT_ONCE]
