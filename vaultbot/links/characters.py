"""The kinds of a text's characters, and the words that stand beside a place: for a whole text at once."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from zlib import crc32

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
Kinds = npt.NDArray[np.uint8]  #: a bit field for each character of a text

WORD, UNSPACED, UPPER, LETTER, BLANK, EAST_ASIAN, EMPHASIS, _KNOWN = (1 << bit for bit in range(8))
"""A part of a word; of a script that is written without blanks; a capital; a letter or digit; white space that ends no
line; a letter or mark of East Asia; what stands around emphasised or quoted words.
"""

SURROUNDINGS = 1 << 14  #: numbers that stand for words
_AROUND = 24  #: characters on either side that are looked at
_UNSPACED_LETTER = re.compile(r"[\u0e00-\u0eff\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7a3]")
_EMPHASIS = frozenset('*_"“”«»‘「」『』„=')

_kinds = np.zeros(0x110000, np.uint8)


def kinds_of(text: str) -> Kinds:
    """(len,) the kinds of each character."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds: Kinds = _kinds[codes]
    if (unknown := kinds == 0).any():
        for code in np.unique(codes[unknown]).tolist():
            _kinds[code] = _kind(chr(code))
        kinds = _kinds[codes]
    return kinds


def _kind(character: str) -> int:
    letter = character.isalnum()
    return (
        _KNOWN
        | WORD * (letter or character == "_" or unicodedata.combining(character) > 0)
        | UNSPACED * (_UNSPACED_LETTER.match(character) is not None)
        | UPPER * character.isupper()
        | LETTER * letter
        | BLANK * (character.isspace() and character != "\n")
        | EAST_ASIAN * ("\u3041" <= character <= "\uff9f")
        | EMPHASIS * (character in _EMPHASIS)
    )


def word_edges(kinds: Kinds) -> BoolArray:
    """(len + 1,) whether a word may begin or end before each character: in scripts without blanks anywhere."""
    edges = np.ones(len(kinds) + 1, bool)
    word, unspaced = (kinds & WORD) > 0, (kinds & UNSPACED) > 0
    edges[1:-1] = ~(word[:-1] & word[1:]) | unspaced[:-1] | unspaced[1:]
    return edges


def is_unspaced(text: str) -> bool:
    """Whether it has letters of a script that is written without blanks."""
    return not text.isascii() and _UNSPACED_LETTER.search(text) is not None


def run_starts(members: BoolArray) -> IntArray:
    """(len,) where the run of members begins that reaches to each place; the place behind it for one that is none."""
    places = np.arange(len(members), dtype=np.int32)
    found: IntArray = np.maximum.accumulate(np.where(members, 0, places + 1))
    return found


def run_ends(members: BoolArray) -> IntArray:
    """(len,) where the run of members ends that begins at each place, or before; the place itself for one that is
    none.
    """
    places = np.arange(len(members), dtype=np.int32)
    found: IntArray = np.minimum.accumulate(np.where(members, len(members), places)[::-1])[::-1]
    return found


class Surroundings:
    """What stands beside the places of a text: the nearest word, mark or line's end, as a number below SURROUNDINGS.

    Of East Asian words the one before counts whole, of the one after its first letter. 0 is for nothing.
    """

    def __init__(self, text: str, kinds: Kinds) -> None:
        self._text = text
        self._kinds = np.append(kinds, np.uint8(_KNOWN))
        letters, blanks = (kinds & LETTER) > 0, (kinds & BLANK) > 0
        self._word_start = np.append(run_starts(letters), np.int32(len(text)))
        self._word_end = np.append(run_ends(letters), np.int32(len(text)))
        self._last = np.append(np.int32(0), run_starts(blanks)) - 1  # before each place, blanks apart; -1 for none
        self._next = np.append(run_ends(blanks), np.int32(len(text)))

    def of(self, starts: IntArray, ends: IntArray) -> IntArray:
        """(n, 2) the numbers of what stands before and after each stretch."""
        text = self._text
        last, nearest = self._last[starts], np.maximum(starts - _AROUND, 0)
        begin = np.where(self._are(last, LETTER), np.maximum(self._word_start[last], nearest), last)
        begin = np.where((last < nearest) | self._underscore(last), last + 1, begin)
        before = [_number(text[a:b]) for a, b in zip(begin.tolist(), (last + 1).tolist(), strict=True)]
        first, farthest = self._next[ends], np.minimum(ends + _AROUND, len(text))
        whole = self._are(first, LETTER) & ~self._are(first, EAST_ASIAN)
        end = np.where(whole, np.minimum(self._word_end[first], farthest), first + 1)
        end = np.where((first >= farthest) | self._underscore(first), first, end)
        after = [_number(text[a:b]) for a, b in zip(first.tolist(), end.tolist(), strict=True)]
        return np.array([before, after], np.int32).T

    def _are(self, places: IntArray, kind: int) -> BoolArray:
        found: BoolArray = (self._kinds[places] & kind) > 0
        return found

    def _underscore(self, places: IntArray) -> BoolArray:
        return self._are(places, WORD) & ~self._are(places, LETTER) & self._are(places, EMPHASIS)


@lru_cache(maxsize=20_000)
def _number(word: str) -> int:
    return crc32(word.encode("utf-8", "replace")) % SURROUNDINGS if word else 0
