"""What a reader sees of a note: the text without Obsidian's marks, line for line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from vaultbot.types import Mask


class Mark(NamedTuple):
    """A stretch of the file that the reading view shows as something else, mostly as nothing."""

    start: int
    end: int
    shown: str = ""


_HIDDEN = frozenset({"frontmatter", "comment", "html-comment", "query"})

# Control characters, soft hyphens, zero-width and bidi controls and the invisible "tag" letters can hide
# words from a reader and show them to a model. A joiner between non-ASCII letters stays: emoji need it.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\U000e0000-\U000e007f]|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_BETWEEN_CELLS = " | "
_LONGEST_NAME = 40  # every row repeats them
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def visible_lines(
    text: str, masks: Iterable[Mask], marks: Iterable[Mark], *, tables: Collection[int] = ()
) -> tuple[str, ...]:
    """One string per line of `text`, as the reading view shows it; "" for a hidden line.

    `tables` holds the 1-based numbers of table rows, whose cells are set apart by " | ".
    """
    hidden = [Mark(mask.start, mask.end) for mask in masks if mask.kind in _HIDDEN]
    pieces: list[str] = []
    position = 0
    for start, end, shown in sorted([*hidden, *marks], key=lambda mark: (mark[0], -mark[1])):
        if start < position:
            continue
        pieces.append(text[position:start])
        pieces.append(shown + "\n" * text.count("\n", start, end))
        position = end
    pieces.append(text[position:])
    seen = "".join(pieces).replace("\r\n", "\n").replace("\r", " ")
    if not (seen.isascii() and seen.isprintable()):
        seen = _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", seen))
    lines = [line.rstrip() for line in seen.split("\n")]
    for number in tables:
        lines[number - 1] = _row(lines[number - 1])
    return tuple(lines)


def named_rows(visible: Sequence[str], tables: Mapping[int, int]) -> dict[int, str]:
    """The rows of tables by line, each cell with the name of its column: "Name: Ann; Age: 3".

    `tables` holds the number of each row with that of its table's header, which has no row of its own here.
    """
    rows: dict[int, str] = {}
    names: dict[int, list[str]] = {}
    for number, header in tables.items():
        if header not in names:
            names[header] = [name[:_LONGEST_NAME] for name in visible[header - 1].split(_BETWEEN_CELLS)]
        if number != header:
            cells = zip_longest(names[header], visible[number - 1].split(_BETWEEN_CELLS), fillvalue="")
            rows[number] = "; ".join(f"{name}: {cell}" if name else cell for name, cell in cells if cell)
    return rows


def emphasis_marks(text: str, runs: Sequence[tuple[int, int]], start: int, end: int) -> list[Mark]:
    """The `*`, `_`, `~~` and `==` of one paragraph that come in pairs; the others are ordinary characters.

    `runs` are the (start, end) of unescaped delimiter runs in text[start:end], in order.
    """
    marks: list[Mark] = []
    openers: dict[str, list[_Opener]] = {}
    for first, stop in runs:
        at, length = first, stop - first
        before = text[at - 1] if at > start else " "
        after = text[stop] if stop < end else " "
        opens, closes = not after.isspace(), not before.isspace()
        if text[at] == "_":
            opens, closes = opens and not before.isalnum(), closes and not after.isalnum()
        stack = openers.setdefault(text[at], [])
        while closes and at < stop and stack:
            opener = stack[-1]
            # CommonMark's rule of three: in `**a*b***` the middle star opens.
            if (opens or opener.closes) and (opener.length + length) % 3 == 0 and length % 3:
                break
            width = min(stop - at, opener.end - opener.start)
            marks += [Mark(opener.end - width, opener.end), Mark(at, at + width)]
            opener.end -= width
            at += width
            if opener.start == opener.end:
                stack.pop()
        if opens and at < stop:
            stack.append(_Opener(at, stop, length, closes))
    return marks


@dataclass(slots=True)
class _Opener:
    """A delimiter run that may still be closed; it is used up from its end."""

    start: int
    end: int
    length: int  # as written
    closes: bool


def _row(line: str) -> str:
    cells = _CELL_BORDER.split(line.strip().removeprefix("|").removesuffix("|"))
    return _BETWEEN_CELLS.join(cell.strip().replace("\\|", "|") for cell in cells)
