"""What is wrong in a vault: what Obsidian reads in another way than it was written, and links that go astray.

Everything is told from the catalog; no file is read, and none is written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from vaultbot.index.graph import Edge, Graph
from vaultbot.links.repairs import Repair, Repairs, names_a_file
from vaultbot.vault.conflicts import original_of
from vaultbot.vault.dates import is_daily_name
from vaultbot.vault.listing import is_note
from vaultbot.vault.obsidian import ObsidianSettings
from vaultbot.vault.resolver import path_key, without_md

Severity = Literal["error", "warning", "info"]

#: Every kind of finding, the most useful first. An error is read in another way than it was written. An unresolved link
#: may only be waiting for its note to be written, and a file be left out on purpose: that is information.
KINDS: Mapping[str, Severity] = {
    "frontmatter": "error",
    "unquoted-link": "error",
    "tag": "error",
    "encoding": "error",
    "truncated": "error",
    "canvas": "error",
    "base": "error",
    "excalidraw": "error",
    "name-collision": "error",
    "dangling": "warning",
    "ambiguous": "warning",
    "alias": "warning",
    "legacy-property": "warning",
    "unlinkable-name": "warning",
    "conflict-copy": "warning",
    "skipped": "warning",
    "unresolved": "warning",
    "pdf": "info",
    "duplicate-title": "info",
    "missing-day": "info",
    "isolated": "info",
    "orphan": "info",
    "dead-end": "info",
    "unlinked-attachment": "info",
}

#: What ends a wikilink, splits it or hides it, so that no `[[…]]` can lead to a file of that name.
_UNLINKABLE = re.compile(r"#|\||\^|:|%%|\[\[|\]\]")
#: Why a file is left out when its owner wants it so.
_DELIBERATE = ("it says vaultbot: false", "a link to another place", "a link that leads out")
_LONGEST_SHOWN = 100  #: characters of what a link names
_MOST_LISTED = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the vault that a person may want to mend."""

    slug: str  #: its kind, one of KINDS
    severity: Severity
    path: str
    line: int | None
    message: str  #: what is wrong, in one sentence
    fix: str | None  #: what to do; None when the message says it, or only the note's owner can know


def lint(graph: Graph, settings: ObsidianSettings, *, within: str = "", kinds: Collection[str] = ()) -> list[Finding]:
    """What is wrong, the most useful first. What stands in comments is nobody's to see, and is not looked at.

    `within` is a note's path, or a folder's with "/" behind it; the vault's excluded notes are looked at only then.
    `kinds` are slugs; none stand for all.
    """
    with graph.snapshot():
        found = list(_Linter(graph, settings).run())
        excluded = {path for path, why in graph.kept_out().items() if why == "excluded" and not within}
    order = {slug: place for place, slug in enumerate(KINDS)}
    wanted = [
        one
        for one in found
        if (not kinds or one.slug in kinds) and one.path not in excluded and _is_within(one.path, within)
    ]
    return sorted(wanted, key=lambda one: (order.get(one.slug, len(order)), one.slug, one.path, one.line or 0))


def _is_within(path: str, within: str) -> bool:
    return path.startswith(within) if within.endswith("/") else not within or path == within


class _Linter:
    def __init__(self, graph: Graph, settings: ObsidianSettings) -> None:
        self._graph = graph
        self._settings = settings
        self._repairs = Repairs(graph, settings)

    def run(self) -> Iterator[Finding]:
        for path, problem in self._graph.problems():
            yield _finding(problem.slug, path, problem.line, problem.message)
        yield from self._unresolved()
        yield from self._dangling()
        yield from self._ambiguous()
        yield from self._names()
        for skipped in self._graph.skipped():
            found = _finding("skipped", skipped.path, None, skipped.reason)
            yield replace(found, severity="info") if skipped.reason.startswith(_DELIBERATE) else found
        yield from self._unlinked()

    # ── links ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _unresolved(self) -> Iterator[Finding]:
        for name in self._graph.unresolved():
            day = is_daily_name(name.linkpath, self._settings)
            for edge in name.edges:
                if edge.link.in_comment:
                    continue
                if day:
                    yield _at("missing-day", edge, f"{_clipped(edge.link.linkpath)} has no note")
                    continue
                offer = self._repairs.of_unresolved(edge)
                message = f'no file is called "{_clipped(edge.link.linkpath)}"'
                found = _at("unresolved", edge, message, _meant(offer))
                waits = not (offer or edge.link.embed or names_a_file(edge.link.linkpath))
                yield replace(found, severity="info") if waits else found

    def _dangling(self) -> Iterator[Finding]:
        for edge in self._graph.dangling():
            if not edge.link.in_comment:
                where = "this note" if edge.target == edge.source else edge.target
                message = f"{where} has no {_clipped(_place(edge.link.subpath))}"
                yield _at("dangling", edge, message, _meant(self._repairs.of_dangling(edge)))

    def _ambiguous(self) -> Iterator[Finding]:
        for edge, fitting in self._graph.ambiguous():
            if not edge.link.in_comment:
                others = _listed([path for path in fitting if path != edge.target])
                message = f'"{_clipped(edge.link.linkpath)}" is {edge.target} here, and could be {others}'
                offer = self._repairs.of_ambiguous(edge)
                yield _at("ambiguous", edge, message, f"write {offer.link}" if offer else "rename one of the files")

    def _unlinked(self) -> Iterator[Finding]:
        """Notes and attachments that few links lead to. Days and templates need none."""
        kept_out = self._graph.kept_out()
        isolated, orphans, dead_ends = self._graph.isolated(), self._graph.orphans(), self._graph.dead_ends()
        alone = set(isolated)
        for slug, paths, message in (
            ("isolated", isolated, "nothing links to it, and it links to nothing"),
            ("orphan", [path for path in orphans if path not in alone], "nothing links to it"),
            ("dead-end", [path for path in dead_ends if path not in alone], "it links to nothing that is there"),
        ):
            for path in paths:
                if path not in kept_out and not is_daily_name(without_md(path), self._settings):
                    yield _finding(slug, path, None, message)
        for path in self._graph.unlinked_attachments():
            yield _finding("unlinked-attachment", path, None, "nothing links to it")

    # ── names ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _names(self) -> Iterator[Finding]:
        files = self._graph.files()
        for first, *others in self._graph.colliding_files():
            message = f"it differs from {_listed(others)} in letter case or the coding of accents only"
            yield _finding("name-collision", first, None, message, "rename one: other systems keep only one of them")
        for first, *others in self._graph.duplicate_titles():
            message = f"its name is also that of {_listed(others)}"
            yield _finding("duplicate-title", first, None, message, "write links to them with the folder")
        keys = {path_key(path): path for path in files}
        unlinked, notes = set(self._graph.unlinked_files()), set(self._graph.notes())
        for path in files:
            if is_note(path) and path not in notes:
                continue  # Its owner keeps vaultbot out of it.
            name = path[path.rfind("/") + 1 :]
            # A Markdown link can lead there all the same, and then nobody needs to know.
            if path in unlinked and (found := _UNLINKABLE.search(name)):
                message = f'its name holds "{found.group()}", so no [[link]] can lead to it'
                yield _finding("unlinkable-name", path, None, message, f"rename it without {found.group()}")
            if copied := original_of(path, is_there=lambda other: path_key(other) in keys):
                original = keys.get(path_key(copied))
                message = (
                    f"it is the copy that a sync program made of {original or 'a note that was changed in two places'}"
                )
                yield _finding("conflict-copy", path, None, message, "keep what is right of both, and delete the copy")


def _finding(slug: str, path: str, line: int | None, message: str, fix: str | None = None) -> Finding:
    return Finding(slug, KINDS.get(slug, "warning"), path, line, message, fix)


def _at(slug: str, edge: Edge, message: str, fix: str | None = None) -> Finding:
    # Lines of a canvas are those of its cards, one below the other.
    return _finding(slug, edge.source, edge.link.line if is_note(edge.source) else None, message, fix)


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def _place(subpath: str) -> str:
    if subpath.startswith("#^"):
        return f"block {subpath[1:]}"
    if subpath.startswith("#[^"):
        return f"footnote {subpath[1:]}"
    return f'heading "{" › ".join(part.strip() for part in subpath.split("#") if part.strip())}"'


def _meant(offer: Repair | None) -> str | None:
    return f"perhaps {offer.link}" if offer else None


def _listed(paths: Sequence[str]) -> str:
    """The first few of them."""
    more = len(paths) - _MOST_LISTED
    return ", ".join(paths[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
