"""Unlinked mentions: words of a note that are another note's title or alias.

The matcher looks for every name at once (Aho–Corasick), takes whole words and the longest name at each place, and
leaves alone what is code, math, a link, a heading, a tag or frontmatter. Between characters of scripts without spaces
there are no word ends, so there a name of two characters or more matches anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ahocorasick_rs import AhoCorasick

from vaultbot.types import Note
from vaultbot.vault.resolver import path_key

_SHORTEST = 3
_SHORTEST_UNSPACED = 2
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S{1,2000}|\bwww\.\S{1,2000}", re.IGNORECASE)
_MARKDOWN_TARGET = re.compile(r"\]\([^()\n]{0,2000}\)")
_HTML_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,2000}>")
#: Numbers and dates are names of notes often, and mentions of them hardly ever.
_NUMERIC = re.compile(r"[\d\s./:-]+")


@dataclass(frozen=True, slots=True)
class Name:
    """What a note is called."""

    text: str
    path: str
    by: Literal["title", "alias"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A name where it stands in a note."""

    start: int
    end: int
    names: tuple[Name, ...]  #: titles before aliases; several when notes share the name


class MentionFinder:
    """Finds the names of a vault's notes in text. Build it once per state of the vault."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._names: dict[str, list[Name]] = {}
        for name in names:
            folded = _fold(name.text)
            short = _SHORTEST_UNSPACED if _UNSPACED.search(folded) else _SHORTEST
            if len(folded) >= short and not _NUMERIC.fullmatch(folded):
                self._names.setdefault(folded, []).append(name)
        self._forms = list(self._names)
        self._matcher = AhoCorasick(self._forms) if self._forms else None

    def find(self, note: Note) -> list[Mention]:
        """The mentions in a note's prose, in order, not overlapping."""
        if self._matcher is None:
            return []
        text, places = _folded_with_places(note.text)
        protected = sorted(protected_spans(note))
        candidates = []
        for form, start, end in self._matcher.find_matches_as_indexes(text, overlapping=True):
            if _whole_word(text, start, end):
                span = places[start], places[end - 1] + 1
                names = self._fitting(form, note.text[span[0] : span[1]])
                if names:
                    candidates.append(Mention(*span, names))
        return list(_longest_first(_outside(candidates, protected)))

    def _fitting(self, form: int, written: str) -> tuple[Name, ...]:
        """The names of this form. Short or mostly capital ones (AI, RAG) must be written as they are."""
        names = self._names[self._forms[form]]
        fitting = [n for n in names if not _case_matters(n.text) or unicodedata.normalize("NFKC", written) == n.text]
        return tuple(sorted(fitting, key=lambda n: (n.by != "title", len(n.path), n.path)))


def protected_spans(note: Note) -> Iterator[tuple[int, int]]:
    """Where nothing may be linked: what is not prose, what is linked already, headings, tags and block ids."""
    yield 0, note.body_start
    yield from ((mask.start, mask.end) for mask in note.masks)
    yield from ((heading.start, heading.end) for heading in note.headings)
    yield from ((tag.start, tag.end) for tag in note.tags)
    yield from ((block.start, block.end) for block in note.blocks)
    yield from ((link.start, link.end) for link in note.links)
    for pattern in (_URL, _MARKDOWN_TARGET, _HTML_TAG):
        for match in pattern.finditer(note.text, note.body_start):
            yield match.span()
    # What stands in single or double brackets may be a link that is not finished.
    for match in re.finditer(r"\[[^\[\]\n]{0,500}\]", note.text[note.body_start :]):
        yield note.body_start + match.start(), note.body_start + match.end()


def _fold(text: str) -> str:
    return path_key(unicodedata.normalize("NFKC", text)).strip()


def _folded_with_places(text: str) -> tuple[str, list[int]]:
    """The text folded character by character, and for each folded character its place in the text."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        one = character.lower() if character.isascii() else unicodedata.normalize("NFKC", character).casefold()
        folded.append(one)
        places.extend([place] * len(one))
    return "".join(folded), places


def _whole_word(text: str, start: int, end: int) -> bool:
    return _boundary(text[start - 1 : start], text[start]) and _boundary(text[end - 1], text[end : end + 1])


def _boundary(left: str, right: str) -> bool:
    if not left or not right:
        return True
    if _UNSPACED.match(left) or _UNSPACED.match(right):
        return True
    return not (_in_word(left) and _in_word(right))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.combining(character) != 0


def _case_matters(name: str) -> bool:
    letters = [c for c in name if c.isalpha() and c.isascii()]
    if not letters:
        return False
    return len(name) <= _SHORTEST or sum(c.isupper() for c in letters) >= 0.75 * len(letters)


def _outside(mentions: Iterable[Mention], protected: list[tuple[int, int]]) -> Iterator[Mention]:
    """The mentions that touch no protected span; both are walked once, in order."""
    reach = 0  # where the protected spans seen so far end
    index = 0
    for mention in sorted(mentions, key=lambda m: (m.start, -m.end)):
        while index < len(protected) and protected[index][0] <= mention.start:
            reach = max(reach, protected[index][1])
            index += 1
        ahead = index < len(protected) and protected[index][0] < mention.end
        if reach <= mention.start and not ahead:
            yield mention


def _longest_first(mentions: Iterable[Mention]) -> Iterator[Mention]:
    """Of overlapping mentions the one that starts first, and of those the longest."""
    end = 0
    for mention in mentions:
        if mention.start >= end:
            yield mention
            end = mention.end
