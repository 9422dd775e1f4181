"""Dataview's inline fields: `due:: 2024-01-02` says a property where it belongs, in the text.

Obsidian itself sees ordinary words there; so a link in one stays an ordinary link, and only its key tells.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from vaultbot.types import Link, Mask, Note

_KEY = r"(?P<key>(?:\w|[^\x00-\x7f])[^:\[\]()`\n*#|<>]{0,100}?)"
_LINE_FIELD = re.compile(
    r"[ \t]*(?:(?:>|[-+*][ \t]|[0-9]{1,9}[.)][ \t]|\[[^\n]\][ \t])[ \t]*)*" + rf"[*_]{{0,2}}{_KEY}[ \t]*[*_]{{0,2}}::"
)
_ENCLOSED_KEY = re.compile(rf"[*_ \t]{{0,3}}{_KEY}[*_ \t]{{0,3}}")
_LONGEST_KEY = 110
_TOKEN = re.compile(r"::|[\[\]()]")


@dataclass(frozen=True, slots=True)
class InlineField:
    """A value that stands in the text as `key:: value`, `[key:: value]` or `(key:: value)`."""

    key: str  #: as written, without marks of emphasis
    value: str  #: as written: "[[Note]]"
    line: int


def inline_fields(note: Note) -> tuple[InlineField, ...]:
    """The fields in a note's text, in order; those in code, comments and the like do not count."""
    text = note.text
    if "::" not in text:
        return ()
    reader = _FieldReader(text, note.masks, note.links)
    id_at = {block.line: block.start for block in note.blocks}
    found: list[InlineField] = []
    at, line, start = text.find("::"), 1, 0
    while at >= 0:
        line, start = line + text.count("\n", start, at), text.rfind("\n", 0, at) + 1
        newline = text.find("\n", at)
        end = newline if newline >= 0 else len(text)
        for field in reader.fields(start, end):
            value_end = min(field.end, id_at.get(line, field.end)) if field.whole_line else field.end
            found.append(InlineField(field.key, text[field.start : value_end].strip(), line))
        at = text.find("::", end)
    return tuple(found)


def with_field_keys(
    links: Sequence[Link], text: str, line_starts: Sequence[int], masks: Iterable[Mask]
) -> Iterator[Link]:
    """The links of a body, those in an inline field with its key."""
    reader = _FieldReader(text, masks, links)
    line, fields, places = 0, list[_Field](), list[int]()
    for link in links:
        if link.line != line:
            line = link.line
            end = line_starts[line] - 1 if line < len(line_starts) else len(text)
            fields = list(reader.fields(line_starts[line - 1], end))
            places = [field.start for field in fields]
        nearest = bisect_right(places, link.start) - 1
        inside = fields[nearest] if nearest >= 0 else None
        if inside and link.start >= inside.end:  # it stands behind that field, and perhaps in that of the whole line
            inside = fields[0] if fields[0].whole_line else None
        yield replace(link, key=inside.key) if inside and not link.in_comment else link


@dataclass(frozen=True, slots=True)
class _Field:
    key: str
    start: int  # of the value
    end: int
    whole_line: bool


class _FieldReader:
    """Reads the fields of a line; what stands in a mask or a link is no mark of a field."""

    def __init__(self, text: str, masks: Iterable[Mask], links: Iterable[Link]) -> None:
        self._text = text
        spans = sorted([*((mask.start, mask.end) for mask in masks), *((link.start, link.end) for link in links)])
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in spans:
            if not self._ends or start >= self._ends[-1]:
                self._starts.append(start)
                self._ends.append(end)
            elif end > self._ends[-1]:
                self._ends[-1] = end

    def fields(self, start: int, end: int) -> Iterator[_Field]:
        """Those of the line text[start:end], in order, none within another but in that of the whole line."""
        text = self._text
        if text.find("::", start, end) < 0:
            return
        whole = _LINE_FIELD.match(text, start, end)
        if whole and not self._hidden(whole.end() - 1) and not self._hidden(whole.start("key")):
            yield _Field(whole["key"], whole.end(), end, whole_line=True)
        open_brackets: dict[str, list[int]] = {"]": [], ")": []}
        key, value, closes, depth = "", 0, "", 0  # of the field that is open
        for token in _TOKEN.finditer(text, start, end):
            at, mark = token.start(), token.group()
            if self._hidden(at):
                continue
            if mark == "::":
                closing, opening = max(((c, o[-1]) for c, o in open_brackets.items() if o), key=_place, default=("", 0))
                named = closing and not key and at - opening <= _LONGEST_KEY
                found = _ENCLOSED_KEY.fullmatch(text, opening + 1, at) if named else None
                if found:
                    key, value, closes, depth = found["key"], at + 2, closing, len(open_brackets[closing])
            elif mark in "[(":
                open_brackets["]" if mark == "[" else ")"].append(at)
            elif open_brackets[mark]:
                open_brackets[mark].pop()
                if key and mark == closes and len(open_brackets[mark]) < depth:
                    if not text.startswith("(", at + 1) or mark == ")":  # else it is the text of a link
                        yield _Field(key, value, at, whole_line=False)
                    key = ""

    def _hidden(self, at: int) -> bool:
        index = bisect_right(self._starts, at) - 1
        return index >= 0 and at < self._ends[index]


def _place(bracket: tuple[str, int]) -> int:
    return bracket[1]
