"""The text of a PDF read like a note: its pages are the sections, and a paragraph is one line."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import TypeAlias

from vaultbot.types import Heading, Note, Problem
from vaultbot.vault.reading import visible_lines
from vaultbot.vault.titles import title_of

_NO_TEXT = (
    "has no text layer, as scans have none; run text recognition on it to have it searched, for example: "
    "ocrmypdf scan.pdf searchable.pdf"
)

# Letters that fonts join for their looks, and the radicals that some programs write for whole characters.
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_RADICALS = re.compile(r"[\u2e9f\u2ef3\u2f00-\u2fd5]")
_SOFT_HYPHEN = re.compile(r"[\xad\u2010](?=[ \t]{0,3}(?:[\r\n\f]|$))")
_LINE_ENDS = re.compile(r"\r\n?|[\v\x85\u2028\u2029]")
_BULLET = re.compile(r"^[ \t]{0,200}[•‣◦▪●○■][ \t]*", re.MULTILINE)
_LEADERS = re.compile(r"(?:[.·…_][ \xa0]?){5,}")

#: So many lines on top and at the bottom of a page may be the same on others.
_EDGE = 2
_NUMBER = re.compile(r"\d+")
_Mark: TypeAlias = tuple[int, str, str]

_ITEM = re.compile(r"(?:[*–-]|\(?(?:\d{1,3}|[a-z])[.)]|\d{1,2}(?:\.\d{1,2})+\.?|\[\d{1,3}\])(?:\s|$)")
_LETTER = r"[^\W\d_]"
_COMPOUND = re.compile(rf"(?<!{_LETTER}){_LETTER}{{1,40}}+-{_LETTER}{{1,40}}+")
_CUT_WORD = re.compile(rf"({_LETTER}{{1,40}})-$")
_FIRST_WORD = re.compile(rf"{_LETTER}{{1,40}}")
_SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?=\s|$)|[。！？｡]+[」』”’）】]*")
_ENDED = re.compile(r"[.!?…:;。！？｡：；][\"'”’)\]」』）】]*$")
_LONGEST_REST = 500
_NARROWEST = 40  #: of columns, in letters


def parse_pdf(path: str, text: str) -> Note:
    """Read the text of a PDF, a form feed behind every page; never raises.

    The note's text is not the file's: every page is a blank line, on which its heading stands, and below it one line
    for each paragraph. What comes back on many pages (titles, page numbers) is left out, words cut at a line's end are
    whole, and a sentence stands on the page where it begins. There are no links: what looks like one is only words.
    """
    pages = _without_running_lines([_lines(page) for page in text.removesuffix("\f").split("\f")] if text else [])
    written: list[str] = []
    headings: list[Heading] = []
    offset = 0
    for number, paragraphs in enumerate(_paragraphs(pages), 1):
        # No reader sees these words, so they are the way to the page and no text.
        place, link = (f"Page {number}",), (f"page={number}",)
        headings.append(Heading(1, "", place, len(written) + 1, offset, offset, link))
        written += ["", *paragraphs]
        offset += sum(len(line) + 1 for line in ("", *paragraphs))
    return Note(
        path,
        title_of(path),
        "\n".join(written),
        body_start=0,
        body_line=1,
        headings=tuple(headings),
        visible=tuple(written) or ("",),
        problems=(Problem("pdf", _NO_TEXT),) if headings and not any(written) else (),
    )


def _lines(page: str) -> list[str]:
    text = _SOFT_HYPHEN.sub("-", page.translate(_LIGATURES))
    text = _LEADERS.sub(" … ", _LINE_ENDS.sub("\n", text))
    text = _RADICALS.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    text = _BULLET.sub("- ", text)  # As in notes, where it is no part of a quote.
    return [" ".join(line.split()) for line in visible_lines(text, (), ())]


# ── what comes back on every page ───────────────────────────────────────────────────────────────────────────


def _without_running_lines(pages: Sequence[list[str]]) -> list[list[str]]:
    """The pages without what a third of them have on top or at the bottom: a line of words is kept where it comes
    first, and the number of a page nowhere."""
    edges = [{at: set(_marks(number, lines[at])) for at in _edge(lines)} for number, lines in enumerate(pages)]
    counted = Counter(mark for edge in edges for mark in set().union(*edge.values()))
    least = max(3, len(pages) / 3)
    running = {mark for mark, count in counted.items() if count >= least}
    seen: set[str] = set()
    return [_left(lines, edge, running, seen) for lines, edge in zip(pages, edges, strict=True)]


def _edge(lines: Sequence[str]) -> set[int]:
    held = [at for at, line in enumerate(lines) if line]
    return {*held[:_EDGE], *held[-_EDGE:]}


def _marks(page: int, line: str) -> Iterator[_Mark]:
    """What tells a line from others: its words, or those around a number that grows with the pages."""
    yield 0, line, ""
    numbers = [found for found in _NUMBER.finditer(line) if len(found.group()) < 6]
    for found in numbers[:1] + numbers[-1:]:
        ahead, before, behind = int(found.group()) - page, line[: found.start()], line[found.end() :]
        yield ahead, before, behind + "#"
        if not before:
            yield ahead, "", "…"
        if not behind:
            yield ahead, "…", ""


def _left(lines: Sequence[str], edge: Mapping[int, set[_Mark]], running: set[_Mark], seen: set[str]) -> list[str]:
    kept: list[str] = []
    for at, line in enumerate(lines):
        marks = edge.get(at, set()) & running
        if not marks or (marks == {(0, line, "")} and line not in seen):
            kept.append(line)
        if marks:
            seen.add(line)
    # A page with nothing else keeps its words.
    return kept if any(kept) else [line for line in lines if any(map(str.isalpha, line))]


# ── whole words, paragraphs and sentences ───────────────────────────────────────────────────────────────────


def _paragraphs(pages: Sequence[Sequence[str]]) -> list[list[str]]:
    widths = sorted(_width(line) for line in chain.from_iterable(pages) if line)
    full = max(_NARROWEST, widths[len(widths) * 9 // 10] if widths else 0)
    compounds = {found.group().lower() for line in chain.from_iterable(pages) for found in _COMPOUND.finditer(line)}
    found = [list(_joined_lines(lines, full, compounds)) for lines in pages]
    for page, following in pairwise(found):
        if page and following and _width(page[-1]) > full / 2:
            _carry(page, following, compounds)
    return found


def _joined_lines(lines: Sequence[str], full: int, compounds: set[str]) -> Iterator[str]:
    """The lines of a page as paragraphs. `full` is the width of a full line, `compounds` the words with a hyphen."""
    parts: list[str] = []
    for line in lines:
        if parts and _goes_on(parts[-1], line, full):
            parts[-1] = _before(line, parts[-1], compounds)
        elif parts:
            yield "".join(parts)
            parts = []
        if line:
            parts.append(line)
    if parts:
        yield "".join(parts)


def _goes_on(line: str, following: str, full: int) -> bool:
    """Whether a line was only broken for want of room."""
    if not following or _ITEM.match(following):
        return False
    if line == "-":
        return True  # A bullet is drawn by itself.
    if line.endswith("-") and line[-2:-1].isalnum() and following[0].isalnum():
        return True
    needed = 2 if _is_wide(following[0]) else 1 + _width(following.split(" ", 1)[0])
    if _width(line) + needed > 0.85 * full:
        return True
    return following[0].islower() and _width(line) > full / 2 and not _ENDED.search(line[-4:])


def _before(following: str, line: str, compounds: set[str]) -> str:
    """The line as it stands right before `following`: without the hyphen of a cut word, or with a blank."""
    if cut := _CUT_WORD.search(line[-50:]):
        first = _FIRST_WORD.match(following)
        if first is None:
            return line
        known = f"{cut.group(1)}-{first.group()}".lower() in compounds
        whole = first.group()[0].islower() or (cut.group(1).isupper() and first.group().isupper())
        return line[:-1] if whole and not known else line
    if line.endswith("-") and line[-2:-1].isdigit() and following[0].isdigit():
        return line
    return line if _is_wide(line[-1]) and _is_wide(following[0]) else line + " "


def _carry(page: list[str], following: list[str], compounds: set[str]) -> None:
    """Give a page the rest of its last sentence from the next one: no quote should be half a sentence."""
    rest = following[0]
    begins_anew = not (rest[0].islower() or (_is_wide(rest[0]) and _is_wide(page[-1][-1])))
    if begins_anew or _ENDED.search(page[-1][-4:]):
        return
    if end := _SENTENCE_END.search(rest, 0, _LONGEST_REST):
        page[-1] = _before(rest, page[-1], compounds) + rest[: end.end()]
        left = rest[end.end() :].lstrip()
        following[:1] = [left] if left else []


def _width(line: str) -> int:
    return len(line) if line.isascii() else len(line) + sum(char > "\u2e7f" for char in line)


def _is_wide(char: str) -> bool:
    """Whether it belongs to a script without spaces."""
    return char > "\u2e7f" and not "\uac00" <= char <= "\ud7a3"
