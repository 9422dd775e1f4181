"""What a passage says in one place: three sentences that hold a question's words answer it sooner than a whole page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from vaultbot.index.analyzer import terms
from vaultbot.index.sentences import sentence_spans

_NEIGHBOURS = 1  #: sentences on each side


def coverage(wanted: Iterable[str], held: Set[str], weights: Mapping[str, float]) -> float:
    """Share of the wanted terms' weight that is held; 0 when nothing is wanted."""
    total = held_weight = 0.0
    for term in wanted:
        weight = weights.get(term, 1.0)
        total += weight
        held_weight += weight if term in held else 0.0
    return held_weight / total if total else 0.0


def best_window(text: str, weights: Mapping[str, float]) -> float:
    """The largest share of the terms' weight that a sentence of the text and its neighbours hold, 0 to 1."""
    held = [weights.keys() & terms(text[start:end]) for start, end in sentence_spans(text)]
    return max((coverage(weights, _around(held, place), weights) for place in range(len(held))), default=0.0)


def _around(held: Sequence[set[str]], place: int) -> set[str]:
    return set().union(*held[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS + 1])
