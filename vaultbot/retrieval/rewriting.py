"""A question in other words: what a language model said, and what becomes of it.

Nothing that it says is believed. The words are looked for besides the question's own, and count less; whether the notes
answer the question is decided by the question as it was asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from vaultbot.index.analyzer import STOP_WORDS, query_terms
from vaultbot.retrieval.query import Query, Wording

MOST_WORDINGS = 3
_LONGEST = 200  #: characters of one; who writes more did not do what was asked
_LOOKED_AT = 4000  #: characters in all
_MOST_TERMS = 60  #: that are looked for besides
_WEIGHT = 0.5  #: of a term that the question does not have, against one that it has

_CONTROL_TOKEN = re.compile(r"<[^<>]{0,40}>")
_OPERATOR = re.compile(r"(?<!\S)-?(?:tag|path|file|before|after|on)[:：]\S*", re.IGNORECASE)
_PROPERTY = re.compile(r"\[[^\[\]:：]{1,40}[:：][^\[\]]{0,80}\]")
_QUOTES = re.compile(r"[\"“”„«»「」『』＂`\[\]]")
_MARK = re.compile(r"\s*(?:[-*•–]+|\d{1,2}[.)])\s")
_LABEL = re.compile(r"\s*[^\W\d_]{1,20}(?: [^\W\d_]{1,20})?[:：]\s")


def with_wordings(query: Query, wordings: Sequence[str]) -> Query:
    """The same question, with the terms of its other wordings to look for, and their texts for the embedder."""
    has = {*query.terms, *STOP_WORDS}
    terms = dict.fromkeys(term for wording in wordings for term in query_terms(wording) if term not in has)
    more = (*query.more, Wording(tuple(terms)[:_MOST_TERMS], _WEIGHT)) if terms else query.more
    return replace(query, more=more, rewordings=tuple(wordings))


def read_wordings(said: str, question: str, *, told: str = "") -> tuple[str, ...]:
    """The wordings in what a model said: a line each, without what would be no words of a search.

    Lines that repeat the question or one another, endless ones, and those whose only new words are those that the model
    was told, are left out.
    """
    seen = {"", _letters(question)}
    asked, instructions = frozenset(query_terms(question)), frozenset(query_terms(told))
    found: list[str] = []
    for line in said[:_LOOKED_AT].splitlines():
        text = cleaned_line(line)
        new = set(query_terms(text)) - asked
        echoed = new and new <= instructions
        if len(found) < MOST_WORDINGS and len(text) <= _LONGEST and _letters(text) not in seen and not echoed:
            seen.add(_letters(text))
            found.append(text)
    return tuple(found)


def cleaned_line(line: str) -> str:
    """A line of a model without control tokens, filters, quotation marks, and what it put before its words."""
    line = "".join(character if character.isprintable() else " " for character in line)
    line = _QUOTES.sub(" ", _PROPERTY.sub(" ", _CONTROL_TOKEN.sub(" ", line)))
    line = _LABEL.sub("", _MARK.sub("", _OPERATOR.sub(" ", line), count=1), count=1)
    return " ".join(line.split()).lstrip("-–•* ")


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
