"""Where links stand: the headings above them, and the words around them as a reader sees them."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice

from vaultbot.types import Link

_SHOWN = 70  #: characters on each side of a link
_PIECES = 50  #: of one endless line


class Surroundings:
    """Of the links that lead to one file, from what the catalog keeps of their notes: no file is read.

    A note that is kept out of search has no words here, and neither has what its reader does not see: comments and
    properties.
    """

    def __init__(self, db: sqlite3.Connection, target: str) -> None:
        """To be used within the snapshot it was made in."""
        sources = (
            "SELECT link.note FROM link JOIN note ON note.id = link.note"
            " WHERE target = ? AND kind <> 'property' AND searched"
        )
        self._headings: dict[int, tuple[list[int], list[tuple[str, str]]]] = {}
        for note, line, *paths in db.execute(
            f"SELECT note, line, path, written FROM heading WHERE note IN ({sources}) ORDER BY note, ordinal", (target,)
        ):
            lines, found = self._headings.setdefault(note, ([], []))
            lines.append(line)
            found.append((paths[0], paths[1]))
        self._passages: dict[int, tuple[list[int], list[int], list[str]]] = {}
        for note, start, end, text in db.execute(
            "SELECT note, start_line, end_line, text FROM chunk"
            f" WHERE view = 'passage' AND note IN ({sources}) ORDER BY note, ordinal",
            (target,),
        ):
            starts, ends, texts = self._passages.setdefault(note, ([], [], []))
            starts.append(start)
            ends.append(end)
            texts.append(text)

    def heading(self, note: int, link: Link, *, in_card: bool = False) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The heading that the link stands under, with its parents: as a reader sees it, and as the file has it.

        A card of a canvas that is a file has none.
        """
        lines, found = self._headings.get(note, ([], []))
        above = bisect_right(lines, link.line)
        if not above or link.kind == "property" or (in_card and link.embed):
            return (), ()
        shown, written = found[above - 1]
        return tuple(json.loads(shown)), tuple(json.loads(written) or json.loads(shown))

    def words(self, note: int, link: Link) -> str:
        """The line around the link, cut to a screen's width or two; "" where no reader sees it."""
        if link.kind == "property" or link.in_comment:
            return ""
        shown = link.display or link.linkpath
        best = ""
        for line in islice(self._lines(note, link.line), _PIECES):
            if shown in line:
                return _around(line, shown, link.col)
            best = best or line
        return _around(best, shown, link.col)

    def _lines(self, note: int, number: int) -> Iterator[str]:
        """The line as the passages have it; a long one may have been cut among several of them."""
        starts, ends, texts = self._passages.get(note, ([], [], []))
        place = bisect_right(starts, number) - 1
        while place >= 0 and ends[place] >= number:
            lines = texts[place].split("\n")
            if number - starts[place] < len(lines):
                yield lines[number - starts[place]].strip()
            place -= 1


def _around(line: str, shown: str, col: int) -> str:
    """The line where the link's words stand: what a reader sees is never longer than what is written."""
    place = max(line.rfind(shown, 0, col + len(shown)), line.find(shown), 0)
    start, end = max(0, place - _SHOWN), min(len(line), place + len(shown) + _SHOWN)
    if start and (blank := line.find(" ", start, place)) >= 0:
        start = blank + 1
    if end < len(line) and (blank := line.rfind(" ", place + len(shown), end)) >= 0:
        end = blank
    return ("… " if start else "") + line[start:end] + (" …" if end < len(line) else "")
