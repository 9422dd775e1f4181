"""A note as the matcher reads it: its links shown as their words, and every name that stands in it with its place.

A link that is not there any more leaves its words behind. So with the links shown as words, one reading serves for the
note as it is and for the note with some of its links hidden, which is how the ranking learns.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntFlag

import numpy as np

from vaultbot.links.characters import (
    BLANK,
    EMPHASIS,
    LETTER,
    UPPER,
    WORD,
    BoolArray,
    IntArray,
    Surroundings,
    kinds_of,
    run_starts,
    word_edges,
)
from vaultbot.links.folding import fold_name, fold_text
from vaultbot.links.names import Names
from vaultbot.types import Link, Note

_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S{1,2000}|\bwww\.\S{1,2000}", re.IGNORECASE)
_MARKDOWN_TARGET = re.compile(r"\]\([^()\n]{0,2000}\)")
_HTML_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,2000}>")
_BRACKETED = re.compile(r"\[[^\[\]\n]{0,500}\]")
_TEMPLATE = re.compile(r"\{\{[^{}\n]{0,500}\}\}|<%.{0,2000}?%>", re.DOTALL)
_FIELD_KEY = re.compile(r"^[ \t>*+-]*([^\n:\[\]]{1,80})::", re.MULTILINE)
_ITEM = re.compile(r"[ \t>]*(?:[-*+]|\d{1,4}[.)])(?:[ \t]+\[.\])?[ \t]+")
#: Right before it, they make a link an embed or plain words.
_SPOILS_A_LINK = re.compile(r"(?<=[!\\])\S")

NOWHERE = -1
_KEPT = 3  #: places of one form


class Stands(IntFlag):
    """Where words stand, as far as it tells whether they would be a link."""

    IN_HEADING = 1
    IN_ITEM = 2
    OPENS_ITEM = 4  #: the first words of a list item
    WHOLE = 8  #: all that its line or cell says
    IN_TABLE = 16
    IN_QUOTE = 32
    EMPHASISED = 64
    CAPITAL = 128  #: with a capital letter that no sentence begins with
    ALL_CAPITALS = 256
    OPENS_SENTENCE = 512
    PROTECTED = 1024  #: where nothing may be linked
    IN_LONGER_NAME = 2048  #: another word with a capital letter stands before or behind


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands in one note. Places count in its text with the links shown as words."""

    note: int  #: number of the note
    text: str
    length: int
    folder: str
    matches: IntArray  #: (m, 12): form, start, end, Stands, link at the start and at the end, block, line, how often,
    #: the words before and after (numbers below SURROUNDINGS), how many capitals
    #: (k, 8): number of the note it leads to, form of its words, start, end, block, 1 in the text, the words around
    links: IntArray
    blocks: IntArray  #: (b,) lines of each block: list, paragraph or table
    places: tuple[tuple[int, int], ...]  #: (place here, place in the file) of each stretch between links

    def lines_of(self, places: IntArray) -> IntArray:
        """The number of each place's line, from 1."""
        breaks = [match.start() for match in re.finditer("\n", self.text)]
        return np.searchsorted(np.array(breaks, np.int32), places, side="left").astype(np.int32) + 1

    def in_file(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch that touches no link stands in the file."""
        at = bisect_right(self.places, (start, len(self.text) * 4)) - 1
        shift = self.places[at][1] - self.places[at][0]
        return start + shift, end + shift


class Reader:
    """Reads notes for a set of names. `lead` says which note a link leads to: its number, or -1."""

    def __init__(self, names: Names, lead: Callable[[str, Link], int]) -> None:
        self._names = names
        self._lead = lead

    def read(self, number: int, note: Note) -> Reading:
        flat = Flat(note)
        folded, places = fold_text(flat.text)
        found = self._names.find(folded)
        kinds = kinds_of(folded)
        edges = word_edges(kinds)
        found = found[edges[found[:, 1]] & edges[found[:, 2]]] if len(found) else found
        if places is not None and len(found):
            # A letter may be several characters, its marks behind it: the stretch ends where the next one begins.
            beyond = np.append(places, len(flat.text))
            found[:, 2] = beyond[np.searchsorted(places, places[found[:, 2] - 1], side="right")]
            found[:, 1] = places[found[:, 1]]
        lines = Lines(flat.text)
        if places is not None:
            folded = lower if len(lower := flat.text.lower()) == len(flat.text) else flat.text
            kinds = kinds_of(folded)
        around = Surroundings(folded, kinds)
        matches = self._placed(found, flat, around, lines, note)
        links = self._links(number, note, flat, around, lines)
        return Reading(
            number, flat.text, len(flat.text), note.folder, matches, links, lines.block_sizes(), tuple(flat.places)
        )

    def _placed(self, found: IntArray, flat: Flat, around: Surroundings, lines: Lines, note: Note) -> IntArray:
        """The matches with all that is said of their places."""
        if not len(found):
            return np.zeros((0, 12), np.int32)
        form, start, end = found.T
        text = flat.text
        before = np.concatenate(([0], np.cumsum(flat.closed(note))))
        protected = before[end] > before[start]
        stands = np.where(protected, int(Stands.PROTECTED), 0)
        headings = np.zeros(len(text) + 1, bool)
        for heading in note.headings:
            a, b = flat.of(heading.start), flat.of(heading.end)
            headings[a:b] = True
        stands |= np.where(headings[start], int(Stands.IN_HEADING), 0)
        upper = np.append(flat.upper, False)
        sums = np.concatenate(([0], np.cumsum(upper)))
        line = lines.of(start)
        first = lines.first[line]
        opens = start <= first + 2
        sentence = opens | flat.ends_sentence[start]
        stands |= np.where(upper[start] & ~sentence, int(Stands.CAPITAL), 0)
        stands |= np.where(
            (sums[end] - sums[start] >= 2) & (sums[end] - sums[start] >= 0.6 * (end - start)),
            int(Stands.ALL_CAPITALS),
            0,
        )
        stands |= np.where(sentence, int(Stands.OPENS_SENTENCE), 0)
        stands |= np.where(lines.item[line], int(Stands.IN_ITEM), 0)
        stands |= np.where(lines.item[line] & opens, int(Stands.OPENS_ITEM), 0)
        stands |= np.where(lines.table[line], int(Stands.IN_TABLE), 0)
        stands |= np.where(lines.quote[line], int(Stands.IN_QUOTE), 0)
        words = np.concatenate(([0], np.cumsum(flat.wordy)))
        whole = words[end] - words[start] == words[lines.last[line]] - words[lines.first[line]]
        stands |= np.where(whole, int(Stands.WHOLE), 0)
        marked = flat.emphasis[np.maximum(start - 1, 0)] & (start > 0) & flat.emphasis[np.minimum(end, len(text) - 1)]
        stands |= np.where(marked, int(Stands.EMPHASISED), 0)
        # "Style Settings" is no mention of Settings.
        last = np.concatenate((upper[1:], [False]))[end]  # the letter behind the blank that follows
        blank = np.concatenate((flat.blank, [True]))
        before_word = flat.opens_upper[np.maximum(start - 1, 0)] & blank[np.maximum(start - 1, 0)] & (start > 0)
        longer = upper[start] & ((last & blank[end]) | before_word)
        stands |= np.where(longer, int(Stands.IN_LONGER_NAME), 0)
        links = flat.link_at
        once, later = np.ones(len(form), np.int32), np.zeros(len(form), np.int32)
        high = 2 * np.minimum(sums[end] - sums[start], 20) + upper[start]
        columns = [form, start, end, stands, links[start], links[end - 1], lines.block[line], line, once]
        matches = np.stack([*columns, later, later, high], axis=1).astype(np.int32)
        matches = _first_of_each(self._written_right(matches, text))
        matches[:, 9:11] = around.of(matches[:, 1], matches[:, 2])
        return matches

    def _written_right(self, matches: IntArray, text: str) -> IntArray:
        """Without those whose letter case is wrong for every note they could mean."""
        names = self._names
        suspects = np.flatnonzero(names.any_cased[matches[:, 0]])
        if not len(suspects):
            return matches
        keep = np.ones(len(matches), bool)
        for row in suspects.tolist():
            form, start, end = matches[row, :3].tolist()
            written = text[start:end]
            a, b = names.pointers[form], names.pointers[form + 1]
            keep[row] = any(written_so(written, names.cased[entry]) for entry in range(a, b))
        return matches[keep]

    def _links(self, number: int, note: Note, flat: Flat, around: Surroundings, lines: Lines) -> IntArray:
        rows = []
        for link, start, end in flat.shown:
            target = self._lead(note.path, link)
            words = flat.text[start:end] if start >= 0 else ""
            form = self._names.numbers.get(fold_name(words), NOWHERE) if words else NOWHERE
            body = start >= 0 and not link.embed and not link.in_comment and any(map(str.isalpha, words))
            block = int(lines.block[lines.of(np.array([start]))[0]]) if start >= 0 else NOWHERE
            rows.append((target, form, start, end, block, int(body and target not in (NOWHERE, number)), 0, 0))
        links = np.array(rows, np.int32).reshape(-1, 8)
        shown = links[:, 2] >= 0
        links[shown, 6:8] = around.of(links[shown, 2], links[shown, 3])
        return links


def _first_of_each(matches: IntArray) -> IntArray:
    """All that touches links; of the rest the first few of each form and way to write it, counted.

    Those that may not be linked are kept only where there are no others.
    """
    matches = matches[np.lexsort((matches[:, 1], matches[:, 11], matches[:, 0]))]
    plain = (matches[:, 4] < 0) & (matches[:, 5] < 0)
    protected = (matches[:, 3] & int(Stands.PROTECTED)) > 0
    free, shut = matches[plain & ~protected], matches[plain & protected]
    shut = shut[~np.isin(shut[:, 0], free[:, 0])]
    kept = [matches[~plain]]
    for rows in (free, shut):
        counts = np.bincount(rows[:, 0], minlength=1)
        keys = rows[:, 0].astype(np.int64) * 64 + rows[:, 11]
        first = np.searchsorted(keys, keys)
        rows[:, 8] = counts[rows[:, 0]]
        kept.append(rows[np.arange(len(rows)) - first < _KEPT])
    return np.concatenate(kept)


def written_so(written: str, name: str | None) -> bool:
    """Whether letter case is as the name's; None is a name for which it makes no difference."""
    return name is None or written == name


def visible_words(link: Link) -> str:
    """What a reader sees of a link."""
    if link.display and link.display.strip():
        return link.display.strip()
    name = link.linkpath.strip().rpartition("/")[2]
    name = name[:-3] if name.lower().endswith(".md") else name
    below = [part.strip() for part in link.subpath.split("#") if part.strip()]
    return " > ".join([name, *below]) if below and not link.subpath.startswith("#^") else name


class Flat:
    """A note's text with the links shown as words, and the way back."""

    def __init__(self, note: Note) -> None:
        pieces: list[str] = []
        self.places: list[tuple[int, int]] = [(0, 0)]
        self.shown: list[tuple[Link, int, int]] = []  #: link, start, end; -1 for one that is not in the text
        position = length = 0
        for link in note.links:
            if link.kind == "property" or link.start < max(position, note.body_start):
                self.shown.append((link, NOWHERE, NOWHERE))
                continue
            plain = note.text[position : link.start]
            words = visible_words(link) if not link.embed else ""
            pieces += [plain, words]
            start = length + len(plain)
            length = start + len(words)
            self.shown.append((link, start, length) if words else (link, NOWHERE, NOWHERE))
            self.places.append((length, link.end))
            position = link.end
        pieces.append(note.text[position:])
        self.text = "".join(pieces)
        size = len(self.text)
        self.link_at = np.full(size + 1, NOWHERE, np.int32)
        for number, (_, start, end) in enumerate(self.shown):
            if start >= 0:
                self.link_at[start:end] = number
        kinds = kinds_of(self.text)
        self.upper: BoolArray = (kinds & UPPER) > 0
        self.emphasis = np.append((kinds & EMPHASIS) > 0, False)
        self.ends_sentence = np.zeros(size + 1, bool)
        for match in re.finditer(r"[.!?。！？:：]['\"”’)*_]*\s+[\"“(*_]*|[。！？]", self.text):
            self.ends_sentence[match.end()] = True
        self.blank: BoolArray = (kinds & BLANK) > 0
        in_word: BoolArray = (kinds & WORD) > 0
        first = np.minimum(run_starts(in_word), size - 1)  # letter of the word
        self.opens_upper = np.zeros(size + 1, bool)  #: of the blank behind a word that begins with a capital
        self.opens_upper[1:size] = self.blank[1:] & (in_word & self.upper[first])[:-1]
        self.wordy: BoolArray = (kinds & LETTER) > 0
        for match in _ITEM.finditer(self.text):
            self.wordy[match.start() : match.end()] = False

    def of(self, place: int) -> int:
        """Where a place of the file, outside of links, is here."""
        at = bisect_right(self.places, place, key=lambda one: one[1]) - 1
        beyond = self.places[at + 1][0] if at + 1 < len(self.places) else len(self.text)
        return min(self.places[at][0] + place - self.places[at][1], beyond)

    def closed(self, note: Note) -> BoolArray:
        """Where nothing may be linked, links apart."""
        closed = np.zeros(len(self.text), bool)
        for start, end in protected_spans(note):
            a, b = self.of(start), self.of(end)
            closed[a:b] = True
        for match in _SPOILS_A_LINK.finditer(self.text):
            closed[match.start()] = True
        return closed


class Lines:
    """The lines of a text: what they are, and the blocks that they make."""

    def __init__(self, text: str) -> None:
        starts, firsts, lasts, items, quotes, tables, blocks = [], [], [], [], [], [], []
        position, block, before = 0, -1, ""
        for line in text.split("\n"):
            marker = _ITEM.match(line)
            kind = "item" if marker else "table" if line.lstrip().startswith("|") else "text" if line.strip() else ""
            # Indented lines go on with their item, and blank lines between items make no other list.
            if kind == "text" and before == "item" and line[:1] in " \t":
                kind = "item"
            if kind and (kind != before):
                block += 1
            starts.append(position)
            firsts.append(position + (marker.end() if marker else len(line) - len(line.lstrip())))
            lasts.append(position + len(line))
            items.append(marker is not None)
            quotes.append(line.lstrip().startswith(">"))
            tables.append(kind == "table")
            blocks.append(max(block, 0))
            if kind:
                before = kind
            elif before != "item":
                before = ""
            position += len(line) + 1
        self.starts = np.array(starts, np.int32)
        self.first = np.array(firsts, np.int32)
        self.last = np.array(lasts, np.int32)
        self.item = np.array(items, bool)
        self.quote = np.array(quotes, bool)
        self.table = np.array(tables, bool)
        self.block = np.array(blocks, np.int32)
        self._full = self.last > self.first

    def of(self, places: IntArray) -> IntArray:
        """The number of each place's line, from 0."""
        found: IntArray = (np.searchsorted(self.starts, places, side="right") - 1).astype(np.int32)
        return found

    def block_sizes(self) -> IntArray:
        """How many lines with words each block has."""
        return np.bincount(self.block[self._full], minlength=int(self.block.max()) + 1).astype(np.int32)


def protected_spans(note: Note) -> Iterator[tuple[int, int]]:
    """Where nothing may be linked, besides in links: what is not prose, headings, tags, block ids, addresses."""
    yield 0, note.body_start
    yield from ((mask.start, mask.end) for mask in note.masks)
    yield from ((heading.start, heading.end) for heading in note.headings)
    yield from ((tag.start, tag.end) for tag in note.tags)
    yield from ((block.start, block.end) for block in note.blocks)
    links = {link.start: link.end for link in note.links}
    for pattern in (_URL, _MARKDOWN_TARGET, _HTML_TAG, _TEMPLATE):
        for match in pattern.finditer(note.text, note.body_start):
            yield match.span()
    for match in _FIELD_KEY.finditer(note.text, note.body_start):
        yield match.span(1)
    # What stands in single brackets may be a link that is not finished, or a footnote's label.
    for match in _BRACKETED.finditer(note.text, note.body_start):
        if match.start() not in links and match.start() - 1 not in links:
            yield match.span()
