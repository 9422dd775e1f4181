"""The blocks of a note: what is code, comment, heading or paragraph, in one pass over its lines.

CommonMark's, as far as links and tags depend on them, and Obsidian's comments, formulas and block ids.
What stands inside a paragraph is for `inline` to read.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from vaultbot.types import BlockId, Mask, MaskKind
from vaultbot.vault.containers import RULE, Containers, Line
from vaultbot.vault.html_tags import HTML_TAG, html_block, html_shown
from vaultbot.vault.inline import BacktickRuns
from vaultbot.vault.reading import Mark

RegionKind = Literal["text", "comment", "table"]


class Region(NamedTuple):
    """A paragraph, heading, table row or comment whose inline marks count: text[start:end]."""

    start: int
    end: int
    kind: RegionKind


class Title(NamedTuple):
    """A heading before its place among the others is known."""

    level: int
    text: str  #: as written, without the number signs
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """What the lines of a note are."""

    line_starts: Sequence[int]  #: offset of each line's first character
    regions: Sequence[Region]  #: in order
    masks: Sequence[Mask]  #: in order; the inline ones are missing
    titles: Sequence[Title]
    blocks: Sequence[BlockId]
    marks: Sequence[Mark]  #: what the reading view leaves out
    quoted: frozenset[int]  #: offsets that follow a quote's `>`
    tables: Mapping[int, int]  #: lines that are rows of a table, and the line of its header
    footnotes: Mapping[str, tuple[int, int]]  #: first and last line of each, by `footnote_key` of its name


def scan_blocks(text: str, body_start: int = 0) -> Blocks:
    """The blocks of `text` from `body_start`, which begins a line, on."""
    scanner = _BlockScanner(text)
    scanner.run(body_start)
    return Blocks(
        line_starts=scanner.line_starts[:-1],
        regions=scanner.regions,
        masks=scanner.masks,
        titles=scanner.titles,
        blocks=scanner.blocks,
        marks=[*scanner.marks, *scanner.containers.marks],
        quoted=frozenset(scanner.containers.quoted),
        tables=scanner.tables,
        footnotes=scanner.containers.footnotes,
    )


_QUERY_LANGUAGES = frozenset({"dataview", "dataviewjs", "query", "base", "tasks"})
_LEAF_STARTS = frozenset("#`~<$=_")
_BLOCK_STARTS = _LEAF_STARTS.union(" \t>-+*[0123456789")

_ATX = re.compile(r"#{1,6}(?=[ \t]|$)")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_BLOCK_ID = re.compile(r"[A-Za-z0-9-]+")
_COMMENT_OR_CODE = re.compile(r"\\.|`+|%%")
_DELIMITER_CELL = re.compile(r":?-+:?")

_HTML_SPANS = {"<?": "?>", "<![CDATA[": "]]>"}


class _BlockScanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.line_starts = [0, *(newline.end() for newline in re.finditer("\n", text)), len(text) + 1]
        self.regions: list[Region] = []
        self.masks: list[Mask] = []
        self.titles: list[Title] = []
        self.blocks: list[BlockId] = []
        self.marks: list[Mark] = []
        self.tables: dict[int, int] = {}
        self.containers = Containers(text, self.line_starts)
        self._paragraph: int | None = None  # where the open paragraph starts
        self._paragraph_end = 0
        self._last_line = 0  # where the paragraph's last line starts
        self._table_header = 0  # the line of the open table's header
        self._next_comment = -1  # the next `%%` of the note, looked up when a line may hold it

    def run(self, position: int) -> None:
        while position <= len(self.text):
            index = self._index(position)
            if position == self.line_starts[index]:
                position = self._line(index)
            else:  # what follows a comment or formula that ended in this line
                end = self.containers.line_end(index)
                at = self.containers.skip_blanks(position, end, 0)[0]
                position = self._words(index, at, end, leading=False) if at < end else self._next(index)
        self._flush()
        self.containers.close()

    # ── lines and containers ────────────────────────────────────────────────────────────────────────────

    def _line(self, index: int) -> int:
        """Read line `index`; where to read on."""
        start, end = self.line_starts[index], self.containers.line_end(index)
        if not self.containers and start < end:
            first = self.text[start]
            if first not in _BLOCK_STARTS:
                return self._words(index, start, end)
            if first in _LEAF_STARTS:
                return self._leaf(index, Line(start, 0, 0, None), end)
        line = self.containers.match(index)
        if line.at == end:
            self._close(line.kept)
            self.containers.leave_empty_item()
            return self._next(index)
        line = self.containers.open_new(line, end, in_paragraph=self._paragraph is not None)
        if line.opened:
            self._flush()
        return self._leaf(index, line, end) if line.at < end else self._next(index)

    def _leaf(self, index: int, line: Line, end: int) -> int:
        """Read the block that stands in a line behind its containers."""
        text, at, kept = self.text, line.at, line.kept
        first, open_paragraph = text[at], self._paragraph is not None
        if first in "`~" and (line.indent < 4 or (open_paragraph and kept is None and self.containers.in_list)):
            fence = self._fence_of(at, end)
            if fence:
                self._close(kept)
                return self._fence(index, line, end, fence)
        if line.indent < 4:
            if first == "#" and (marks := _ATX.match(text, at, end)):
                self._close(kept)
                return self._heading(index, at, end, marks.end())
            if open_paragraph and kept is None and first in "=-" and _UNDERLINE.match(text, at, end):
                return self._underline(index, at, end)
            if first in "-*_" and RULE.match(text, at, end):
                self._close(kept)
                self.marks.append(Mark(at, end))
                return self._next(index)
            if first == "$" and text.startswith("$$", at):
                close = text.find("$$", at + 2)
                if close > end:
                    self._close(kept)
                    return self._mask("math", at, close + 2)
            if first == "<" and (position := self._html(index, at, end, kept)) is not None:
                return position
        elif not open_paragraph:
            self._close(kept)
            return self._indented(index, at)
        if kept is not None and not open_paragraph:
            self._close(kept)
        return self._words(index, at, end)

    def _close(self, kept: int | None) -> None:
        """End the paragraph, and the containers behind the first `kept`."""
        self._flush()
        self.containers.keep(kept)

    # ── blocks; each returns where to read on ───────────────────────────────────────────────────────────

    def _words(self, index: int, at: int, end: int, *, leading: bool = True) -> int:
        """A line of a paragraph or table; `leading` says that nothing stands before `at` in it."""
        text = self.text
        comment = self._comment(at, end, leading=leading)
        stop = comment[0] if comment else end
        if self._table_header:
            self._row(index, at, stop)
        elif self._paragraph is None:
            self._paragraph = at
        elif (
            text[at] in "|:-"
            and "|" in text[self._last_line : self._paragraph_end]
            and _is_delimiter_row(text[at:stop])
        ):
            self._table(index, at, stop)
        if not self._table_header:
            self._paragraph_end, self._last_line = stop, at
        if not comment:
            return self._next(index)
        opening, close = comment
        self._flush()
        self.regions.append(Region(opening + 2, close, "comment"))
        return self._mask("comment", opening, min(close + 2, len(text)))

    def _comment(self, at: int, end: int, *, leading: bool) -> tuple[int, int] | None:
        """Where a `%%` opens that closes in a later line, and where it closes.

        One that opens its line and never closes hides the rest of the note; elsewhere it is two characters.
        """
        text = self.text
        if self._next_comment < at:
            found = text.find("%%", at)
            self._next_comment = found if found >= 0 else len(text)
        if self._next_comment >= end:
            return None
        opening = _open_comment(text, at, end)
        if opening is None:
            return None
        close = text.find("%%", opening + 2)
        if close >= 0:
            return opening, close
        return (opening, len(text)) if leading and opening == at else None

    def _table(self, index: int, at: int, end: int) -> None:
        header, header_end = self._last_line, self._paragraph_end
        self._paragraph_end = header
        self._flush()
        self._table_header = index
        self._row(index - 1, header, header_end)
        self.marks.append(Mark(at, end))

    def _row(self, index: int, at: int, end: int) -> None:
        if "|" in self.text[at:end]:
            self.tables[index + 1] = self._table_header
        if at < end:
            self._region(at, end, "table")

    def _heading(self, index: int, at: int, end: int, after: int) -> int:
        text = self.text
        start = self.containers.skip_blanks(after, end, 0)[0]
        words = text[start:end].rstrip()
        unclosed = words.rstrip("#")
        if not unclosed or unclosed[-1] in " \t":
            words = unclosed.rstrip()
        stop = start + len(words)
        self.marks.append(Mark(at, start))
        if stop < end:
            self.marks.append(Mark(stop, end))
        plain_end = self._region(start, stop, "text")
        if not self.containers:
            words = text[start:plain_end].rstrip()
            self.titles.append(Title(after - at, words, index + 1, self.line_starts[index], end))
        return self._next(index)

    def _underline(self, index: int, at: int, end: int) -> int:
        """`===` or `---` below a paragraph makes it a heading."""
        start, stop = self._paragraph or 0, self._paragraph_end
        self._flush()
        self.marks.append(Mark(at, end))
        if not self.containers:
            level = 1 if self.text[at] == "=" else 2
            words = " ".join(self.text[start:stop].split())
            self.titles.append(Title(level, words, self._index(start) + 1, start, stop))
        return self._next(index)

    def _fence_of(self, at: int, end: int) -> str:
        """The fence that opens at `at`, or "" when it is inline code."""
        stop = at
        while stop < end and self.text[stop] == self.text[at]:
            stop += 1
        is_code = stop - at < 3 or (self.text[at] == "`" and "`" in self.text[stop:end])
        return "" if is_code else self.text[at:stop]

    def _fence(self, index: int, opening: Line, end: int, fence: str) -> int:
        text, at, stop = self.text, opening.at, end
        info = text[at + len(fence) : end].strip().split(maxsplit=1)
        lang = info[0].strip("{}.").lower() if info else ""
        self.marks.append(Mark(at, end))
        last = index
        for following, line, stop in self._lines_below(index):
            last = following
            closes = text.startswith(fence, line.at) and line.indent < max(4, opening.indent + 1)
            if closes and not text[line.at : stop].rstrip(" \t").strip(fence[0]):
                self.marks.append(Mark(line.at, stop))
                break
        self._mask("query" if lang in _QUERY_LANGUAGES else "code", at, stop, lang)
        return self._next(last)

    def _indented(self, index: int, at: int) -> int:
        stop, last = self.containers.line_end(index), index
        for following, line, end in self._lines_below(index):
            if line.at == end:
                continue
            if line.indent < 4:
                break
            stop, last = end, following
        self._mask("code", at, stop)
        return self._next(last)

    def _html(self, index: int, at: int, end: int, kept: int | None) -> int | None:
        """An HTML block or comment; None when the line is ordinary words."""
        text = self.text
        if text.startswith("<!--", at):
            close = text.find("-->", at + 2)
            self._close(kept)
            return self._mask("html-comment", at, close + 3 if close >= 0 else len(text))
        for opening, closing in _HTML_SPANS.items():
            if text.startswith(opening, at):
                close = text.find(closing, at)
                self._close(kept)
                return self._mask("html", at, close + len(closing) if close >= 0 else len(text))
        ending = html_block(text, at, end, in_paragraph=self._paragraph is not None)
        if ending is None:
            return None
        self._close(kept)
        last, stop = index, end
        if not ending or ending not in text[at:end].lower():
            for following, line, line_end in self._lines_below(index):
                if not ending and line.at == line_end:
                    break
                last, stop = following, line_end
                if ending and ending in text[line.at : line_end].lower():
                    break
        if ending in ("</script", "</style"):
            self.marks.append(Mark(at, stop))
        else:
            tags = HTML_TAG.finditer(text, at, stop)
            self.marks += [Mark(tag.start(), tag.end(), html_shown(tag.group(1))) for tag in tags]
        self._mask("html", at, stop)
        return self._next(last)

    # ── bookkeeping ─────────────────────────────────────────────────────────────────────────────────────

    def _flush(self) -> None:
        """End the open paragraph or table."""
        if self._paragraph is not None and self._paragraph < self._paragraph_end:
            self._region(self._paragraph, self._paragraph_end, "text")
        self._paragraph = None
        self._table_header = 0

    def _region(self, start: int, end: int, kind: RegionKind) -> int:
        """Note a region, and the block id at its end; where the region's words end."""
        self.regions.append(Region(start, end, kind))
        text = self.text
        caret = text.rfind("^", start, end)
        if caret < 0:
            return end
        name = text[caret + 1 : end].rstrip()
        # Obsidian's own help puts an id right behind an embed, and links to it.
        apart = caret == start or text[caret - 1].isspace() or text[caret - 2 : caret] == "]]"
        if not apart or not _BLOCK_ID.fullmatch(name):
            return end
        stop = caret + 1 + len(name)
        self.blocks.append(BlockId(name, self._index(caret) + 1, caret, stop))
        self.marks.append(Mark(caret, stop))
        return caret

    def _mask(self, kind: MaskKind, start: int, end: int, lang: str = "") -> int:
        self.masks.append(Mask(kind, start, end, lang))
        return end

    def _lines_below(self, index: int) -> Iterator[tuple[int, Line, int]]:
        """The lines below `index` that stay in every open container: (index, line, its end)."""
        for following in range(index + 1, len(self.line_starts) - 1):
            line = self.containers.match(following)
            if line.kept is not None:
                return
            yield following, line, self.containers.line_end(following)

    def _index(self, position: int) -> int:
        return bisect_right(self.line_starts, position) - 1

    def _next(self, index: int) -> int:
        return self.line_starts[index + 1]


def _open_comment(text: str, start: int, end: int) -> int | None:
    """Where a `%%` opens that does not close on its line."""
    runs = BacktickRuns(text, start, end)
    opening: int | None = None
    position = start
    while token := _COMMENT_OR_CODE.search(text, position, end):
        position = token.end()
        if token.group() == "%%":
            opening = token.start() if opening is None else None
        elif opening is None and token.group()[0] == "`":
            length = position - token.start()
            close = runs.closing(position, length)
            position = close + length if close is not None else position
    return opening


def _is_delimiter_row(line: str) -> bool:
    cells = line.strip().removeprefix("|").removesuffix("|").split("|")
    return all(_DELIMITER_CELL.fullmatch(cell.strip()) for cell in cells)
