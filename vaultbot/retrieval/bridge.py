"""The bridge: a word in another alphabet that sounds like one of the vault's, "формулы" like "formula".

International words are spelled by ear in every alphabet. Both sides are brought into Latin letters and to one spelling
for each sound, and compared by the trigrams they share. A word that stands in names is found more readily than one that
only stands in the text: the more words there are, the more of them sound alike by chance.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

from anyascii import anyascii
from rapidfuzz import process
from rapidfuzz.distance import Indel

from vaultbot.index.analyzer import fold, terms
from vaultbot.index.vocabulary import Vocabulary, Words, written
from vaultbot.retrieval.spelling import LONGEST, SHORTEST, STOP_TERMS, Respelled, alphabet

#: How much trigrams must have in common, as Dice's coefficient: 1 when all of them.
_LIKE_A_NAME = 0.55
_LIKE_A_WORD = 0.75
_NAME_FIRST = 0.3  #: what a word in names is ahead of another
_SHORTEST_SHARE = 0.5  #: of the word's sounds that a stem must have to be compared with it
_WORTH_COMPARING = 0.5  #: share of letters in the same order

#: One spelling for each sound, to be put right in this order: English has several where other alphabets have one.
_SOUNDS = [
    pair.split(">")
    for pair in """
    '> shch>s sch>s sh>s zh>j dj>j kh>h gch>nch ch>h ph>f th>t ck>k qu>kb x>ks w>b v>b ts>s tz>s ce>se ci>si cy>si
    c>k q>k z>s tio>sio tia>sia y>i ou>u oo>u ae>e oe>e
    """.split()
]
_ENGLISH_VOWELS = (("ай", "и"), ("ей", "е"))  #: as Cyrillic spells them: "файл", "интерфейс"
_DOUBLE = re.compile(r"([a-z])\1")


@dataclass(frozen=True, slots=True)
class _Sounds:
    """How the vault's words in Latin script sound, in the same order."""

    of: Words
    terms: list[str]
    sounds: list[str]


class Bridge:
    """Leads from words in other alphabets to the vault's words in Latin script. Safe to use from several threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._sounds = _Sounds(Words(), [], [])

    def across(self, db: sqlite3.Connection, word: str) -> Respelled | None:
        """The word of the vault that sounds most like this one; None when none does.

        To be asked for words in another alphabet than Latin that the vault does not know.
        """
        folded = fold(word)
        if not SHORTEST <= len(folded) <= LONGEST or alphabet(folded) in ("", "LATIN"):
            return None
        [stem] = terms(folded)
        term = self._nearest(self._sounds_of(self._vocabulary.words(db)), _heard(stem))
        return Respelled(term, _best_form(db, term, _heard(folded))) if term else None

    def _nearest(self, known: _Sounds, sound: str) -> str | None:
        wanted = _trigrams(sound)
        best, highest = None, 0.0
        for other, _, place in process.extract(
            sound, known.sounds, scorer=Indel.normalized_similarity, score_cutoff=_WORTH_COMPARING, limit=None
        ):
            if len(other) < max(SHORTEST, _SHORTEST_SHARE * len(sound)):
                continue
            term, likeness = known.terms[place], _dice(wanted, _trigrams(other))
            named = term in known.of.named
            score = likeness + (_NAME_FIRST if named else 0.0)
            # Likes come in order of likeness by letters, then of frequency.
            if likeness >= (_LIKE_A_NAME if named else _LIKE_A_WORD) and score > highest:
                best, highest = term, score
        return best

    def _sounds_of(self, words: Words) -> _Sounds:
        known = self._sounds
        if known.of is not words:
            latin = [term for term in words.counts if term.isascii() and term not in STOP_TERMS]
            known = self._sounds = _Sounds(words, latin, _sound("\n".join(latin)).split("\n") if latin else [])
        return known


def _best_form(db: sqlite3.Connection, term: str, sound: str) -> str:
    """The way the term is written that sounds most like it; of those that hardly differ, the usual one."""
    forms = written(db, term)
    most = max(forms.values(), default=1)
    return max(
        forms,
        key=lambda form: Indel.normalized_similarity(sound, _sound(fold(form))) + 0.05 * forms[form] / most,
        default=term,
    )


def _heard(word: str) -> str:
    for letters, vowel in _ENGLISH_VOWELS:
        word = word.replace(letters, vowel)
    return _sound(word)


def _sound(text: str) -> str:
    text = anyascii(text).lower()
    for letters, sound in _SOUNDS:
        text = text.replace(letters, sound)
    return _DOUBLE.sub(r"\1", text)


def _trigrams(sound: str) -> set[str]:
    padded = "^" + sound
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


def _dice(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
