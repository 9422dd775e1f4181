"""Which sentences of the notes are quoted: the one or two that open an answer, or all that make one by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from vaultbot.answering.evidence import Evidence

_SECOND = 0.8  #: a second quote is shown when it is nearly as good as the first
_EXTRACTED = 0.7  #: an answer of quotes alone says more, and still nothing much worse
_MOST_EXTRACTED = 5


def opening(best: Sequence[Evidence]) -> list[Evidence]:
    """The best sentence, and the next one when it is nearly as good; `best` is in that order and not empty."""
    first, *others = best
    return [
        first,
        *(e for e in others[:1] if e.score >= _SECOND * first.score and not same_words(e.text, first.text)),
    ]


def extract(best: Sequence[Evidence]) -> list[Evidence]:
    """At most five of the best sentences in reading order: the best note first, and each from top to bottom."""
    floor = _EXTRACTED * best[0].score
    chosen: list[Evidence] = []
    for one in best:
        if len(chosen) == _MOST_EXTRACTED or one.score < floor:
            break
        if not any(same_words(one.text, other.text) for other in chosen):
            chosen.append(one)
    notes = list(dict.fromkeys(one.path for one in chosen))
    return sorted(chosen, key=lambda one: (notes.index(one.path), one.line, one.source, one.place))


def same_words(a: str, b: str) -> bool:
    """Whether one of the two texts holds the other, letter by letter."""
    return _letters(a) in _letters(b) or _letters(b) in _letters(a)


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
