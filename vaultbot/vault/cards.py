"""Documents that are JSON full of cards, put together as one note."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from vaultbot.types import BlockId, Heading, Link, Mask, Note, Problem, Tag
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.reading import visible_lines

_Placed = TypeVar("_Placed", Heading, Link, Tag, BlockId)

_LONGEST_NAME = 80


class Cards:
    """Takes in cards one by one, a blank line before each. Offsets and lines count in the note that they make."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._offset = 0
        self._text: list[str] = []
        self._visible: list[str] = []
        self._headings: list[Heading] = []
        self._links: list[Link] = []
        self._tags: list[Tag] = []
        self._blocks: list[BlockId] = []
        self._masks: list[Mask] = []
        self._rows: dict[int, str] = {}
        self._footnotes: dict[int, tuple[tuple[int, int], ...]] = {}

    def markdown(self, card: str, *, titled: bool) -> str:
        """Take in a card of Markdown; its first line is its name, which becomes a heading when it is `titled`."""
        # The blank line keeps the `---` of a card from being read as frontmatter.
        note = parse_note(self._path, "\n" + card)
        first = next((number for number, line in enumerate(note.visible, 1) if line.strip()), 0)
        name = clipped(note.visible[first - 1].strip()) if first else "…"
        offset, lines = self._offset, len(self._visible)
        if titled and first:
            self._headings += [_moved(heading, offset, lines) for heading in _below(name, first, note.headings)]
        self._links += [_moved(link, offset, lines) for link in note.links]
        self._tags += [_moved(tag, offset, lines) for tag in note.tags]
        self._blocks += [_moved(block, offset, lines) for block in note.blocks]
        self._masks += [replace(mask, start=mask.start + offset, end=mask.end + offset) for mask in note.masks]
        self._rows |= {line + lines: row for line, row in note.rows.items()}
        for line, spans in note.footnotes.items():
            self._footnotes[line + lines] = tuple((first + lines, last + lines) for first, last in spans)
        self._add(note.text, note.visible)
        return name

    def file(self, file: str, subpath: str) -> None:
        """Take in a card that shows a file: an embed from the vault's root, which leads nowhere else."""
        written = f"![[/{one_line(file)}{one_line(subpath)}]]"
        start, line = self._offset + 1, len(self._visible) + 2
        self._add("\n" + written, ("", ""))
        end = start + len(written)
        self._links.append(Link("wiki", written, "/" + file, subpath, None, start, end, line, 1, embed=True))

    def label(self, words: str) -> None:
        """Take in a line that names what stands around it: a heading, and nothing to quote."""
        start, line = self._offset + 1, len(self._visible) + 2
        self._add("\n" + words, visible_lines("\n" + words, (), ()))
        if name := clipped(self._visible[-1].strip()):
            self._headings.append(Heading(1, name, (name,), line, start, start + len(words)))

    def words(self, line: str) -> None:
        """Take in a line of plain words, under a heading of the same words."""
        visible = visible_lines("\n" + line, (), ())
        if name := clipped(visible[-1].strip()):
            self._headings.append(_untitled(name, self._offset, len(self._visible) + 1))
        self._add("\n" + line, visible)

    def note(self, title: str) -> Note:
        """All cards so far."""
        return Note(
            self._path,
            title,
            "\n".join(self._text),
            body_start=0,
            body_line=1,
            headings=tuple(self._headings),
            links=tuple(self._links),
            tags=tuple(self._tags),
            blocks=tuple(self._blocks),
            masks=tuple(self._masks),
            visible=tuple(self._visible) or ("",),
            rows=self._rows,
            footnotes=self._footnotes,
        )

    def _add(self, text: str, visible: tuple[str, ...]) -> None:
        self._text.append(text)
        self._visible += visible
        self._offset += len(text) + 1


def json_object(text: str) -> Mapping[str, object]:
    """The object that a file holds; an empty file holds an empty one. Raises ValueError with the reason."""
    try:
        found = json.loads(text.removeprefix("\ufeff") or "{}")
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it holds no cards")
    return found


def unreadable(path: str, title: str, problem: Problem) -> Note:
    """A document of which nothing could be read, and why."""
    return Note(path, title, "", 0, 1, visible=("",), problems=(problem,))


def objects(holder: Mapping[str, object], key: str) -> Iterator[Mapping[str, object]]:
    """The objects in a list of that name; whatever else stands there is passed over."""
    found = holder.get(key)
    return (item for item in found if isinstance(item, dict)) if isinstance(found, list) else iter(())


def string(item: Mapping[str, object], key: str) -> str:
    """The text of that name, or ""."""
    value = item.get(key)
    return value if isinstance(value, str) else ""


def one_line(text: str) -> str:
    """The text with every stretch of blanks and line ends as one blank."""
    return " ".join(text.split())


def _below(name: str, first: int, headings: tuple[Heading, ...]) -> Iterator[Heading]:
    """The headings of a card below the one that names it.

    A name that is a heading in the card stands where it stands there. Any other stands on the blank line before the
    card, so that the card's first line is text, which can be quoted. Obsidian's links can name neither.
    """
    own, inner = (headings[0], headings[1:]) if headings and headings[0].line == first else (None, headings)
    parents, above = (own.path, own.level) if own else ((), 0)
    yield replace(own, level=1, text=name, path=(name,), written=()) if own else _untitled(name, 0, 1)
    for heading in inner:
        path = heading.path[len(parents) :] if heading.path[: len(parents)] == parents else heading.path
        level = max(2, min(6, heading.level - above + 1))
        yield replace(heading, level=level, path=(name, *path), written=())


def _untitled(name: str, offset: int, line: int) -> Heading:
    return Heading(1, name, (name,), line, offset, offset)


def clipped(name: str) -> str:
    """A name that is short enough to be repeated wherever something refers to it."""
    if len(name) <= _LONGEST_NAME:
        return name
    cut = name.rfind(" ", _LONGEST_NAME // 2, _LONGEST_NAME)
    return name[: cut if cut > 0 else _LONGEST_NAME - 1].rstrip() + "…"


def _moved(placed: _Placed, offset: int, lines: int) -> _Placed:
    return replace(placed, start=placed.start + offset, end=placed.end + offset, line=placed.line + lines)
