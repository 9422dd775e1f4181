"""Sentences: where they end in English, Japanese, Chinese and their mixtures.

A line is the largest unit: list items, table rows and headings end at the end of their line.
"""

from __future__ import annotations

import re

# A run of full stops is tried once, from its start: a line of leaders would take quadratic time otherwise.
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?=\s)|[。！？｡]+[」』”’）】｣]*")
_NEXT = re.compile(r"\s*(\S?)")
#: What a full stop belongs to when it does not end a sentence.
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof sr jr st rep sen gov gen col capt lt sgt rev hon pres nos vol vols p pp fig figs eq eqs
    ch ed eds al vs cf ca approx dept univ jan feb apr jun jul aug sep sept oct nov e.g i.e u.s u.k ph.d
    b.c a.d viz resp op cit ibid
    """.split()
)
#: These may end a sentence too, being ordinary words or last ones; what follows decides.
_CLOSING_ABBREVIATIONS = frozenset("etc inc ltd co corp a.m p.m no sec min max est mar dec mon wed fri sat sun".split())
#: What a list item starts with is not part of what it says.
_BULLET = re.compile(r"\s{0,200}(?:(?:[-*+]|\d{1,9}[.)])\s+(?:\[[^\]]\]\s+)?)?")
_LAST_WORD = re.compile(r"([^\W\d_](?:[^\W\d_]|\.(?=[^\W\d_]))*|\d+)$")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of every sentence of the text, without the blanks around it."""
    spans: list[tuple[int, int]] = []
    offset = 0
    for line in text.split("\n"):
        spans.extend(_in_line(text, offset, offset + len(line)))
        offset += len(line) + 1
    return spans


def sentences(text: str) -> list[str]:
    """The sentences of the text."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _in_line(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start = _BULLET.match(text, start, end).end()  # type: ignore[union-attr]  # it may match nothing
    for match in _END.finditer(text, start, end):
        if not _ends_here(text, start, match, end):
            continue
        _append(found, text, start, match.end())
        start = match.end()
    _append(found, text, start, end)
    return found


def _ends_here(text: str, start: int, match: re.Match[str], end: int) -> bool:
    if match.group()[0] != "." or match.group().startswith(".."):
        return True
    word = _LAST_WORD.search(text, max(start, match.start() - 40), match.start())
    if word is None:
        return True
    last = word.group().lower()
    following = _NEXT.match(text, match.end(), end).group(1)  # type: ignore[union-attr]  # it may match nothing
    if len(last) == 1 and word.group().isupper() and following.isupper():
        return False  # An initial: "J. Barton".
    if last in _CLOSING_ABBREVIATIONS:
        return following.isupper()
    return last not in _ABBREVIATIONS


def _append(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        found.append((start, end))
