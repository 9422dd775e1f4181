"""What a passage says in one place: three sentences that hold a question's words answer it sooner than a whole page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vaultbot.index.analyzer import terms
from vaultbot.index.sentences import sentence_spans

_NEIGHBOURS = 1  #: sentences on each side


def best_window(text: str, weights: Mapping[str, float]) -> float:
    """The largest share of the terms' weight that a sentence of the text and its neighbours hold, 0 to 1."""
    whole = sum(weights.values())
    if not whole:
        return 0.0
    held = [weights.keys() & terms(text[start:end]) for start, end in sentence_spans(text)]
    return max((_weight(_around(held, place), weights) for place in range(len(held))), default=0) / whole


def _around(held: Sequence[set[str]], place: int) -> set[str]:
    return set().union(*held[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS + 1])


def _weight(held: set[str], weights: Mapping[str, float]) -> float:
    return sum(weights[term] for term in held)
