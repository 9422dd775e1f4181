"""Names and text as the matcher compares them, with the way back to where the letters stand.

Letter case, compatibility forms, Latin accents, and which of blank, hyphen and underscore stands between two words make
no difference.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import numpy.typing as npt

#: Letters that are one with the mark behind them: é in two code points, が, ｶﾞ.
_MARKED = re.compile(r"[\u0300-\u036f\u3099\u309a\uff9e\uff9f]")
_CLUSTER = re.compile(r"[^\u0300-\u036f\u3099\u309a\uff9e\uff9f][\u0300-\u036f\u3099\u309a\uff9e\uff9f]*|.", re.DOTALL)
_ACCENT = re.compile(r"(?<=[a-z])[\u0300-\u036f]+")
_BETWEEN_WORDS = dict.fromkeys(map(ord, "-‐‑‒–—_\t\u00a0"), " ") | {ord("’"): "'", ord("‘"): "'"}
_BLANKS = re.compile(r" +")
_LONGEST_CLUSTER = 30

_WORD, _UNSPACED, _UPPER, _KNOWN = 1, 2, 4, 8
_UNSPACED_LETTER = re.compile(r"[\u0e00-\u0eff\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7a3]")

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


class _Folded(dict[int, str | None]):
    """What each character becomes, worked out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        folded = _fold_cluster(character)
        self[code] = None if folded == character else folded
        return self[code]


def _fold_cluster(cluster: str) -> str:
    folded = unicodedata.normalize("NFKC", cluster[:_LONGEST_CLUSTER]).casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", folded)))
    return folded.translate(_BETWEEN_WORDS)


_FOLDED = _Folded()
_ASCII = str.maketrans("-_\t", "   ")


def fold_name(name: str) -> str:
    """A name as it is looked up."""
    return _BLANKS.sub(" ", fold_text(name)[0].replace("\n", " ")).strip()


def fold_text(text: str) -> tuple[str, IntArray | None]:
    """The folded text and, for each of its characters, the place in `text`; None where all have kept their places."""
    if text.isascii():
        return text.lower().translate(_ASCII), None
    if not _MARKED.search(text):
        folded = text.translate(_FOLDED)
        if len(folded) == len(text):
            return folded, None
    pieces: list[str] = []
    places: list[int] = []
    for match in _CLUSTER.finditer(text):
        one = _fold_cluster(match.group())
        pieces.append(one)
        places.extend([match.start()] * len(one))
    return "".join(pieces), np.array(places, np.int32)


class Letters:
    """The kinds of characters, looked up for whole texts at once."""

    def __init__(self) -> None:
        self._kinds = np.zeros(0x110000, np.uint8)

    def kinds(self, text: str) -> npt.NDArray[np.uint8]:
        """A bit field for each character."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        kinds = self._kinds[codes]
        if (unknown := kinds == 0).any():
            for code in np.unique(codes[unknown]).tolist():
                self._kinds[code] = _kind(chr(code))
            kinds = self._kinds[codes]
        return kinds


def _kind(character: str) -> int:
    kind = _KNOWN
    if character.isalnum() or character == "_" or unicodedata.combining(character):
        kind |= _WORD
    if _UNSPACED_LETTER.match(character):
        kind |= _UNSPACED
    if character.isupper():
        kind |= _UPPER
    return kind


_LETTERS = Letters()


def word_edges(text: str) -> BoolArray:
    """(len + 1,) whether a word may begin or end before each character: in scripts without blanks anywhere."""
    kinds = _LETTERS.kinds(text)
    edges = np.ones(len(kinds) + 1, bool)
    word, unspaced = (kinds & _WORD) > 0, (kinds & _UNSPACED) > 0
    edges[1:-1] = ~(word[:-1] & word[1:]) | unspaced[:-1] | unspaced[1:]
    return edges


def capitals(text: str) -> BoolArray:
    """Whether each character is a capital letter."""
    return (_LETTERS.kinds(text) & _UPPER) > 0


def is_unspaced(text: str) -> bool:
    """Whether it has letters of a script that is written without blanks."""
    return not text.isascii() and _UNSPACED_LETTER.search(text) is not None


def case_matters(name: str) -> bool:
    """Whether a name must be written just so: AI, RAG, LaTeX no, Go."""
    letters = [c for c in name if c.isalpha()]
    cased = [c for c in letters if c.lower() != c.upper()]
    return bool(cased) and (len(letters) <= 3 or sum(c.isupper() for c in cased) >= 0.75 * len(cased))
