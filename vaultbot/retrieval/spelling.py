"""Respelling: what a word that stands nowhere in the vault was meant to be.

The vault's words are kept as stems, and a slip near the end of a word ("quantizaton") changes its stem beyond
recognition. So every word one slip away is made and stemmed, and what the vault knows of these must stand there in that
very form. In a long word two slips are forgiven: its beginning is compared with the stems, and the whole of it with the
words that have them.
"""

from __future__ import annotations

import math
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from itertools import islice
from typing import TypeAlias

from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler

from vaultbot.index.analyzer import STOP_WORDS, fold, terms
from vaultbot.index.vocabulary import Vocabulary, written
from vaultbot.protocols import Embedder

SHORTEST = 4  #: letters of a word that may be a slip
LONGEST = 40
STOP_TERMS = frozenset(term for word in STOP_WORDS for term in terms(word))

#: How likely a slip is, against a letter dropped, doubled, or swapped with the next one.
_OTHER_LETTER = 0.1  #: one for another, or one too many: each of so many
_FIRST_LETTER = 0.3  #: people see how a word begins
_CLEAR = 1.0

_SHORTEST_WITHOUT_DICTIONARY = 7  #: for a slip that is not clear, where nobody knows the words of the language
_SHORTEST_WITH_TWO_SLIPS = 8
_SHORTEST_STEM = 5  #: to compare the beginning of a word with
_SURE = 7  #: letters of a word in which a wrong letter, not the first, leaves little doubt
_LIKE_ENOUGH = 0.88  #: Jaro–Winkler, of words two slips apart
_LOOKED_AT = 6  #: words that it may have been
_USUAL_WORDS = 20_000  #: those whose letters make up the alphabet

#: Beginnings that make another word, and pairs that make the opposite: of no two such words one is a slip.
_NEGATIONS = "a an anti contra counter de dis il im in ir mal mis non re un".split()
_OPPOSITES = [
    pair.split("/")
    for pair in """
    hypo/hyper intra/inter endo/exo endo/ecto micro/macro ante/anti ante/post pre/post pre/pro pre/per per/pro
    under/over sub/super sub/sur homo/hetero mono/poly uni/multi uni/bi bi/tri mono/di di/tri ab/ad af/ef e/im em/im
    in/ex im/ex in/un in/de in/re de/re as/des en/de iso/aniso meta/para ortho/para cis/trans pro/anti pro/con
    retro/antero infra/ultra infra/supra kilo/milli mega/micro
    """.split()
]
_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN", "HEBREW", "ARABIC"})

#: Whether a word is one of a language that is known to someone who has read a lot.
IsWord: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Respelled:
    """The word that is looked for in place of another."""

    term: str  #: "quantiz"
    written: str  #: as it stands in the vault: "quantization"
    sure: bool = True  #: False where it may well be another word that the vault does not have


def words_of(embedder: Embedder) -> IsWord | None:
    """The words that an embedder has in one piece: it has read enough to tell them from slips.

    What it cannot read at all is one piece to it too, but stays one when it is written twice. None for an embedder that
    only guesses its tokens.
    """
    if not embedder.counts_exactly:
        return None

    def is_word(word: str) -> bool:
        once, twice = embedder.count_tokens([word, word * 2])
        return once == 1 < twice

    return is_word


def alphabet(word: str) -> str:
    """The alphabet that all of the word's letters are of: "LATIN"; "" where there are several, or none."""
    names = {unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else "" for letter in word}
    name = names.pop() if len(names) == 1 else ""
    return name if name in _ALPHABETS else ""


def respell(
    db: sqlite3.Connection, vocabulary: Vocabulary, word: str, *, is_word: IsWord | None = None, name: bool = False
) -> Respelled | None:
    """The word of the vault that this one was meant to be; None when it is none of them, or no slip.

    To be asked for words that the vault does not know. Without `is_word` fewer slips are forgiven. A `name` (a capital
    within a question) is taken for a slip only where that is clear, or where the vault writes a capital too.
    """
    folded = fold(word)
    if not SHORTEST <= len(folded) <= LONGEST or not alphabet(folded) or (is_word and is_word(folded)):
        return None
    counts = vocabulary.words(db).counts
    found = _one_slip(db, counts, folded, is_word, name=name)
    if found is None and is_word and len(folded) >= _SHORTEST_WITH_TWO_SLIPS:
        found = _two_slips(db, counts, folded, name=name)
    return found


def _one_slip(
    db: sqlite3.Connection, counts: Mapping[str, int], word: str, is_word: IsWord | None, *, name: bool
) -> Respelled | None:
    slips: dict[str, float] = {}
    for meant, likelihood in _one_slip_away(word, _letters(counts, alphabet(word))):
        slips[meant] = max(likelihood, slips.get(meant, 0.0))
    known: dict[str, list[str]] = {}
    for meant in slips:
        for term in terms(meant):
            if term in counts and term not in STOP_TERMS:
                known.setdefault(term, []).append(meant)

    def score(term: str, meant: str) -> float:
        return slips[meant] * math.sqrt(counts[term])

    best, highest = None, 0.0
    for term in nlargest(_LOOKED_AT, known, lambda term: max(score(term, meant) for meant in known[term])):
        forms = usual_forms(written(db, term))
        for meant in known[term]:
            form = forms.get(meant) or (meant if is_word and is_word(meant) else None)
            if form is None or score(term, meant) <= highest:
                continue
            if _are_opposites(word, meant):
                continue
            if slips[meant] >= _CLEAR or _may_be_unclear(word, form, is_word, name=name):
                sure = slips[meant] >= _CLEAR or (len(word) >= _SURE and word[0] == meant[0])
                best, highest = Respelled(term, form, sure), score(term, meant)
    return best


def _may_be_unclear(word: str, form: str, is_word: IsWord | None, *, name: bool) -> bool:
    shortest = SHORTEST + 1 if is_word else _SHORTEST_WITHOUT_DICTIONARY
    return len(word) >= shortest and not (name and form.islower())


def _are_opposites(word: str, other: str) -> bool:
    """Whether their beginnings alone tell them apart: "hypotension", "hypertension"; "typical", "atypical"."""
    for one, another in ((word, other), (other, word)):
        if any(one == prefix + another for prefix in _NEGATIONS):
            return True
        for a, b in _OPPOSITES:
            if one.startswith(a) and another.startswith(b) and one[len(a) :] == another[len(b) :]:
                return True
    return False


def _one_slip_away(word: str, letters: str) -> Iterator[tuple[str, float]]:
    """What may have been meant by the word, if one slip was made, and how likely that slip is."""
    for i, letter in enumerate(word):
        first = 1.0 if i else _FIRST_LETTER
        before, after = word[:i], word[i + 1 :]
        yield before + after, _CLEAR if before.endswith(letter) else first * _OTHER_LETTER
        if after and after[0] != letter:
            yield before + after[0] + letter + after[1:], first
        for other in letters:
            if other != letter:
                yield before + other + after, first * _OTHER_LETTER
            yield before + other + letter + after, first
    yield from ((word + other, _CLEAR) for other in letters)


def _letters(counts: Mapping[str, int], script: str) -> str:
    """The letters of an alphabet that the vault's words have."""
    held = set().union(*islice(counts, _USUAL_WORDS))
    return "".join(letter for letter in sorted(held) if alphabet(letter) == script)


def _two_slips(db: sqlite3.Connection, counts: Mapping[str, int], word: str, *, name: bool) -> Respelled | None:
    best, fewest = None, 3
    distances = _beginnings(counts, word)
    for term in nsmallest(_LOOKED_AT, distances, lambda term: distances[term]):
        for folded, form in usual_forms(written(db, term)).items():
            slips = OSA.distance(word, folded, score_cutoff=2)
            if slips >= fewest or (name and form.islower()) or _are_opposites(word, folded):
                continue
            if JaroWinkler.similarity(word, folded) >= _LIKE_ENOUGH:
                best, fewest = Respelled(term, form, sure=False), slips
    return best


def _beginnings(counts: Mapping[str, int], word: str) -> dict[str, float]:
    """The stems that the word may begin with, by slips and by letters left over, two of which count like a slip."""
    by_length: dict[int, list[str]] = {}
    for term in counts:
        if term[0] == word[0] and _SHORTEST_STEM <= len(term) <= len(word) + 2 and term not in STOP_TERMS:
            by_length.setdefault(len(term), []).append(term)
    distances: dict[str, float] = {}
    for length, stems in by_length.items():
        for cut in (length - 1, length, length + 1):
            left = max(0, len(word) - cut) / 2
            for term, slips, _ in process.extract(word[:cut], stems, scorer=OSA.distance, score_cutoff=2, limit=None):
                distances[term] = min(slips + left, distances.get(term, slips + left))
    return distances


def usual_forms(forms: Counter[str]) -> dict[str, str]:
    """Each folded word with the way it is mostly written."""
    usual: dict[str, str] = {}
    for form, _ in forms.most_common():
        usual.setdefault(fold(form), form)
    return usual
