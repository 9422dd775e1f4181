"""Quotes, list items and footnotes: which of them a line continues, leaves or opens, as CommonMark has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from vaultbot.vault.reading import Mark

RULE = re.compile(r"(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")

_QUOTE = 0  # any other container is a list item or a footnote: the columns its lines are indented by
_FOOTNOTE_INDENT = 4
_MAX_OPEN = 64  # deeper marks are words, so that a line of a million ">" stays one line's work
_LIST_MARKER = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])(?=[ \t]|$)")
_FOOTNOTE = re.compile(r"\[\^([^\[\]\s]{1,64})\]:")
_CALLOUT = re.compile(r"\[!([^\[\]\n]{1,100})\][+-]?")


def footnote_key(name: str) -> str:
    """What the names of footnotes are compared by."""
    return name.casefold()


class Line(NamedTuple):
    """What a line holds behind the marks of its containers."""

    at: int  #: offset of the first character that is no blank
    column: int  #: of `at`, a tab reaching to the next multiple of four
    base: int  #: column where the content begins
    kept: int | None  #: how many containers the line continues when it leaves some open ones, else None
    opened: bool = False

    @property
    def indent(self) -> int:
        """Columns of blanks before the first character."""
        return self.column - self.base


class Containers:
    """The quotes, list items and footnotes that are open at a line."""

    def __init__(self, text: str, line_starts: Sequence[int]) -> None:
        """`line_starts` ends with an entry for the line behind the last one."""
        self.marks: list[Mark] = []
        self.quoted: set[int] = set()
        self.footnotes: dict[str, tuple[int, int]] = {}  # first and last line of each; the first of a name counts
        self._text = text
        self._line_starts = line_starts
        self._open: list[int] = []
        self._index = 0  # of the line that is read
        self._footnote: tuple[str, int, int] | None = None  # name, first line and place among the open ones
        self._empty_item = 0  # how many were open when the last line opened an item and said nothing in it

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def in_list(self) -> bool:
        """Whether a list item is open."""
        return any(self._open)

    def keep(self, count: int | None) -> None:
        """Leave all but the first `count`; None leaves none."""
        if count is None:
            return
        del self._open[count:]
        if self._footnote and self._footnote[2] >= count:
            name, first, _ = self._footnote
            self.footnotes.setdefault(name, (first, self._index))  # it ends above the line that leaves it
            self._footnote = None

    def close(self) -> None:
        """Leave all of them: the note ends."""
        self._index = len(self._line_starts) - 1
        self.keep(0)

    def leave_empty_item(self) -> None:
        """A blank line below an item of nothing but its marker ends the item."""
        if self._empty_item and self._empty_item == len(self._open):
            self.keep(len(self._open) - 1)
        self._empty_item = 0

    def line_end(self, index: int) -> int:
        """Offset behind the last character of line `index`, the line end excluded."""
        end = self._line_starts[index + 1] - 1
        return end - 1 if end > self._line_starts[index] and self._text[end - 1] == "\r" else end

    def match(self, index: int) -> Line:
        """Line `index` behind the marks of the open containers that it continues."""
        self._index = index
        end = self.line_end(index)
        at, column = self.skip_blanks(self._line_starts[index], end, 0)
        base = 0
        for count, container in enumerate(self._open):
            if container == _QUOTE:
                if at == end or self._text[at] != ">" or column - base > 3:
                    return Line(at, column, base, count)
                at, column, base = self._quote(at, end, column)
            elif at < end:
                if column - base < container:
                    return Line(at, column, base, count)
                base += container
        return Line(at, column, base, None)

    def open_new(self, line: Line, end: int, *, in_paragraph: bool) -> Line:
        """The line behind the containers that it opens; those it does not continue are left then."""
        at, column, base, kept, opened = line
        while at < end and column - base < 4 and len(self._open) < _MAX_OPEN:
            interrupts = in_paragraph and kept is None and not opened
            if self._text[at] == ">":
                self.keep(kept)
                self._open.append(_QUOTE)
                at, column, base = self._quote(at, end, column)
                if callout := _CALLOUT.match(self._text, at, end):
                    marker = at
                    at, column = self.skip_blanks(callout.end(), end, base)
                    self.marks.append(Mark(marker, at))
            elif width := self._list_marker(at, end, interrupts=interrupts):
                self.keep(kept)
                after, after_column = self.skip_blanks(at + width, end, column + width)
                blanks = after_column - column - width
                content = column - base + width + (blanks if after < end and blanks < 5 else 1)
                self._open.append(content)
                at, column, base = after, after_column, base + content
            elif footnote := _FOOTNOTE.match(self._text, at, end):
                self.keep(kept)
                at, column = self._open_footnote(footnote, at, end, column)
                base = column
            else:
                break
            kept, opened = None, True
        self._empty_item = len(self._open) if opened and at == end and self._open[-1] != _QUOTE else 0
        return Line(at, column, base, kept, opened)

    def skip_blanks(self, at: int, end: int, column: int) -> tuple[int, int]:
        """The offset and column of what follows the blanks at `at`."""
        text = self._text
        while at < end and text[at] in " \t":
            column += 4 - column % 4 if text[at] == "\t" else 1
            at += 1
        return at, column

    def _quote(self, at: int, end: int, column: int) -> tuple[int, int, int]:
        after, after_column = self.skip_blanks(at + 1, end, column + 1)
        gap = int(after > at + 1)
        self.marks.append(Mark(at, at + 1 + gap))
        self.quoted.add(after)
        return after, after_column, column + 1 + gap

    def _open_footnote(self, mark: re.Match[str], at: int, end: int, column: int) -> tuple[int, int]:
        """Open the footnote whose mark stands at `at`; the offset and column of its first words."""
        self.keep(self._footnote[2] if self._footnote else None)
        self._footnote = footnote_key(mark.group(1)), self._index + 1, len(self._open)
        self._open.append(_FOOTNOTE_INDENT)
        after, after_column = self.skip_blanks(mark.end(), end, column + mark.end() - at)
        self.marks.append(Mark(at, after))
        return after, after_column

    def _list_marker(self, at: int, end: int, *, interrupts: bool) -> int:
        """Length of the list marker at `at`; an empty or later item does not interrupt a paragraph."""
        found = _LIST_MARKER.match(self._text, at, end)
        if not found or RULE.match(self._text, at, end):
            return 0
        marker = found.group()
        if interrupts and ((marker[0].isdigit() and marker[:-1] != "1") or not self._text[found.end() : end].strip()):
            return 0
        return len(marker)
