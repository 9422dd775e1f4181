"""Respelling: what a word that stands nowhere in the vault was meant to be.

The vault's words are kept as stems, and a slip near the end of a word ("quantizaton") changes its stem beyond
recognition. So every word one slip away is made and stemmed, and what the vault knows of these must stand there in that
very form. In a long word two slips are forgiven: its beginning is compared with the stems, and the whole of it with the
words that have them.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from itertools import islice

from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler

from vaultbot.index.analyzer import STOP_WORDS, fold, terms
from vaultbot.index.vocabulary import Vocabulary, written

_SHORTEST = 4
_LONGEST = 40
_SHORTEST_WITH_TWO_SLIPS = 8
_LIKE_ENOUGH = 0.88  #: Jaro–Winkler, of words two slips apart
_LOOKED_AT = 6  #: of the words that it may have been

#: How likely a slip is, against a letter dropped, doubled, or swapped with the next one.
_OTHER_LETTER = 0.1  #: one for another, or one too many: each of so many
_FIRST_LETTER = 0.3  #: people see how a word begins
_CLEAR = 1.0

_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN", "HEBREW", "ARABIC"})
_STOP_TERMS = frozenset(term for word in STOP_WORDS for term in terms(word))
_USUAL_WORDS = 20_000  #: those whose letters are an alphabet's


@dataclass(frozen=True, slots=True)
class Respelled:
    """The word that is looked for in place of another."""

    term: str  #: "quantiz"
    written: str  #: as it stands in the vault: "quantization"


def alphabet(word: str) -> str:
    """The alphabet that all of the word's letters are of: "LATIN"; "" where there are several, or none."""
    names = {unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else "" for letter in word}
    name = names.pop() if len(names) == 1 else ""
    return name if name in _ALPHABETS else ""


def respell(
    db: sqlite3.Connection,
    vocabulary: Vocabulary,
    word: str,
    *,
    is_word: Callable[[str], bool] | None = None,
    name: bool = False,
) -> Respelled | None:
    """The word of the vault that this one was meant to be; None when it is none of them, or no slip.

    To be asked for words that the vault does not know. `is_word` knows the words of the language; without it fewer
    slips are forgiven. A `name` (a capital within a question) is taken for a slip only where that is clear, or where
    the vault has a name.
    """
    folded = fold(word)
    script = alphabet(folded)
    if not script or not _SHORTEST <= len(folded) <= _LONGEST or (is_word and is_word(folded)):
        return None
    counts = vocabulary.counts(db)
    found = _one_slip(db, counts, folded, script, is_word, name=name)
    if found is None and is_word and len(folded) >= _SHORTEST_WITH_TWO_SLIPS:
        found = _two_slips(db, counts, folded, name=name)
    return found


def _one_slip(
    db: sqlite3.Connection,
    counts: Mapping[str, int],
    word: str,
    script: str,
    is_word: Callable[[str], bool] | None,
    *,
    name: bool,
) -> Respelled | None:
    likelihoods: dict[str, float] = {}
    for meant, likelihood in _meant(word, _letters(counts, script)):
        likelihoods[meant] = max(likelihood, likelihoods.get(meant, 0.0))
    known: dict[str, list[str]] = {}
    for meant in likelihoods:
        for term in terms(meant):
            if term in counts and term not in _STOP_TERMS:
                known.setdefault(term, []).append(meant)
    best, best_score = None, 0.0
    for term in nlargest(_LOOKED_AT, known, lambda term: max(map(likelihoods.get, known[term])) * counts[term] ** 0.5):
        forms = _by_folded(written(db, term))
        for meant in known[term]:
            form = forms.get(meant) or (meant if is_word and is_word(meant) else None)
            score = likelihoods[meant] * counts[term] ** 0.5
            if form is None or score <= best_score or not _forgiven(word, form, likelihoods[meant], is_word, name):
                continue
            best, best_score = Respelled(term, form), score
    return best


def _forgiven(word: str, form: str, likelihood: float, is_word: Callable[[str], bool] | None, name: bool) -> bool:
    if likelihood >= _CLEAR:
        return True
    if len(word) == _SHORTEST or (name and form.islower()):
        return False
    return is_word is not None or len(word) >= 7


def _meant(word: str, letters: str) -> Iterator[tuple[str, float]]:
    """Every word that is typed like this with one slip, and how likely that slip is."""
    for i, letter in enumerate(word):
        first = 1.0 if i else _FIRST_LETTER
        before, after = word[:i], word[i + 1 :]
        doubled = i > 0 and word[i - 1] == letter
        yield before + after, _CLEAR if doubled else first * _OTHER_LETTER
        if after and after[0] != letter:
            yield before + after[0] + letter + after[1:], first
        for other in letters:
            if other != letter:
                yield before + other + after, first * _OTHER_LETTER
            yield before + other + letter + after, first
    yield from ((word + other, 1.0) for other in letters)


def _letters(counts: Mapping[str, int], script: str) -> str:
    """The letters of an alphabet that the vault's words have."""
    held = Counter("".join(islice(counts, _USUAL_WORDS)))
    return "".join(letter for letter in held if alphabet(letter) == script)


def _two_slips(db: sqlite3.Connection, counts: Mapping[str, int], word: str, *, name: bool) -> Respelled | None:
    by_length: dict[int, list[str]] = {}
    for term in counts:
        if term[0] == word[0] and term not in _STOP_TERMS:
            by_length.setdefault(len(term), []).append(term)
    distances: dict[str, float] = {}
    for length, stems in by_length.items():
        if not 5 <= length <= len(word) + 2:
            continue
        for cut in (length - 1, length, length + 1):
            # What is left behind the stem should be an ending.
            left = max(0, len(word) - cut) / 2
            for term, distance, _ in process.extract(
                word[:cut], stems, scorer=OSA.distance, score_cutoff=2, limit=None
            ):
                distances[term] = min(distance + left, distances.get(term, 99.0))
    best, fewest = None, 3
    for term in nsmallest(_LOOKED_AT, distances, distances.__getitem__):
        for folded, form in _by_folded(written(db, term)).items():
            slips = OSA.distance(word, folded, score_cutoff=2)
            if slips >= fewest or (name and form.islower()):
                continue
            if JaroWinkler.similarity(word, folded) >= _LIKE_ENOUGH:
                best, fewest = Respelled(term, form), slips
    return best


def _by_folded(forms: Counter[str]) -> dict[str, str]:
    """Each word with the way it is mostly written."""
    usual: dict[str, str] = {}
    for form, _ in forms.most_common():
        usual.setdefault(fold(form), form)
    return usual
