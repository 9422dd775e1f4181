"""A question, taken apart once for everything that looks at it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from vaultbot.errors import InvalidRequest
from vaultbot.index.analyzer import content_terms, latin_share, query_terms, term_pairs
from vaultbot.index.filtering import Condition, Filter
from vaultbot.retrieval.dates import find_period
from vaultbot.retrieval.filters import Options, dated, read_operators, read_options

MAX_QUESTION = 4000  #: characters

_GAP_BEFORE_STOP = re.compile(r"\s+(?=[.,;:!?、。，；：！？])")
_EMPTY_BRACKETS = re.compile(r"[(（]\s*[)）]")
_OF_THAT_DAY = re.compile(r"^(?:['’]s\b|[のにはも的])")  # "yesterday's soup", 昨日の献立
_LEFT_AT_START = " ,;:!?、。，；：！？…"


@dataclass(frozen=True, slots=True)
class Days:
    """Days that a question names in plain words."""

    words: str  #: "last week"
    dated: Condition
    relative: bool  #: seen from today


@dataclass(frozen=True, slots=True)
class Wording:
    """Other words for a question, or for a part of it."""

    terms: tuple[str, ...]
    weight: float  #: what a match of its terms counts, against one of the question's


@dataclass(frozen=True, slots=True)
class Query:
    """A question with its terms and the notes it is put to."""

    text: str  #: without its filters; "" when it has nothing else
    terms: tuple[str, ...]  #: to look up
    content: tuple[str, ...]  #: those that carry its meaning: what a source must hold to answer it
    pairs: tuple[tuple[str, str], ...]  #: terms that stand side by side in it, no stop word between
    latin_share: float  #: 0 to 1: how much of it is in Latin script
    meaning: str  #: the question as the embedder gets it
    more: tuple[Wording, ...] = ()  #: to look up besides
    rewordings: tuple[str, ...] = ()  #: whole other ways to put it, for the embedder: the best of them counts
    #: Terms of the question, and terms that say the same: a text that holds all of the latter holds the former.
    synonyms: tuple[tuple[frozenset[str], frozenset[str]], ...] = ()
    guessed: bool = False  #: a word of it was respelled, and may have been meant as it stood
    filter: Filter = field(default_factory=Filter)
    days: Days | None = None  #: a part of the filter that no operator asked for
    otherwise: Query | None = None  #: with `days`: the same question put to the notes of all days

    @property
    def is_dated(self) -> bool:
        """Whether it is put to the notes of some days."""
        return any(one.kind == "dated" and not one.negated for clause in self.filter.clauses for one in clause)

    @property
    def latin(self) -> bool:
        """Whether it is mostly in Latin script."""
        return self.latin_share >= 0.5


def local_today() -> date:
    """The day it is here."""
    return datetime.now().astimezone().date()


def parse_query(text: str, *, today: date | None = None, options: Options | None = None) -> Query:
    """Take a question apart.

    Raises InvalidRequest when it is empty, too long to be a question, or filtered by a date that is none.
    """
    today = today or local_today()
    text = " ".join(text.split())
    beside = read_options(options or Options(), today=today)
    if not text and not beside:
        raise InvalidRequest('the question is empty; ask something, like: vaultbot ask "what is quantization?"')
    if len(text) > MAX_QUESTION:
        raise InvalidRequest(
            f"the question has {len(text):,} characters; {MAX_QUESTION:,} are allowed. Ask about one thing, and let "
            "the notes hold the long text"
        )
    written = read_operators(text, today=today)
    wanted = written.filter & beside
    query = _query(_mended(written.words) if written.cut else text, wanted)
    if any(one.kind == "dated" for clause in wanted.clauses for one in clause):
        return query  # The operator says it; what else is dated is what the question is about.
    found = find_period(written.unquoted, today=today)
    if found is None:
        return query
    days = Days(written.words[found.start : found.end].strip(), dated(found.period), found.relative)
    behind = _OF_THAT_DAY.sub("", written.words[found.end :])
    rest = _query(_mended(f"{written.words[: found.start]} {behind}"), wanted)
    # "Yesterday" says nothing about a note of another day; "March 2024" may well stand in one.
    otherwise = rest if days.relative and rest.text else query
    return replace(rest, filter=wanted & Filter(((days.dated,),)), days=days, otherwise=otherwise)


def parse_question(text: str, *, today: date | None = None, options: Options | None = None) -> Query:
    """The same for a question that is to be answered. Raises InvalidRequest when it is nothing but filters, too."""
    query = parse_query(text, today=today, options=options)
    if not query.text and query.otherwise and query.days and not query.days.relative:
        query = query.otherwise  # "May 2026?" may be a word of the notes as well.
    if not query.text:
        raise InvalidRequest(
            "these are filters without a question; ask something about the notes they leave, or list those notes "
            "with: vaultbot search"
        )
    return query


def reworded(query: Query, text: str) -> Query:
    """The same question in other words."""
    return replace(_query(text, query.filter), days=query.days, otherwise=query.otherwise)


def _query(text: str, wanted: Filter) -> Query:
    return Query(
        text,
        tuple(query_terms(text)),
        tuple(content_terms(text)),
        tuple(term_pairs(text)),
        latin_share(text),
        text,
        filter=wanted,
    )


def _mended(text: str) -> str:
    """What is left of a question, as one would write it; "" when no word is left."""
    text = " ".join(_EMPTY_BRACKETS.sub(" ", text).split())
    text = _GAP_BEFORE_STOP.sub("", text).lstrip(_LEFT_AT_START)
    return text if any(character.isalnum() for character in text) else ""
