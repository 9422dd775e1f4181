"""Names and text as the matcher compares them, with the way back to where the letters stand.

Letter case, compatibility forms, Latin accents, and which of blank, hyphen and underscore stands between two words make
no difference.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np

from vaultbot.links.characters import IntArray

#: A letter that is one with the marks behind it: é in two code points, が, ｶﾞ; and marks that have no letter.
_MARKED_LETTER = re.compile(r"[^\u0300-\u036f\u3099\u309a\uff9e\uff9f]?[\u0300-\u036f\u3099\u309a\uff9e\uff9f]+")
_ACCENT = re.compile(r"(?<=[a-z])[\u0300-\u036f]+")
_BETWEEN_WORDS = dict.fromkeys(map(ord, "-‐‑‒–—_\t\u00a0"), " ") | {ord("’"): "'", ord("‘"): "'"}
_BLANKS = re.compile(r" +")
_LONGEST_CLUSTER = 30


class _Folded(dict[int, str]):
    """What each character becomes, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold_cluster(chr(code))
        return folded


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
    pieces: list[str] = []
    widths = np.ones(len(text), np.int32)  # Of what each character becomes; of several that are one letter, the first.
    position = 0
    for letter in _MARKED_LETTER.finditer(text):
        pieces.append(_folded(text, position, letter.start(), widths))
        one = _fold_cluster(letter.group())
        widths[letter.start() : letter.end()] = 0
        widths[letter.start()] = len(one)
        pieces.append(one)
        position = letter.end()
    pieces.append(_folded(text, position, len(text), widths))
    if (widths == 1).all():
        return "".join(pieces), None
    return "".join(pieces), np.repeat(np.arange(len(text), dtype=np.int32), widths)


def _folded(text: str, start: int, end: int, widths: IntArray) -> str:
    """A stretch without marks, folded letter by letter."""
    plain = text[start:end]
    folded = plain.translate(_FOLDED)
    if len(folded) != len(plain):
        widths[start:end] = [len(_FOLDED[ord(character)]) for character in plain]
    return folded


@lru_cache(maxsize=1_000)
def case_matters(name: str) -> bool:
    """Whether a name must be written just so: AI, RAG, LaTeX no, Go."""
    letters = [c for c in name if c.isalpha()]
    cased = [c for c in letters if c.lower() != c.upper()]
    return bool(cased) and (len(letters) <= 3 or sum(c.isupper() for c in cased) >= 0.75 * len(cased))
