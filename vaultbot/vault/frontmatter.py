"""The properties at the top of a note, read as YAML 1.2 and never trusted.

python-frontmatter's own loader crashes on deep nesting, hangs on merge keys and turns "12:30" into 750. Here
YAML is read event by event, which needs no recursion and stops at the first thing refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import yaml
from frontmatter.default_handlers import YAMLHandler

from vaultbot.types import JsonValue, Problem

MAX_CHARACTERS = 64 * 1024
MAX_DEPTH = 32
MAX_EVENTS = 20_000
_LONGEST_PATH = 1000
_SHORT = 1000  #: characters of what is kept for the next reading


@dataclass(frozen=True, slots=True)
class PropertyText:
    """A string that stands somewhere under a top-level key."""

    key: str  #: the top-level one, as written
    key_path: str  #: "is"; in a list "is.0"; deeper "is.name.0"
    nested: bool  #: deeper than in the key's own list, where Obsidian sees neither links nor tags
    value: str
    start: int  #: of the value as written, quotes included
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """A note's properties and where its body begins. Shared by all who read the same lines, so nobody may change it."""

    properties: Mapping[str, JsonValue] = field(default_factory=dict)
    body_start: int = 0
    body_line: int = 1
    end: int = 0  #: behind the closing `---`; 0 when there is no frontmatter
    texts: tuple[PropertyText, ...] = ()
    key_lines: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_frontmatter(text: str) -> Frontmatter:
    """The frontmatter of a note without BOM; when it cannot be read, a problem and no properties."""
    _, body = ObsidianHandler().split(text)
    head = text[: len(text) - len(body)]
    if not head:
        return Frontmatter()
    return _read_short(head) if len(head) <= _SHORT else _read(head)


def _read(head: str) -> Frontmatter:
    handler = ObsidianHandler()
    block, _ = handler.split(head)
    place = Frontmatter(body_start=len(head), body_line=head.count("\n") + 1, end=len(head.rstrip()))
    try:
        properties = handler.load(block)
    except RefusedYamlError as refused:
        message = f"The properties cannot be read: {refused}. Mend the text between the --- lines."
        problem = Problem("frontmatter", message, refused.line)
        return replace(place, problems=(*handler.problems, problem))
    return replace(
        place,
        properties=properties,
        texts=tuple(handler.texts),
        key_lines=handler.key_lines,
        problems=tuple(handler.problems),
    )


#: YAML is what takes longest of reading a note, and most notes are read again with the same properties.
_read_short = lru_cache(maxsize=8192)(_read)


class RefusedYamlError(ValueError):
    """YAML that is broken, or that could do harm."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not been read."""

    value: list[JsonValue] | dict[str, JsonValue]
    key: str | None = None  # the name whose value comes next


class ObsidianHandler(YAMLHandler):  # type: ignore[misc]
    """python-frontmatter's YAML handler with Obsidian's rules; one note each."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[PropertyText] = []
        self.key_lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._offset = 0
        self._block = ""
        self._open: list[_Open] = []
        self._root: JsonValue = None

    def split(self, text: str) -> tuple[str, str]:
        """The YAML between the `---` lines, and the body; ("", text) when the note does not begin with it."""
        newline = text.find("\n")
        if newline < 0 or not text.startswith("---") or text[3:newline].strip(" \t\r"):
            return "", text
        before = newline
        while before >= 0:
            end = text.find("\n", before + 1)
            line = text[before + 1 : end if end >= 0 else len(text)]
            if line.startswith("---") and not line[3:].strip(" \t\r"):
                self._offset = newline + 1
                return text[newline + 1 : before + 1], text[end + 1 :] if end >= 0 else ""
            before = text.find("\n---", before + 1)
        return "", text

    def load(self, fm: str, **_kwargs: object) -> dict[str, JsonValue]:
        """The properties as JSON types, in the file's order. Raises RefusedYamlError."""
        if len(fm) > MAX_CHARACTERS:
            raise RefusedYamlError(f"they are longer than {MAX_CHARACTERS // 1024} Ki characters")
        self._block = fm
        documents = 0
        try:
            for number, event in enumerate(yaml.parse(fm, Loader=yaml.SafeLoader)):
                if number > MAX_EVENTS:
                    raise RefusedYamlError(f"they have more than {MAX_EVENTS} parts", _line(event))
                documents += isinstance(event, yaml.DocumentStartEvent)
                if documents > 1:
                    raise RefusedYamlError("they have more than one document", _line(event))
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise RefusedYamlError(error.problem or "broken YAML", mark.line + 2 if mark else None) from error
        except yaml.reader.ReaderError as error:
            line = fm.count("\n", 0, error.position) + 2
            raise RefusedYamlError(f"the character U+{error.character:04X} is not allowed", line) from error
        except (ValueError, OverflowError) as error:
            if isinstance(error, RefusedYamlError):
                raise
            raise RefusedYamlError("a character or number in them does not exist") from error
        if self._root is None:
            return {}
        if not isinstance(self._root, dict):
            raise RefusedYamlError('they are not lines of the form "name: value"', 2)
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise RefusedYamlError(
                "anchors and aliases (& and *) are not read; put quotes around the value", _line(event)
            )
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(self._open.pop().value)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        _refuse_tag(event)
        parent = self._open[-1] if self._open else None
        if parent and isinstance(parent.value, dict) and parent.key is None:
            parent.key = _readable(event.value)
            if parent.key in parent.value:
                raise RefusedYamlError(f'the name "{parent.key}" stands there twice', _line(event))
            if len(self._open) == 1:
                self.key_lines[parent.key] = _line(event)
            return
        value = _plain_value(event.value) if event.implicit[0] else _readable(event.value)
        if isinstance(value, str) and (place := self._place()):
            start, end = _span(event)
            self.texts.append(PropertyText(*place, value, start + self._offset, end + self._offset, _line(event)))
        self._add(value)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        _refuse_tag(event)
        if len(self._open) >= MAX_DEPTH:
            raise RefusedYamlError(f"they are nested more than {MAX_DEPTH} deep", _line(event))
        parent = self._open[-1] if self._open else None
        if parent and isinstance(parent.value, dict) and parent.key is None:
            raise RefusedYamlError("a list or map cannot be a name; put quotes around {{…}} and [[…]]", _line(event))
        if found := _UNQUOTED_LINK.match(self._block, _span(event)[0]):
            message = f'{found.group()} is a list in a list, not a link. Put quotes around it: "{found.group()}".'
            self.problems.append(Problem("unquoted-link", message, _line(event)))
        self._open.append(_Open([] if isinstance(event, yaml.SequenceStartEvent) else {}))

    def _place(self) -> tuple[str, str, bool] | None:
        """The top-level name, path and depth of the value that comes next; None where there is no sensible path."""
        if not self._open or self._open[0].key is None:
            return None
        steps = [str(len(one.value)) if isinstance(one.value, list) else one.key or "" for one in self._open]
        if sum(map(len, steps)) > _LONGEST_PATH:  # a long name above thousands of values would fill the memory
            return None
        plain = len(steps) == 1 or (len(steps) == 2 and isinstance(self._open[1].value, list))
        return steps[0], ".".join(steps), not plain

    def _add(self, value: JsonValue) -> None:
        if not self._open:
            self._root = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            parent.value[parent.key] = value
            parent.key = None


_UNQUOTED_LINK = re.compile(r"\[\[[^\[\]\n]{1,500}\]\]")
_WORDS: Mapping[str, JsonValue] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# 0123 and numbers beyond 64 bits are identifiers: as numbers they would not be written back the same.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_HEX_OR_OCTAL = re.compile(r"0x[0-9a-fA-F]{1,15}|0o[0-7]{1,20}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,40}|(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{0,40})?)(?:[eE][-+]?[0-9]{1,4})?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def _plain_value(written: str) -> JsonValue:
    """What an unquoted value means in YAML 1.2's core schema; dates, times, yes and no are strings."""
    if written in _WORDS:
        return _WORDS[written]
    if _INTEGER.fullmatch(written):
        return int(written)
    if _HEX_OR_OCTAL.fullmatch(written):
        return int(written, 0)
    if _FLOAT.fullmatch(written):
        number = float(written)
        return number if math.isfinite(number) else None
    return None if _NO_NUMBER.fullmatch(written) else _readable(written)


def _readable(written: str) -> str:
    """JSON writes an emoji as two escaped halves; together they are one character again."""
    return written.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse_tag(event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
    if event.tag is not None:
        raise RefusedYamlError(f"the type {event.tag[:40]} is not read; put quotes around the value", _line(event))


def _span(event: yaml.Event) -> tuple[int, int]:
    """Offsets in the YAML; its events always carry them."""
    assert event.start_mark is not None
    assert event.end_mark is not None
    return event.start_mark.index, event.end_mark.index


def _line(event: yaml.Event) -> int:
    """The event's line in the note, whose first line is `---`."""
    assert event.start_mark is not None
    return int(event.start_mark.line) + 2
