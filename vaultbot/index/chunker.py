"""Note → chunks: one card that stands for the whole note, and passages packed along its headings.

Passages are made of whole blocks (paragraphs, lists, tables, code) and small neighbouring sections share one: measured
better than a chunk per section, where tiny sections of other notes win by accident. Only a block that is longer than a
passage is cut, between lines, then between sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vaultbot.index.sentences import sentence_spans
from vaultbot.types import Chunk, Note

CountTokens = Callable[[Sequence[str]], list[int]]

#: Changes when the same note would be cut differently; part of what the index says it was built with.
CHUNKER_VERSION = 1

_CARD_LINES = 12


@dataclass(frozen=True, slots=True)
class _Block:
    """Neighbouring lines that belong together."""

    start_line: int
    end_line: int
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class _Section:
    heading_path: tuple[str, ...]
    blocks: tuple[_Block, ...]

    @property
    def tokens(self) -> int:
        return sum(block.tokens for block in self.blocks)


def chunk_note(note: Note, *, max_tokens: int, count_tokens: CountTokens) -> list[Chunk]:
    """The card, then the passages in order. No passage is longer than `max_tokens`, context included, unless a single
    word is."""
    return [_card(note), *_passages(note, max_tokens=max_tokens, count_tokens=count_tokens)]


def estimate_tokens(texts: Sequence[str]) -> list[int]:
    """A token count without a model: four letters of an alphabet, or one character of a script without spaces."""
    return [sum(1 if ord(c) > 0x2E7F else 0 for c in text) + (len(text) + 3) // 4 for text in texts]


def _card(note: Note) -> Chunk:
    names = f"{note.title} ({', '.join(note.aliases)})" if note.aliases else note.title
    described = [str(note.properties[key]) for key in ("description", "summary") if note.properties.get(key)]
    headings = ", ".join(dict.fromkeys(heading.text for heading in note.headings if heading.text != note.title))
    heading_lines = {heading.line for heading in note.headings}
    first = [
        line.strip() for number, line in enumerate(note.visible, 1) if line.strip() and number not in heading_lines
    ][:_CARD_LINES]
    text = "\n".join(part[:2000] for part in (names, *described, headings, "\n".join(first)) if part)
    return Chunk(note.path, "card", 0, (), 1, len(note.visible) or 1, text, "")


def _passages(note: Note, *, max_tokens: int, count_tokens: CountTokens) -> Iterator[Chunk]:
    sections = _sections(note, count_tokens)
    contexts = [" > ".join((note.title, *_below_title(note, section.heading_path))) for section in sections]
    room = [max(max_tokens - tokens, max_tokens // 2) for tokens in count_tokens(contexts)]
    ordinal = 0
    packed: list[_Block] = []
    opened = 0  # the section in which the packed passage started

    def flush() -> Iterator[Chunk]:
        nonlocal ordinal, packed
        if packed:
            start, end = packed[0].start_line, packed[-1].end_line
            text = packed[0].text if len(packed) == 1 else "\n".join(note.visible[start - 1 : end])
            yield Chunk(
                note.path,
                "passage",
                ordinal,
                sections[opened].heading_path,
                start,
                end,
                text,
                contexts[opened],
            )
            ordinal += 1
            packed = []

    for index, section in enumerate(sections):
        used = sum(block.tokens for block in packed)
        if packed and used + section.tokens > room[opened]:
            yield from flush()
        for block in section.blocks:
            for piece in _fitting(block, room[index], count_tokens):
                if packed and sum(b.tokens for b in packed) + piece.tokens > room[opened]:
                    yield from flush()
                # Pieces of one line cannot be joined by their line numbers.
                if packed and packed[-1].end_line >= piece.start_line:
                    yield from flush()
                if not packed:
                    opened = index
                packed.append(piece)
    yield from flush()


def _below_title(note: Note, heading_path: tuple[str, ...]) -> tuple[str, ...]:
    return heading_path[1:] if heading_path[:1] == (note.title,) else heading_path


def _sections(note: Note, count_tokens: CountTokens) -> list[_Section]:
    """The note between its headings, in blocks of neighbouring visible lines."""
    heading_at = {heading.line: heading for heading in note.headings}
    spans: list[tuple[tuple[str, ...], list[tuple[int, int]]]] = [((), [])]
    start = 0
    for number, line in enumerate((*note.visible, ""), 1):
        heading = heading_at.get(number)
        if start and (not line.strip() or heading):
            spans[-1][1].append((start, number - 1))
            start = 0
        if heading:
            spans.append((heading.path, []))
        if not start and line.strip():
            start = number
    kept = [(path, blocks) for path, blocks in spans if blocks]
    texts = ["\n".join(note.visible[a - 1 : b]) for _, blocks in kept for a, b in blocks]
    counts = iter(zip(texts, count_tokens(texts), strict=True))
    return [_Section(path, tuple(_Block(a, b, *next(counts)) for a, b in blocks)) for path, blocks in kept]


def _fitting(block: _Block, room: int, count_tokens: CountTokens) -> Iterator[_Block]:
    """The block itself, or its lines, or the sentences of a line, each small enough."""
    if block.tokens <= room:
        yield block
        return
    lines = block.text.split("\n")
    if len(lines) == 1:
        yield from _fitting_sentences(block, room, count_tokens)
        return
    held: list[str] = []
    used = 0
    first = block.start_line
    for number, (line, tokens) in enumerate(zip(lines, count_tokens(lines), strict=True), block.start_line):
        if held and used + tokens > room:
            yield _Block(first, number - 1, "\n".join(held), used)
            held, used, first = [], 0, number
        if tokens > room:
            yield from _fitting_sentences(_Block(number, number, line, tokens), room, count_tokens)
            first = number + 1
        else:
            held.append(line)
            used += tokens
    if held:
        yield _Block(first, block.end_line, "\n".join(held), used)


def _fitting_sentences(line: _Block, room: int, count_tokens: CountTokens) -> Iterator[_Block]:
    units = [line.text[a:b] for a, b in sentence_spans(line.text)]
    pieces: list[str] = []
    for unit, tokens in zip(units, count_tokens(units), strict=True):
        if tokens <= room:
            pieces.append(unit)
        else:  # A sentence without an end: by length, and at least one character at a time.
            width = max(1, len(unit) * room // (tokens + 1))
            pieces.extend(unit[i : i + width] for i in range(0, len(unit), width))
    held = ""
    used = 0
    for piece, tokens in zip(pieces, count_tokens(pieces), strict=True):
        if held and used + tokens > room:
            yield _Block(line.start_line, line.end_line, held, used)
            held, used = "", 0
        held = f"{held} {piece}" if held else piece
        used += tokens
    if held:
        yield _Block(line.start_line, line.end_line, held, used)
