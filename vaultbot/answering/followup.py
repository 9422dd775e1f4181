"""A question of a conversation, made to stand alone before anything is searched for.

What it lacks is put behind it in brackets: "how many bits does it use? (Quantization)". Only words of earlier questions
and the title of the note cited last are carried over, never what a note or an answer says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vaultbot.answering.leaning import leaning_of
from vaultbot.errors import InvalidRequest
from vaultbot.index.analyzer import content_words, terms
from vaultbot.retrieval.filters import read_operators
from vaultbot.retrieval.query import local_today

_MOST_TURNS = 16  #: that are looked back
_MOST_CARRIED = 12  #: words
_LONGEST_CARRIED = 160  #: characters
_MEASURES = frozenset(
    "long much many often far big old warm hot cold deep large small high fast soon late early".split()
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said once in a conversation."""

    role: Literal["user", "assistant"]
    content: str
    cited: tuple[str, ...] = ()  #: titles of the notes that the assistant cited, the best first


def stand_alone(turns: Sequence[Turn], *, surely: bool = False) -> str:
    """The last question, with what it leans on in the questions before it; as it is when it leans on nothing.

    `surely`: it leans on the one before it, whatever its words tell.
    """
    question, title, leaned = "", "", False
    for place, turn in enumerate(turns[-_MOST_TURNS:], 1):
        if turn.role == "user":
            last = place == min(len(turns), _MOST_TURNS)
            asked, question = turn.content, joined(turn.content, question, title, surely=surely and last)
            leaned = question != asked
        elif turn.cited or not leaned:  # Where a follow-up was not answered, the talk is still of the same note.
            title = turn.cited[0] if turn.cited else ""
    return question


def joined(question: str, before: str, title: str, *, surely: bool = False) -> str:
    """The question with what it lacks: words of the question before it, and the title of the note cited there."""
    leaning = leaning_of(question) if before else None
    if leaning is None and before and surely:
        leaning = "subject"
    if leaning is None:
        return question
    asked, name = content_words(_without_filters(before)), _name(title)
    known = frozenset(term for word in name for term in terms(word))
    if leaning == "other":
        carried = [word for word in asked if not known.issuperset(terms(word))]
    elif any(known.issuperset(terms(word)) for word in asked) and _says_something(question):
        carried = name
    else:
        carried = [*(word for word in asked if word.casefold() not in _MEASURES), *name]
    lacking = _lacking(carried, question)
    return f"{question.strip()} ({' '.join(lacking)})" if lacking else question


def _says_something(question: str) -> bool:
    """Whether it says what it wants to know: "how many bits does it use", and not "how long"."""
    return any(word.casefold() not in _MEASURES for word in content_words(question))


def _name(title: str) -> list[str]:
    """The words of a title; none of what is but a date."""
    return content_words(title) if any(character.isalpha() for character in title) else []


def _lacking(carried: Sequence[str], question: str) -> list[str]:
    has = set(terms(question))
    found: list[str] = []
    for word in carried:
        own = terms(word)
        if has.issuperset(own) or len(found) == _MOST_CARRIED:
            continue
        if sum(map(len, found)) + len(word) <= _LONGEST_CARRIED:
            found.append(word)
            has.update(own)
    return found


def _without_filters(question: str) -> str:
    try:
        return read_operators(question, today=local_today()).words
    except InvalidRequest:  # It has been told when that question was asked.
        return ""
