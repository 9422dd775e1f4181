"""Note → chunks: one card that stands for the whole note, and passages packed along its headings.

Passages are made of whole blocks (paragraphs, lists, tables, code) and small neighbouring sections share one: measured
better than a chunk per section, where tiny sections of other notes win by accident. Only a block that is longer than a
passage is cut, between lines, then between sentences.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vaultbot.index.analyzer import terms
from vaultbot.index.asides import asides
from vaultbot.index.sentences import sentence_spans
from vaultbot.types import Chunk, Note

_UNSPACED = re.compile(r"[\u2e80-\U0010ffff]")

CountTokens = Callable[[Sequence[str]], list[int]]

#: Changes when the same note would be cut differently; part of what the index says it was built with.
CHUNKER_VERSION = 4

_CARD_LINES = 12
#: Longer ones are paragraphs with a # before them.
LONGEST_HEADING = 300


@dataclass(frozen=True, slots=True)
class _Block:
    """Neighbouring lines that belong together, and what may be said besides for the index to find them by."""

    start_line: int
    end_line: int
    text: str
    tokens: int
    named: str  #: the text, with the names of their columns in the rows of a table
    named_tokens: int
    asides: Sequence[tuple[str, int]]  #: with the tokens of each


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block or a part of one that fits into a passage."""

    start_line: int
    end_line: int
    text: str
    indexed: str
    tokens: int  #: of what is indexed


@dataclass(frozen=True, slots=True)
class _Section:
    heading_path: tuple[str, ...]
    blocks: Sequence[_Block]


def chunk_note(note: Note, *, max_tokens: int, count_tokens: CountTokens) -> list[Chunk]:
    """The card, then the passages in order. No passage is longer than `max_tokens`, context included, unless a single
    word is."""

    def count(texts: Sequence[str]) -> list[int]:
        # A model may take a word of any length for one unknown token, and pasted data is one long word.
        return [max(tokens, len(text) // 16) for text, tokens in zip(texts, count_tokens(texts), strict=True)]

    return [_card(note), *_passages(note, max_tokens=max_tokens, count_tokens=count)]


def estimate_tokens(texts: Sequence[str]) -> list[int]:
    """A token count without a model: four letters of an alphabet, or one character of a script without spaces."""
    return [(0 if text.isascii() else len(_UNSPACED.findall(text))) + (len(text) + 3) // 4 for text in texts]


def _card(note: Note) -> Chunk:
    names = f"{note.title} ({', '.join(note.aliases)})" if note.aliases else note.title
    described = descriptions(note)
    headings = ", ".join(dict.fromkeys(heading.text for heading in note.headings if heading.text != note.title))
    heading_lines = {heading.line for heading in note.headings}
    first = [
        line.strip() for number, line in enumerate(note.visible, 1) if line.strip() and number not in heading_lines
    ][:_CARD_LINES]
    text = "\n".join(part[:2000] for part in (names, *described, headings, "\n".join(first)) if part)
    return Chunk(note.path, "card", 0, (), 1, len(note.visible) or 1, text, "")


def descriptions(note: Note) -> list[str]:
    """What its properties say the note is about; of a `title`, which is no name in Obsidian, only what is news."""
    found = [str(note.properties[key]) for key in ("title", "description", "summary") if note.properties.get(key)]
    known = set(terms(note.title))
    if note.properties.get("title") and all(term in known or term.isdecimal() for term in terms(found[0])):
        del found[0]
    return found


def _passages(note: Note, *, max_tokens: int, count_tokens: CountTokens) -> Iterator[Chunk]:
    lines = _Lines(note, count_tokens)
    sections = lines.sections()
    contexts, room = _contexts(note, sections, max_tokens=max_tokens, count_tokens=count_tokens)
    packed: list[_Piece] = []
    used = 0
    opened = 0  # the section in which the packed passage started
    ordinal = 0

    def passage() -> Chunk:
        path = sections[opened].heading_path
        start, end = packed[0].start_line, packed[-1].end_line
        text, indexed = _joined(packed, [one.text for one in packed]), _joined(packed, [one.indexed for one in packed])
        more = indexed if indexed != text else ""
        return Chunk(note.path, "passage", ordinal, path, start, end, text, contexts[opened], more)

    for index, section in enumerate(sections):
        pieces = [piece for block in section.blocks for piece in _fitting(block, room[index], lines)]
        keep_whole = sum(piece.tokens for piece in pieces)
        for piece in pieces:
            full = used + max(piece.tokens, keep_whole) > room[opened]
            # Two parts of one line stay apart: nothing is known of what stood between them.
            if packed and (full or packed[-1].end_line == piece.start_line):
                yield passage()
                ordinal += 1
                packed, used = [], 0
            if not packed:
                opened = index
            packed.append(piece)
            used += piece.tokens
            keep_whole = 0  # A section starts a passage of its own when it does not fit as a whole.
    if packed:
        yield passage()


def clip_headings(path: Sequence[str]) -> tuple[str, ...]:
    """The headings, none longer than a reader would take for one: every passage below repeats them."""
    return tuple([part[:LONGEST_HEADING] for part in path])


def _contexts(
    note: Note, sections: Sequence[_Section], *, max_tokens: int, count_tokens: CountTokens
) -> tuple[list[str], list[int]]:
    """For each section the title and headings to embed before its text, and the tokens that leaves for text."""
    found: list[str] = []
    for section in sections:
        path = section.heading_path
        found.append(" > ".join((note.title, *(path[1:] if path[:1] == (note.title,) else path))))
    tokens = count_tokens(found)
    for index in range(len(found)):
        while tokens[index] > max_tokens // 2 and (length := len(found[index])) > 1:
            found[index] = found[index][: min(length - 1, length * max_tokens // 2 // tokens[index])]
            tokens[index] = count_tokens([found[index]])[0]
    return found, [max(1, max_tokens - taken) for taken in tokens]


def _joined(pieces: Sequence[_Piece], texts: Sequence[str]) -> str:
    """Their texts with the blank lines that are between them in the note."""
    joined = [texts[0]]
    for (before, piece), text in zip(pairwise(pieces), texts[1:], strict=True):
        joined += ["\n" * (piece.start_line - before.end_line), text]
    return "".join(joined)


class _Lines:
    """The lines of a note, cut into sections and blocks."""

    def __init__(self, note: Note, count_tokens: CountTokens) -> None:
        self._note = note
        self.count_tokens = count_tokens
        self._asides: dict[int, list[str]] = {}

    def sections(self) -> list[_Section]:
        """The note between its headings, in blocks of neighbouring visible lines."""
        spans = [(path, blocks) for path, blocks in self._spans() if blocks]
        places = [span for _, blocks in spans for span in blocks]
        starts = [start for start, _ in places]
        for line, said in asides(self._note).items():
            if places:  # What shows nothing by itself belongs to the block above.
                start, end = places[max(0, bisect_right(starts, line) - 1)]
                self._asides.setdefault(min(max(start, line), end), []).extend(said)
        blocks = iter(self.blocks(places))
        return [_Section(path, [next(blocks) for _ in places]) for path, places in spans]

    def blocks(self, spans: Sequence[tuple[int, int]]) -> list[_Block]:
        """The lines from the first to the last of each span as a block."""
        visible, rows = self._note.visible, self._note.rows
        texts = ["\n".join(visible[start - 1 : end]) for start, end in spans]
        named = ["\n".join(rows.get(n) or visible[n - 1] for n in range(start, end + 1)) for start, end in spans]
        said = [[one for n in range(start, end + 1) for one in self._asides.get(n, ())] for start, end in spans]
        tokens = self.count_tokens([*texts, *(new for new, text in zip(named, texts, strict=True) if new != text)])
        of_named = iter(tokens[len(texts) :])
        of_asides = iter(self.count_tokens([one for many in said for one in many]))
        return [
            _Block(start, end, text, count, new, next(of_named) if new != text else count,
                   [(one, next(of_asides)) for one in many])
            for (start, end), text, count, new, many in zip(spans, texts, tokens, named, said, strict=False)
        ]  # fmt: skip

    def _spans(self) -> list[tuple[tuple[str, ...], list[tuple[int, int]]]]:
        heading_at = {heading.line: heading for heading in self._note.headings}
        ends = _ends_of_blocks(self._note)
        spans: list[tuple[tuple[str, ...], list[tuple[int, int]]]] = [((), [])]
        start = last = 0
        for number, line in enumerate((*self._note.visible, ""), 1):
            heading = heading_at.get(number)
            if start and (number in ends or heading):
                spans[-1][1].append((start, last))
                start = 0
            if heading:
                spans.append((clip_headings(heading.path), []))
            if line.strip():
                start, last = start or number, number
        return spans


def _ends_of_blocks(note: Note) -> set[int]:
    """The blank lines of the file, and the one behind it. Hidden lines, as below a table's head, and those in code end
    nothing."""
    lines = note.text.split("\n")
    blank = {number for number, line in enumerate(lines, 1) if not line.strip()} | {len(lines) + 1}
    line, seen = 1, 0
    for mask in note.masks:
        if mask.kind == "code":
            first = line + note.text.count("\n", seen, mask.start)
            line, seen = first + note.text.count("\n", mask.start, mask.end), mask.end
            blank.difference_update(range(first, line))
    return blank


def _fitting(block: _Block, room: int, lines: _Lines) -> Iterator[_Piece]:
    """The block itself, or its lines, or the sentences of a line, each small enough."""
    if block.tokens <= room:
        yield _enriched(block, room)
        return
    held: list[_Piece] = []
    used = 0
    for line in lines.blocks([(number, number) for number in range(block.start_line, block.end_line + 1)]):
        piece = _enriched(line, room)
        # A line that is cut may be short by the names of its columns: what is above it comes first all the same.
        if held and (line.tokens > room or used + piece.tokens > room):
            yield _merged(held)
            held, used = [], 0
        if line.tokens > room:
            yield from _fitting_sentences(line, room, lines.count_tokens)
        elif line.text:
            held.append(piece)
            used += piece.tokens
    if held:
        yield _merged(held)


def _enriched(block: _Block, room: int) -> _Piece:
    """The block with as much besides as there is room for: nothing is cut for its sake."""
    named = block.named_tokens <= room
    indexed, tokens = [block.named if named else block.text], block.named_tokens if named else block.tokens
    for aside, count in block.asides:
        if tokens + count <= room:
            indexed.append(aside)
            tokens += count
    return _Piece(block.start_line, block.end_line, block.text, "\n".join(indexed), tokens)


def _merged(pieces: Sequence[_Piece]) -> _Piece:
    text, indexed = _joined(pieces, [one.text for one in pieces]), _joined(pieces, [one.indexed for one in pieces])
    return _Piece(pieces[0].start_line, pieces[-1].end_line, text, indexed, sum(one.tokens for one in pieces))


def _fitting_sentences(line: _Block, room: int, count_tokens: CountTokens) -> Iterator[_Piece]:
    """Parts of one line, at the ends of sentences where there are any."""
    starts = [start for start, _ in sentence_spans(line.text)]
    spans = list(zip([0, *starts[1:]], [*starts[1:], len(line.text)], strict=True))
    held: tuple[int, int] | None = None
    used = 0
    for (start, end), tokens in zip(spans, _count(line.text, spans, count_tokens), strict=True):
        if held and used + tokens > room:
            yield _part(line, held, used)
            held, used = None, 0
        if tokens > room:
            for span, counted in _cut(line.text, (start, end), tokens, room, count_tokens):
                yield _part(line, span, counted)
        else:
            held, used = (held[0] if held else start, end), used + tokens
    if held:
        yield _part(line, held, used)


def _part(line: _Block, span: tuple[int, int], tokens: int) -> _Piece:
    text = line.text[slice(*span)].strip()
    return _Piece(line.start_line, line.end_line, text, text, tokens)


def _cut(
    text: str, span: tuple[int, int], tokens: int, room: int, count_tokens: CountTokens
) -> list[tuple[tuple[int, int], int]]:
    """A stretch without an end of a sentence, in even parts, between words where there are blanks."""
    spans, counts = [span], [tokens]
    while any(count > room and end - start > 1 for (start, end), count in zip(spans, counts, strict=True)):
        finer: list[tuple[int, int]] = []
        for (start, end), count in zip(spans, counts, strict=True):
            parts = min(end - start, count // room + 1) if count > room else 1
            finer.extend(pairwise(_even(text, start, end, parts)))
        spans, counts = finer, _count(text, finer, count_tokens)
    return [(part, count) for part, count in zip(spans, counts, strict=True) if text[slice(*part)].strip()]


def _count(text: str, spans: Sequence[tuple[int, int]], count_tokens: CountTokens) -> list[int]:
    return count_tokens([text[start:end] for start, end in spans])


def _even(text: str, start: int, end: int, parts: int) -> list[int]:
    """Where to cut, both ends included."""
    places = [start]
    for left in range(parts, 1, -1):
        at = places[-1] + max(1, (end - places[-1]) // left)
        blank = text.rfind(" ", places[-1] + 1, at)
        places.append(blank + 1 if blank > 0 else at)
    return [*places, end]
