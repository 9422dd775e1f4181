"""A canvas read like a note: its text cards are the words, its file cards and their links are the links."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from vaultbot.types import BlockId, Link, Mask, Note, Problem, Tag
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.reading import visible_lines

_Placed = TypeVar("_Placed", Link, Tag, BlockId)


def parse_canvas(path: str, text: str) -> Note:
    """Read a `.canvas` file; never raises. An empty one is an empty canvas, a broken one has a problem "canvas".

    The note's text is not the file's: it holds the Markdown of every text card in the file's order, an embed for every
    file card (from the vault's root, which leads nowhere else), group labels, and "A —label→ B" for every labelled
    arrow, a blank line before each. Offsets and lines count in it. There are no headings: a card is no section.
    """
    title = path.rpartition("/")[2].removesuffix(".canvas")
    try:
        canvas = json.loads(text.removeprefix("\ufeff") or "{}")
        if not isinstance(canvas, dict):
            raise ValueError("it holds no cards")
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        problem = Problem("canvas", f"The canvas cannot be read: {reason}. Open and save it in Obsidian.")
        return Note(path, title, "", 0, 1, visible=("",), problems=(problem,))
    reader = _CanvasReader(path)
    reader.read(_items(canvas, "nodes"), _items(canvas, "edges"))
    return reader.note(title)


class _CanvasReader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._offset = 0
        self._text: list[str] = []
        self._visible: list[str] = []
        self._links: list[Link] = []
        self._tags: list[Tag] = []
        self._blocks: list[BlockId] = []
        self._masks: list[Mask] = []

    def read(self, nodes: Iterator[Mapping[str, object]], edges: Iterator[Mapping[str, object]]) -> None:
        names: dict[str, str] = {}
        for node in nodes:
            names[_string(node, "id")] = self._card(node)
        for edge in edges:
            if label := _string(edge, "label").strip():
                ends = (names.get(_string(edge, end), "…") for end in ("fromNode", "toNode"))
                self._words(f" —{_one_line(label)}→ ".join(ends))

    def note(self, title: str) -> Note:
        return Note(
            self._path,
            title,
            "\n".join(self._text),
            body_start=0,
            body_line=1,
            links=tuple(self._links),
            tags=tuple(self._tags),
            blocks=tuple(self._blocks),
            masks=tuple(self._masks),
            visible=tuple(self._visible) or ("",),
        )

    def _card(self, node: Mapping[str, object]) -> str:
        """Take in a card; the name by which arrows call it."""
        match _string(node, "type"):
            case "text":
                return self._markdown(_string(node, "text"))
            case "file" if file := _string(node, "file"):
                self._file(file, _string(node, "subpath"))
                return file.rpartition("/")[2].removesuffix(".md")
            case "group":
                if label := _one_line(_string(node, "label")):
                    self._words(label)
                return label or "…"
            case "link":
                return _string(node, "url") or "…"
        return "…"

    def _markdown(self, card: str) -> str:
        # The blank line keeps the `---` of a card from being read as frontmatter.
        note = parse_note(self._path, "\n" + card)
        offset, lines = self._offset, len(self._visible)
        self._add(note.text, note.visible)
        self._links += [_moved(link, offset, lines) for link in note.links]
        self._tags += [_moved(tag, offset, lines) for tag in note.tags]
        self._blocks += [_moved(block, offset, lines) for block in note.blocks]
        self._masks += [replace(mask, start=mask.start + offset, end=mask.end + offset) for mask in note.masks]
        return next((line.strip() for line in note.visible if line.strip()), "…")

    def _file(self, file: str, subpath: str) -> None:
        written = f"![[/{_one_line(file)}{_one_line(subpath)}]]"
        start, line = self._offset + 1, len(self._visible) + 2
        self._add("\n" + written, ("", ""))
        end = start + len(written)
        self._links.append(Link("wiki", written, "/" + file, subpath, None, start, end, line, 1, embed=True))

    def _words(self, line: str) -> None:
        self._add("\n" + line, visible_lines("\n" + line, (), ()))

    def _add(self, text: str, visible: tuple[str, ...]) -> None:
        self._text.append(text)
        self._visible += visible
        self._offset += len(text) + 1


def _moved(placed: _Placed, offset: int, lines: int) -> _Placed:
    return replace(placed, start=placed.start + offset, end=placed.end + offset, line=placed.line + lines)


def _items(canvas: Mapping[str, object], key: str) -> Iterator[Mapping[str, object]]:
    found = canvas.get(key)
    return (item for item in found if isinstance(item, dict)) if isinstance(found, list) else iter(())


def _string(item: Mapping[str, object], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
