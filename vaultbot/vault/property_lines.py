"""Adds a value to a property by changing the lines it stands on; every other character stays as its owner wrote it.

A YAML library that writes would reorder, unquote and reflow. So the lines are changed as text, by the marks of the
parser, and whatever cannot be placed for sure is refused. Whether the result says what it should is for the caller to
prove (proof.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import yaml

from vaultbot.errors import EditRefused
from vaultbot.vault.frontmatter import Frontmatter, ObsidianHandler, RefusedYamlError, read_frontmatter

#: Plain in YAML 1.1 and 1.2 alike and in every program: a word, or words, that begin with a letter.
_PLAIN = re.compile(r"[^\W\d_][\w./&'-]*(?: [\w./&'-]+)*")
_WORDS_OF_YAML_1_1 = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_INDENT = "  "  #: as Obsidian writes lists


def with_value(text: str, key: str, value: str) -> str:
    """The note's text with `value` added to the property `key`, which becomes a list. Raises EditRefused."""
    if not key.strip() or _CONTROLS.search(key) or _CONTROLS.search(value) or not value.strip():
        raise EditRefused("a property's name and value are words on one line")
    front = read_frontmatter(text)
    newline = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
    if not front.body_start:
        return _with_frontmatter(text, key, value, newline)
    if broken := next((problem for problem in front.problems if problem.slug == "frontmatter"), None):
        raise EditRefused(f"its properties cannot be read (line {broken.line or 1}); mend them first")
    block = _Block(text, front, newline)
    return block.with_value(block.named(key), key, value)


def _with_frontmatter(text: str, key: str, value: str, newline: str) -> str:
    if text.startswith("---") and not text.partition("\n")[0][3:].strip():
        raise EditRefused("it begins with --- and no second --- ends its properties; mend that first")
    line = f"{_name(key)}:{newline}{_INDENT}- {_scalar(value)}{newline}"
    return f"---{newline}{line}---{newline}{text}"


@dataclass(slots=True)
class _Value:
    """A top-level value by its events; offsets count in the note's text."""

    key: str
    key_end: int
    events: list[yaml.Event] = field(default_factory=list)

    @property
    def first(self) -> yaml.Event:
        return self.events[0]


class _Block:
    """The properties of one note, by the marks of the parser."""

    def __init__(self, text: str, front: Frontmatter, newline: str) -> None:
        self._text = text
        self._newline = newline
        block, _ = ObsidianHandler().split(text)
        self._offset = text.find("\n") + 1
        self._end = self._offset + len(block)
        self._front = front
        self._values = self._read(block)

    def _read(self, block: str) -> list[_Value]:
        values: list[_Value] = []
        depth = 0
        for event in yaml.parse(block, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                continue
            if isinstance(event, yaml.DocumentStartEvent):
                if event.explicit:
                    raise EditRefused("a line of its properties begins another document; mend them first")
                continue
            if depth == 0 and isinstance(event, yaml.MappingStartEvent) and event.flow_style:
                raise EditRefused("its properties are written in braces; write each on a line of its own first")
            if depth == 1 and isinstance(event, yaml.ScalarEvent) and (not values or values[-1].events):
                values.append(_Value(event.value, self._offset + _end(event)))
                continue
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if values and depth:
                values[-1].events.append(event)
        return values

    def named(self, key: str) -> _Value | None:
        """The property of that name; names are the same in any case of their letters."""
        exact = [value for value in self._values if value.key == key]
        found = exact or [value for value in self._values if value.key.casefold() == key.casefold()]
        if len(found) > 1:
            raise EditRefused(f'"{found[0].key}" and "{found[1].key}" are one property to Obsidian; join them first')
        return found[0] if found else None

    def with_value(self, found: _Value | None, key: str, value: str) -> str:
        """The text with the value behind those that `found` has."""
        if found is None:
            return self._with_property(key, value)
        first = found.first
        if isinstance(first, yaml.SequenceStartEvent):
            return self._in_flow(found, value) if first.flow_style else self._below_items(found, value)
        if isinstance(first, yaml.ScalarEvent):
            return self._beside_scalar(found, first, value)
        raise EditRefused(f'"{found.key}" holds names with values, not a list')

    def _with_property(self, key: str, value: str) -> str:
        line = f"{_name(key)}:{self._newline}{self._indent()}- {_scalar(value)}{self._newline}"
        return self._text[: self._end] + line + self._text[self._end :]

    def _in_flow(self, found: _Value, value: str) -> str:
        items, start = found.events[1:-1], self._offset + _end(found.first)
        if any(not isinstance(item, yaml.ScalarEvent) for item in items):
            raise EditRefused(f'"{found.key}" holds a list in a list; put quotes around its links first')
        written = _scalar(value, like=items, flow=True)
        if not items:
            return self._text[:start] + written + self._text[start:]
        end = self._offset + _end(items[-1])
        return f"{self._text[:end]}, {written}{self._text[end:]}"

    def _below_items(self, found: _Value, value: str) -> str:
        first, items = found.first, found.events[1:-1]
        dash = self._offset + _start(first)
        margin = self._text[self._text.rfind("\n", 0, dash) + 1 : dash]
        if margin.strip(" "):
            raise EditRefused(f'"{found.key}" is a list that begins in the middle of a line')
        last = max(self._offset + _end(item) for item in items if not isinstance(item, yaml.CollectionEndEvent))
        last = max([last, *(self._offset + _end(item) for item in items if _closes_flow(item))])
        line_start = last == self._text.rfind("\n", 0, last) + 1  # a text of several lines ends with its last one
        place = last if line_start else self._line_end(last)
        scalars = [item for item in items if isinstance(item, yaml.ScalarEvent)]
        return self._insert(place, f"{margin}- {_scalar(value, like=scalars)}{self._newline}")

    def _beside_scalar(self, found: _Value, old: yaml.ScalarEvent, value: str) -> str:
        """The value that stands alone becomes the first of a list, with the comment behind it."""
        start, end = self._offset + _start(old), self._offset + _end(old)
        if old.style in ("|", ">") or "\n" in self._text[found.key_end : end]:
            raise EditRefused(f'"{found.key}" is written over several lines; make it a list first')
        indent = self._indent()
        item = f"{indent}- {_scalar(value, like=[old])}{self._newline}"
        stop = self._line_end(end)
        if old.value == "" and old.style is None:
            return self._insert(stop, item)
        if old.implicit[0] and old.value in ("~", "null", "Null", "NULL"):
            before = self._text[:start].rstrip(" ")
            return before + self._text[end:stop] + item + self._text[stop:]
        if found.key.casefold() == "tags" and re.search(r"[\s,]", old.value.strip()):
            raise EditRefused(f'"{found.key}" is one text with blanks or commas, not tags; make it a list first')
        before = self._text[:start].rstrip(" \t")
        return f"{before}{self._newline}{indent}- {self._text[start:stop]}{item}{self._text[stop:]}"

    def _line_end(self, at: int) -> int:
        """Behind the newline of the line that `at` is in. The block ends with one, before its closing line."""
        return self._text.index("\n", at) + 1

    def _insert(self, place: int, line: str) -> str:
        return self._text[:place] + line + self._text[place:]

    def _indent(self) -> str:
        """How this note indents its lists; two blanks when it has none."""
        for value in self._values:
            first = value.first
            if isinstance(first, yaml.SequenceStartEvent) and not first.flow_style and first.start_mark:
                return " " * first.start_mark.column
        return _INDENT


def _closes_flow(event: yaml.Event) -> bool:
    """Whether this is the `]` or `}` of a list or map in brackets, which has a place of its own in the text."""
    return isinstance(event, yaml.CollectionEndEvent) and _end(event) > _start(event)


def _start(event: yaml.Event) -> int:
    assert event.start_mark is not None
    return int(event.start_mark.index)


def _end(event: yaml.Event) -> int:
    assert event.end_mark is not None
    return int(event.end_mark.index)


# ── writing a value ─────────────────────────────────────────────────────────────────────────────────────────


def _name(key: str) -> str:
    return key if _is_plain(key) else _double_quoted(key)


def _scalar(value: str, *, like: Sequence[yaml.Event] = (), flow: bool = False) -> str:
    """The value as YAML, quoted where it has to be and where the last of its siblings is; links in double quotes."""
    last = like[-1] if like else None
    style = last.style if isinstance(last, yaml.ScalarEvent) else None
    if style == "'" and not value.startswith("["):
        written = "'" + value.replace("'", "''") + "'"
    else:
        written = value if style != '"' and _is_plain(value) else _double_quoted(value)
    if not _reads_as(f"k: [{written}]\n" if flow else f"k:\n- {written}\n", value):
        raise EditRefused("the value cannot be written as a property")
    return written


def _is_plain(value: str) -> bool:
    return bool(_PLAIN.fullmatch(value)) and value.casefold() not in _WORDS_OF_YAML_1_1


def _double_quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _reads_as(block: str, value: str) -> bool:
    try:
        return ObsidianHandler().load(block) == {"k": [value]}
    except RefusedYamlError:
        return False
