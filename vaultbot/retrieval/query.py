"""A question, taken apart once for everything that looks at it."""

from __future__ import annotations

from dataclasses import dataclass

from vaultbot.errors import InvalidRequest
from vaultbot.index.analyzer import content_terms, latin_share, query_terms

MAX_QUESTION = 4000  #: characters

#: How much the words count against the meaning, for Latin script; an English embedder reads nothing else well.
_LEXICAL_SHARE = 0.3
_LEXICAL_SHARE_OTHER_SCRIPTS = 0.6


@dataclass(frozen=True, slots=True)
class Query:
    """A question with its terms."""

    text: str
    terms: tuple[str, ...]  #: to look up
    content: tuple[str, ...]  #: those that carry its meaning: what a source must hold to answer it
    lexical_share: float  #: 0 to 1: weight of matching words against matching meaning
    latin: bool  #: mostly in Latin script


def parse_query(text: str) -> Query:
    """Take a question apart.

    Raises InvalidRequest when it is empty, or too long to be a question.
    """
    text = " ".join(text.split())
    if not text:
        raise InvalidRequest('the question is empty; ask something, like: vaultbot ask "what is quantization?"')
    if len(text) > MAX_QUESTION:
        raise InvalidRequest(
            f"the question has {len(text):,} characters; {MAX_QUESTION:,} are allowed. Ask about one thing, and let "
            "the notes hold the long text"
        )
    latin = latin_share(text)
    return Query(
        text,
        tuple(query_terms(text)),
        tuple(content_terms(text)),
        _LEXICAL_SHARE + _LEXICAL_SHARE_OTHER_SCRIPTS * (1 - latin),
        latin >= 0.5,
    )
