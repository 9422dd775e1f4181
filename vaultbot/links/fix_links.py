"""Links that go astray, with the link that was meant: the note, the heading, the block, or quotes around it.

What may have been meant is `repairs.py`'s to say, for lint as well. Here the words that a reader sees stay the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from vaultbot.index.graph import Edge
from vaultbot.links.repairs import How, Repair, Repairs
from vaultbot.links.view import Page, VaultView, suggestion_id
from vaultbot.suggestion import Replacement, Suggestion
from vaultbot.types import Link
from vaultbot.vault.dates import is_daily_name
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.resolver import without_md
from vaultbot.vault.titles import title_of

#: How likely each is what was meant.
_LIKELY: Mapping[How, float] = {
    "alias": 0.9, "moved": 0.85, "block": 0.85, "path": 0.9, "name": 0.7, "heading": 0.65,
}  # fmt: skip
_QUOTES_LIKELY = 0.95
_UNQUOTED = re.compile(r"(?::[ \t]+|-[ \t]+)(\[\[([^\[\]\n]{1,500})\]\])[ \t]*(?:\r?$|#)", re.MULTILINE)


class FixLinkKind:
    """Suggests repairs of links. Made once per state of the vault."""

    def __init__(self, view: VaultView) -> None:
        self._view = view
        self._repairs = Repairs(view.graph, view.settings, same_words=True)
        self._broken: dict[str, list[Edge]] = {}
        names = [name for name in view.graph.unresolved() if not is_daily_name(name.linkpath, view.settings)]
        for edge in (*(edge for name in names for edge in name.edges), *view.graph.dangling()):
            if not edge.link.in_comment:
                self._broken.setdefault(edge.source, []).append(edge)

    def suggest(self, page: Page) -> list[Suggestion]:
        """The repairs that the note's links could have, the likeliest first."""
        found = [*self._quotes(page), *self._astray(page)]
        return sorted(found, key=lambda one: (-one.score, one.line, one.col))

    def _astray(self, page: Page) -> Iterator[Suggestion]:
        """Links that lead nowhere, or to a place that is not in the note."""
        broken = self._broken.get(page.path)
        if not broken:
            return
        rows = page.table_rows()
        seen: Counter[str] = Counter()
        for edge in _where_they_are_now(broken, page):
            link = edge.link
            look = self._repairs.of_unresolved if edge.target is None else self._repairs.of_dangling
            repair = look(edge, table=link.line in rows)
            text = _as_property(repair.link, page, link) if repair else None
            if repair is None or text is None or text == page.note.text[link.start : link.end]:
                continue
            line, col, context = page.place(link.start, link.end)
            yield Suggestion(
                suggestion_id("fix-link", page.path, repair.target, link.raw, seen[link.raw]), "fix-link", page.path,
                repair.target, page.note.text[link.start : link.end], Replacement(link.start, link.end, text),
                _LIKELY[repair.how], _reasons(edge, repair), line, col, context, page.sha256,
                link.key if link.kind == "property" else None,
            )  # fmt: skip
            seen[link.raw] += 1

    def _quotes(self, page: Page) -> Iterator[Suggestion]:
        """Property links without quotes, which are lists in lists to Obsidian."""
        note = page.note
        seen: Counter[str] = Counter()
        for line in sorted({one.line or 0 for one in note.problems if one.slug == "unquoted-link"}):
            start = _line_start(note.text, line)
            end = note.text.find("\n", start)
            found = _UNQUOTED.search(note.text, start, end if end >= 0 else len(note.text))
            if found is None:
                continue
            quote = "'" if '"' in found[1] or "\\" in found[1] else '"'
            text = quote + found[1].replace("'", "''") + quote if quote == "'" else quote + found[1] + quote
            at, behind = found.span(1)
            mended = parse_note(page.path, note.text[:at] + text + note.text[behind:])
            link = next((one for one in mended.links if one.kind == "property" and one.raw == found[1]), None)
            if link is None or link.nested:
                continue
            target = self._view.resolver.resolve(link.linkpath, page.path).path or without_md(link.linkpath)
            where, col, context = page.place(at, behind)
            yield Suggestion(
                suggestion_id("fix-link", page.path, target, found[1], seen[found[1]]), "fix-link", page.path, target,
                found[1], Replacement(at, behind, text), _QUOTES_LIKELY,
                ("without quotes Obsidian reads a list in a list, and no link",), where, col, context, page.sha256,
                link.key,
            )  # fmt: skip
            seen[found[1]] += 1


def _where_they_are_now(broken: list[Edge], page: Page) -> Iterator[Edge]:
    """The edges with their links as they stand in the file, which may have changed since it was indexed."""
    left: dict[tuple[str, str | None], list[Edge]] = {}
    for edge in broken:
        left.setdefault((edge.link.raw, edge.link.key), []).append(edge)
    for link in page.note.links:
        edges = left.get((link.raw, link.key))
        if edges and not link.nested and not link.in_comment:
            yield replace(edges.pop(0), link=link)


def _as_property(written: str, page: Page, link: Link) -> str:
    """The link as it stands in the file: in a property within the same quotes, or in new ones."""
    if link.kind != "property":
        return written
    text = page.note.text
    around = text[link.start - 1 : link.start]
    inside = around in ("'", '"') and text.startswith(around, link.end)
    single = (around if inside else text[link.start]) == "'"
    escaped = written.replace("'", "''") if single else written.replace("\\", "\\\\").replace('"', '\\"')
    quote = "" if inside else "'" if single else '"'
    return f"{quote}{escaped}{quote}"


def _reasons(edge: Edge, repair: Repair) -> tuple[str, ...]:
    name = title_of(repair.target)
    told: Mapping[How, str] = {
        "alias": f"“{edge.link.linkpath}” is an alias of {name}, and links do not follow aliases",
        "moved": f"the note is {repair.target} now",
        "name": f"no note is called “{edge.link.linkpath}”; {name} is written almost so",
        "heading": f"{name} has no such heading; this one is written almost so",
        "block": f"the block is in {name} now",
        "path": f"{repair.target} is meant",
    }
    return (told[repair.how],)


def _line_start(text: str, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return at
