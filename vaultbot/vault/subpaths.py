"""What stands behind the "#" of a link: a heading, a block id or a footnote, and the lines it names."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from vaultbot.types import BlockId, Heading, Note
from vaultbot.vault.headings import find_heading

_DEFINITION = re.compile(r"(?m)^[ \t>]*\[\^([^\[\]\s]+)\]:")
_ITEM = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])(?:\s|$)")
_QUOTE = re.compile(r"(?:[ \t]*>)+")


def find_block(blocks: Iterable[BlockId], subpath: str) -> BlockId | None:
    """The first block that "#^id" names; letter case makes no difference. None for headings."""
    if not subpath.startswith("#^"):
        return None
    wanted = subpath[2:].strip().casefold()
    return next((block for block in blocks if block.name.casefold() == wanted), None)


def subpath_exists(note: Note, subpath: str) -> bool:
    """Whether a link with this subpath lands anywhere in `note` but at its top; "" always does."""
    return lands(subpath, note.headings, [name for name, _ in anchors(note)])


def lands(subpath: str, headings: Iterable[Heading], anchors: Iterable[str]) -> bool:
    """The same for a note of which only the headings and the names of its `anchors` are known."""
    if not subpath:
        return True
    if subpath.startswith(("#^", "#[^")):
        wanted = subpath[1:].strip().casefold()
        return any(name.casefold() == wanted for name in anchors)
    return find_heading(headings, subpath) is not None


def anchors(note: Note) -> Iterator[tuple[str, int]]:
    """(name, line) of what a subpath may name besides headings: "^block", "[^footnote]"."""
    yield from (("^" + block.name, block.line) for block in note.blocks)
    line, seen = 1, 0
    for found in _DEFINITION.finditer(note.text):
        line, seen = line + note.text.count("\n", seen, found.start(1)), found.start(1)
        yield f"[^{found.group(1)}]", line


def section_lines(note: Note, heading: Heading) -> tuple[int, int]:
    """First and last line, from 1, of a heading's section; the sections below it belong to it."""
    following = (other for other in note.headings if other.line > heading.line and other.level <= heading.level)
    nearest = next(following, None)
    return heading.line, nearest.line - 1 if nearest else note.text.count("\n") + 1


def block_lines(note: Note, block: BlockId) -> tuple[int, int]:
    """First and last line, from 1, of what a block id names.

    At the end of a paragraph that is the paragraph, at the end of a list item the item and all below it; an id that
    has a line to itself names the block before it.
    """
    return _Lines(note).of(block)


class _Lines:
    def __init__(self, note: Note) -> None:
        self._lines = note.text.split("\n")
        starts = [0]
        for line in self._lines:
            starts.append(starts[-1] + len(line) + 1)
        self._headings = {heading.line for heading in note.headings}
        self._code: dict[int, int] = {}  # last line of a block of code, formulas or HTML: its first line
        for mask in note.masks:
            first, last = bisect_right(starts, mask.start), bisect_right(starts, mask.end - 1)
            before = note.text[starts[first - 1] : mask.start]
            behind = note.text[mask.end : starts[last] - 1]
            if first < last and not _content(before) and not behind.strip():
                self._code[last] = first

    def of(self, block: BlockId) -> tuple[int, int]:
        line = block.line
        if _content(self._lines[line - 1]) != "^" + block.name:
            return self._block(line)
        above = line - 1
        while above > 0 and not _content(self._lines[above - 1]):
            above -= 1
        if above == 0:
            return line, line
        return (self._code[above], above) if above in self._code else (self._first(above, whole_list=True), above)

    def _block(self, line: int) -> tuple[int, int]:
        first = self._first(line, whole_list=False)
        return first, self._last_child(first, line) if self._is_item(first) else line

    def _first(self, line: int, *, whole_list: bool) -> int:
        """Where the paragraph or item that `line` ends begins; of a list as a whole, where the list does."""
        while line > 1 and line not in self._headings and (whole_list or not self._is_item(line)):
            above = line - 1
            if not _content(self._lines[above - 1]) or above in self._headings or above in self._code:
                break
            line = above
        return line

    def _last_child(self, first: int, last: int) -> int:
        indent = _indent(self._lines[first - 1])
        for number in range(last + 1, len(self._lines) + 1):
            line = self._lines[number - 1]
            if _content(line):
                if _indent(line) <= indent:
                    break
                last = number
        return last

    def _is_item(self, line: int) -> bool:
        return bool(_ITEM.match(_content(self._lines[line - 1])))


def _content(line: str) -> str:
    """A line without the marks of the quotes around it."""
    return _QUOTE.sub("", line, count=1).strip() if line.lstrip().startswith(">") else line.strip()


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())
