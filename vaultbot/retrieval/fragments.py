"""Fragments: passages that begin or end within a list, a table or a paragraph too long for one passage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from vaultbot.index.reader import Passage
from vaultbot.retrieval.hits import Found
from vaultbot.types import Heading

_NEIGHBOUR = 0.5  #: what a neighbour counts, against the passage that was found


def with_neighbours(
    found: Sequence[Found], passages: Iterable[Passage], *, headings: Callable[[int], Sequence[Heading]]
) -> Iterator[Found]:
    """The same, and behind each fragment the passages it was cut from, unless they were found themselves.

    `passages` are all of the notes of `found`, in order; `headings` tells those of a note.
    """
    rows: dict[int, list[Passage]] = {}
    for passage in passages:
        rows.setdefault(passage.note, []).append(passage)
    given = {one.passage.rowid for one in found}
    for one in found:
        yield one
        row = rows[one.passage.note]
        place = next(n for n, passage in enumerate(row) if passage.rowid == one.passage.rowid)
        if len(row) == 1:
            continue
        starts = {heading.line for heading in headings(one.passage.note)}
        for first, second in ((place - 1, place), (place, place + 1)):
            if first < 0 or second == len(row) or not _is_cut(row[first], row[second], starts):
                continue
            neighbour = row[first if second == place else second]
            if neighbour.rowid not in given:
                given.add(neighbour.rowid)
                yield replace(one, passage=neighbour, score=_NEIGHBOUR * one.score, cosine=None)


def _is_cut(first: Passage, second: Passage, headings: set[int]) -> bool:
    """Whether the second goes on where the first stopped: no blank line between them, and no heading."""
    return second.start_line <= first.end_line + 1 and second.start_line not in headings
