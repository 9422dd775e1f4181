"""Does a source support a sentence? Decided by us, never by the model that wrote it.

A sentence passes when one single sentence of the notes holds everything it adds to the question, in nearly the same
order and near together, with its names, numbers and negations, and means nearly the same. Many a supported sentence
fails that, and is not missed: the quote that it came from is shown. docs/ask.md has the figures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from vaultbot.answering.evidence import Evidence, Weigher
from vaultbot.index.analyzer import STOP_WORDS, Token, content_terms, fold, terms, tokens
from vaultbot.retrieval.query import Query
from vaultbot.retrieval.windows import coverage

_CLOSE = 0.6
_IN_ORDER = 0.85  #: share of a sentence's words that must stand in the source in the same order
_TOGETHER = 0.5  #: and how densely they must stand there

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<![\w“\"(])[^\W\d_a-z][\w'’.-]*\w", re.UNICODE)
_LAST_WORD = re.compile(r"([^\W\d_]+)\W*$")
_GAP = re.compile(r"\b(?:the|an?)\s+(?:is|are|was|were|has|have|of|and)\b", re.IGNORECASE)
#: Without them a sentence says more than its source.
_HEDGE = re.compile(
    r"\b(?:around|approximately|roughly|nearly|almost|typical|typically|usually|often|may|might|probably|perhaps|possibly)\b"
    "|[約约]|およそ|ほぼ|おそらく|たぶん|かもしれ|ふつう|たいてい|大约|大約|左右|可能|也许|也許|或许|或許|通常|一般"
)
_PASSIVE = re.compile(r"\b(?:is|are|was|were|be|been|being)\s+(?:(?:not|also|often|\w+ly)\s+)?\Z", re.IGNORECASE)
_DONE = re.compile(r"(?:ed|[^n]n|nt|ght)$", re.IGNORECASE)
_LINKING = "and|also|the|an?|is|was|are|were|has|have|had|be|been|of|to|in|by|at|on|for|from|with|under|its|their"
_SMALL = rf"(?:(?:{_LINKING})\b\s*)*"
#: In brackets, between dashes, or between commas, with small words around.
_ASIDE = re.compile(
    rf"[\s\"'’”]*{_SMALL}(?:\([^()]*\)[\s,]*|[–—][^–—]*[–—]\s*|\s-\s[^-]*\s-\s*|[,;:][^;:]*[,;:]\s*){_SMALL}[\"'‘“]?",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:](?=\s)|[、，；：]")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nor|cannot|without|neither)\b|n['’]t\b|ない|ません|なかった|ず(?:に|、)|不|没|沒|無|无|未"
)


def supporting(
    sentence: str,
    query: Query,
    evidence: Sequence[Evidence],
    *,
    weigher: Weigher,
    best: int | None,
    skipping: bool = True,
) -> Evidence | None:
    """The sentence of the notes that supports this one, or None.

    With `best`, only the so many best sentences for the question may: what is supported may still be beside the point,
    and a small model copies wrong sentences. Without `skipping` nothing but asides may be left out in the middle.
    """
    said = content_terms(sentence)
    news = frozenset(said).difference(query.content)
    if not news:
        return None
    candidates = sorted((e for e in evidence if e.quotable), key=lambda e: -e.score)[:best]
    if not candidates:
        return None
    weights = weigher.weights(said)
    cosines = (
        weigher.cosines(sentence, [e.text for e in candidates], query=False)
        if query.latin
        else [None] * len(candidates)
    )
    ranked = sorted(
        zip(candidates, cosines, strict=True),
        key=lambda pair: -(coverage(said, pair[0].terms, weights) + (pair[1] or 0.0)),
    )
    source, cosine = ranked[0]
    passes = (
        news <= source.terms
        and _near(said, query, source)
        and _follows(sentence, source.text)
        and not _turns_round(sentence, source.text)
        and (skipping or _skips_only_asides(sentence, source.text))
        and (cosine is None or cosine >= _CLOSE)
        and _facts(sentence) <= _all_facts(source.text)
        and _negated(sentence) == _negated(source.text)
        and _hedges(_clauses_of(source.text, said)) <= _hedges(sentence)
        and not _stutters(sentence, source.text)
        and not _breaks_off(sentence)
    )
    return source if passes else None


def _near(said: Sequence[str], query: Query, source: Evidence) -> bool:
    """Whether all words stand in the source, its neighbours or its headings: a question may take for granted what the
    notes do not say, and a model repeats it."""
    around = source.window_terms | source.context_terms
    around = around.union(*(known for known, means in query.synonyms if means <= around))
    return frozenset(said) <= source.terms | around


def _facts(sentence: str) -> set[str]:
    """The names and numbers of a sentence, folded; the word it starts with is no name for being capitalised."""
    return {fold(m) for m in _NUMBER.findall(sentence)} | {
        part for name in _NAME.findall(sentence) for part in terms(name)
    }


def _all_facts(source: str) -> set[str]:
    return {fold(m) for m in _NUMBER.findall(source)} | set(terms(source))


def _follows(sentence: str, source: str) -> bool:
    """Whether the sentence says what the source says in the source's order, without taking its ends together.

    Words alone do not show who did what to whom: a small model swaps the names of a long sentence.
    """
    said, written = _words(sentence), _words(source)
    places = _common(said, written)
    if len(places) < _IN_ORDER * len(said):
        return False
    return len(places) >= _TOGETHER * (places[-1] - places[0] + 1)


def _turns_round(sentence: str, source: str) -> bool:
    """Whether the source has something done to somebody who in the sentence does it: "was offered", "offered"."""
    said, written = _placed(sentence), _placed(source)
    suffered = {token.term for token in written if _PASSIVE.search(source, max(0, token.start - 30), token.start)}
    return any(
        token.term in suffered and not _PASSIVE.search(sentence, max(0, token.start - 30), token.start)
        for token in said
        if _DONE.search(sentence[token.start : token.end])
    )


def _skips_only_asides(sentence: str, source: str) -> bool:
    """Whether all words stand in the source in this order, with nothing but asides between them.

    What the smallest models leave out in the middle is often what it is said of: "phycobilins come in all colors, and
    phycoerytherin makes algae red" becomes "phycobilins make algae red".
    """
    said, written = _placed(sentence), _placed(source)
    places = _common([token.term for token in said], [token.term for token in written])
    if len(places) < len(said):
        return False
    return all(
        _ASIDE.fullmatch(source[written[here].end : written[there].start])
        for here, there in pairwise(places)
        if there - here > 1
    )


def _placed(text: str) -> list[Token]:
    return [token for token in tokens(text) if token.term not in STOP_WORDS]


def _words(text: str) -> list[str]:
    return [term for term in terms(text) if term not in STOP_WORDS]


def _common(said: Sequence[str], written: Sequence[str]) -> list[int]:
    """The places in `written` of the longest common subsequence."""
    longest = [[0] * (len(written) + 1) for _ in range(len(said) + 1)]
    for i in reversed(range(len(said))):
        for j in reversed(range(len(written))):
            longest[i][j] = (
                longest[i + 1][j + 1] + 1 if said[i] == written[j] else max(longest[i + 1][j], longest[i][j + 1])
            )
    places: list[int] = []
    i = j = 0
    while i < len(said) and j < len(written):
        if said[i] == written[j]:
            places.append(j)
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return places


def _negated(text: str) -> bool:
    return _NEGATION.search(text.casefold()) is not None


def _clauses_of(source: str, said: Sequence[str]) -> str:
    """The clauses of a source that a sentence takes something from."""
    wanted = set(said)
    return " ".join(clause for clause in _CLAUSE.split(source) if wanted.intersection(terms(clause)))


def _hedges(text: str) -> set[str]:
    return set(_HEDGE.findall(text.casefold()))


def _stutters(sentence: str, source: str) -> bool:
    """Whether three terms in a row come twice in the sentence and not in the source."""
    return bool(_repeated(terms(sentence)) - _repeated(terms(source)))


def _breaks_off(sentence: str) -> bool:
    """Whether a word is missing: "The most notable saint is.", "The is the oldest book."."""
    last = _LAST_WORD.search(sentence)
    return (last is not None and fold(last.group(1)) in STOP_WORDS) or _GAP.search(sentence) is not None


def _repeated(words: list[str]) -> set[tuple[str, ...]]:
    seen: set[tuple[str, ...]] = set()
    twice: set[tuple[str, ...]] = set()
    for triple in zip(words, words[1:], words[2:], strict=False):
        (twice if triple in seen else seen).add(triple)
    return twice
