"""What holds for the places of any note, whatever its text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol

from vaultbot.types import Chunk, Link, Note


class Placed(Protocol):
    """Something that stands in a text."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


def assert_places_hold(note: Note) -> None:
    """Every place lies in the text, holds what it says, and is in order and apart from the others of its kind."""
    text = note.text
    starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]

    assert len(note.visible) == len(starts)
    "\n".join(note.visible).encode()  # No half of a character is left.
    assert 0 <= note.body_start <= len(text)
    assert note.body_line == bisect_right(starts, note.body_start)

    for link in note.links:
        assert text[link.start : link.end] == link.raw != ""
        assert (link.line, link.col) == _line_and_column(starts, link.start)
    _assert_in_order(link for link in note.links if link.kind == "property")
    body_links = [link for link in note.links if link.kind != "property"]
    _assert_in_order(_outermost(body_links))
    assert [link.start for link in body_links] == sorted(link.start for link in body_links)

    for tag in note.tags:
        assert tag.line == bisect_right(starts, tag.start)
        assert tag.in_frontmatter or text[tag.start : tag.end] == "#" + tag.name
    _assert_in_order(tag for tag in note.tags if not tag.in_frontmatter)

    for block in note.blocks:
        assert text[block.start : block.end] == "^" + block.name
        assert block.line == bisect_right(starts, block.start)
    _assert_in_order(note.blocks)

    for heading in note.headings:
        assert heading.line == bisect_right(starts, heading.start)
        assert heading.path[-1] == heading.text
        assert len(heading.written) in (0, len(heading.path))
    _assert_in_order(note.headings)

    _assert_in_order(note.masks)
    ends = [mask.end for mask in note.masks]
    for link in body_links:
        inside = bisect_right(ends, link.start)
        masked = note.masks[inside : inside + 1]
        assert not masked or masked[0].kind == "comment" or link.start < masked[0].start


def assert_chunks_hold(note: Note, chunks: Sequence[Chunk]) -> None:
    """A card, then passages in order, whose lines are the note's own, line for line."""
    card, *passages = chunks
    assert card.view == "card"
    assert [passage.ordinal for passage in passages] == list(range(len(passages)))
    assert all(before.end_line <= after.start_line for before, after in pairwise(passages))
    for passage in passages:
        lines = passage.text.split("\n")
        assert len(lines) == passage.end_line - passage.start_line + 1
        seen = note.visible[passage.start_line - 1 : passage.end_line]
        assert all(line.strip() in whole for line, whole in zip(lines, seen, strict=True))
        passage.embedded_text.encode()


def _assert_in_order(placed: Iterable[Placed]) -> None:
    assert all(before.end <= after.start for before, after in pairwise(placed))


def _outermost(links: Iterable[Link]) -> Iterable[Link]:
    """Without the pictures that stand in the words of a link: `[![alt](pic.png)](Note.md)`."""
    end = 0
    for link in links:
        if link.start >= end or link.end > end:
            yield link
            end = link.end


def _line_and_column(starts: Sequence[int], at: int) -> tuple[int, int]:
    line = bisect_right(starts, at)
    return line, at - starts[line - 1] + 1
