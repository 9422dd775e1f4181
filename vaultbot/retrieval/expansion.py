"""A question in the vault's words: slips mended, other alphabets bridged, abbreviations and aliases spelled out.

Nothing is done to a word that the vault knows, nor to one in quotation marks: they were meant as they stand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from vaultbot.index.abbreviations import is_acronym, saying, units
from vaultbot.index.analyzer import STOP_WORDS, content_terms, fold, query_terms, tokens
from vaultbot.index.vocabulary import Vocabulary, knows, stands_in
from vaultbot.retrieval.bridge import Bridge
from vaultbot.retrieval.query import Query, Wording, reworded
from vaultbot.retrieval.spelling import SHORTEST, IsWord, alphabet, respell

_MOST_UNKNOWN = 6  #: words of a question that are looked after; a text full of them is no question
_LONGEST_ACRONYM = 4  #: capitals alone, too few to tell a slip from another acronym
_MOST_WORDS = 10  #: of a name, or characters in the scripts without spaces
_MOST_SPELLED_OUT = 3
_MOST_MEANINGS = 2  #: what may mean three things means none of them for certain
_LONGEST_MEANING = 100  #: characters
_USUAL = 5  #: passages with a word that make it a usual one
_SPELLED_OUT = 0.8  #: what other words for the same count, against those of the question

#: What else notes may say for each of these sayings, the most usual first.
Meanings: TypeAlias = Callable[[Collection[str]], Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A word of the question that the vault does not know."""

    start: int
    end: int
    written: str  #: in the vault, of the word that was meant; "" when there is none
    sure: bool  #: that it was meant
    latin: bool
    readable: bool  #: by the embedder


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _SpelledOut:
    """A name in the question with what else the notes call it."""

    start: int
    end: int
    others: tuple[str, ...]


class Expander:
    """Puts questions into the vault's words. Safe to use from several threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._bridge = Bridge(vocabulary)

    def read_words(self, db: sqlite3.Connection) -> None:
        """Read the vault's words, if that is due. To be used within a snapshot."""
        self._vocabulary.words(db)

    def expand(
        self,
        db: sqlite3.Connection,
        query: Query,
        *,
        is_word: IsWord | None = None,
        meanings: Meanings | None = None,
    ) -> tuple[Query, tuple[str, ...]]:
        """The question as it should be looked for, and what to tell the one who asks. To be used within a snapshot.

        `is_word` knows the words of a language, as an embedder does those it has in one piece.
        """
        unknown = list(self._unknown(db, query, is_word))
        text, edits = _reworded(query.text, unknown)
        names = list(_spelled_out(db, text, meanings)) if meanings else []
        if text == query.text and not edits and not names:
            return query, ()
        edits += [_Edit(name.end, name.end, f" ({', '.join(name.others)})") for name in names]
        meaning = " ".join(_edited(text, edits).split())
        expanded = reworded(query, text)
        expanded = replace(
            expanded,
            meaning=meaning,
            more=tuple(wording for name in names for wording in _wordings(name, text)),
            synonyms=tuple(pair for name in names for pair in _synonyms(name, expanded)),
            guessed=not all(one.sure for one in unknown),
        )
        return expanded, tuple(_notices(query.text, unknown, text, names))

    def _unknown(self, db: sqlite3.Connection, query: Query, is_word: IsWord | None) -> Iterator[_Unknown]:
        text = query.text
        quoted = {
            token.term
            for clause in query.filter.clauses
            for one in clause
            if one.kind == "phrase"
            for token in tokens(one.value)
        }
        left = _MOST_UNKNOWN
        for token in tokens(text):
            word = text[token.start : token.end]
            if left and token.term not in quoted and _is_looked_after(word, text) and not knows(db, token.term):
                left -= 1
                name = token.start > 0 and word[0].isupper() and not text.isupper()
                yield self._meant(db, word, token.start, is_word, name=name)

    def _meant(self, db: sqlite3.Connection, word: str, start: int, is_word: IsWord | None, *, name: bool) -> _Unknown:
        latin = alphabet(fold(word)) == "LATIN"
        meant = respell(db, self._vocabulary, word, is_word=is_word, name=name)
        if meant is None and not latin:
            meant = self._bridge.across(db, word)
        readable = latin or (is_word is not None and is_word(fold(word)))
        written, sure = (meant.written, meant.sure) if meant else ("", True)
        return _Unknown(start, start + len(word), written, sure, latin=latin, readable=readable)


def _is_looked_after(word: str, text: str) -> bool:
    folded = fold(word)
    if len(folded) < SHORTEST or folded in STOP_WORDS or not alphabet(folded):
        return False
    return len(word) > _LONGEST_ACRONYM or not word.isupper() or text.isupper()


def _reworded(text: str, unknown: Sequence[_Unknown]) -> tuple[str, list[_Edit]]:
    """The text with the words that were meant, and what to change in it for the embedder."""
    parts: list[str] = []
    edits: list[_Edit] = []
    bridged = any(one.written and not one.latin for one in unknown)
    at = length = 0
    for one in unknown:
        between, word = text[at : one.start], text[one.start : one.end]
        start = length + len(between)
        parts += [between, one.written or word]
        at, length = one.end, start + len(parts[-1])
        if one.readable and not one.latin:
            edits.append(_Edit(start, length, word))
        elif bridged and not one.readable and not one.written:
            edits.append(_Edit(start, length, ""))
    return "".join([*parts, text[at:]]), edits


def _edited(text: str, edits: Iterable[_Edit]) -> str:
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _spelled_out(db: sqlite3.Connection, text: str, meanings: Meanings) -> Iterator[_SpelledOut]:
    """What else the notes call what the question names; the longest name where several begin."""
    words = units(text)
    spans = {
        (start, end): " ".join(term for term, _, _ in words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(start + _MOST_WORDS, len(words)) + 1)
    }
    known = meanings(set(spans.values()))
    at = found = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        name = _SpelledOut(words[start][1], words[end - 1][2], tuple(_distinct(known.get(spans[start, end], ()), text)))
        if start < at or found == _MOST_SPELLED_OUT or not 1 <= len(name.others) <= _MOST_MEANINGS:
            continue
        if _is_small(text[name.start : name.end]) or _is_usual(db, text[name.start : name.end]):
            continue
        at, found = end, found + 1
        yield name


def _wordings(name: _SpelledOut, text: str) -> Iterator[Wording]:
    said = query_terms(text[name.start : name.end])
    for other in name.others:
        terms = tuple(query_terms(other))
        # However many words it has, it says no more than the name does.
        yield Wording(terms, _SPELLED_OUT * min(1.0, len(said) / len(terms)) / len(name.others))


def _distinct(others: Sequence[str], text: str) -> list[str]:
    """Those that say something the question does not say already, each in the most usual way to write it."""
    if not others:
        return []
    has = set(query_terms(text))
    said = {saying(other): other for other in reversed(others) if not has.issuperset(query_terms(other))}
    return [other for other in dict.fromkeys(reversed(said.values())) if len(other) <= _LONGEST_MEANING]


def _is_small(said: str) -> bool:
    """Whether it is rather a small word than an acronym: "who", "it". In capitals it is one."""
    return said.isascii() and not said.isupper() and (len(said) < 3 or said.lower() in STOP_WORDS)


def _synonyms(name: _SpelledOut, query: Query) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """What may count as having said the name: for an acronym, or where the question asks for nothing else.

    An alias within a question ("the project") is no proof that the note it belongs to is meant.
    """
    said = query.text[name.start : name.end]
    terms = frozenset(content_terms(said))
    whole = terms >= set(query.content)
    for other in name.others:
        if whole or is_acronym(said) or is_acronym(other):
            yield terms, frozenset(query_terms(other))


def _is_usual(db: sqlite3.Connection, said: str) -> bool:
    """Whether it is a word that many notes have, rather than a name: "project", "home"."""
    terms = query_terms(said)
    return not is_acronym(said) and len(terms) == 1 and stands_in(db, terms[0], most=_USUAL) >= _USUAL


def _notices(question: str, unknown: Iterable[_Unknown], text: str, names: Iterable[_SpelledOut]) -> Iterator[str]:
    swaps = [f"“{one.written}” instead of “{question[one.start : one.end]}”" for one in unknown if one.written]
    if swaps:
        yield f"searched for {', '.join(swaps)}"
    for name in names:
        others = " and ".join(f"“{other}”" for other in name.others)
        yield f"also searched for {others}, which your notes call “{text[name.start : name.end]}”"
