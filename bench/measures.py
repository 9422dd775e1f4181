"""How good a ranking is, and how sure that is.

A note of `relevant` gains 1 and one of `partial` a half; nDCG@5 compares with the best possible order. MRR, Hit@1 and
Recall@10 look at `relevant` alone. Intervals are of 2,000 bootstrap rounds.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.questions import Question

FloatArray = npt.NDArray[np.float64]

SEEN = 10  #: notes of a ranking that are looked at
_ROUNDS = 2000
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_GAP_BETWEEN_OTHER_SCRIPTS = re.compile(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])")


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of one way, a value for every question."""

    ndcg_5: FloatArray
    mrr: FloatArray
    hit_1: FloatArray
    recall_10: FloatArray


def quality(questions: Sequence[Question], rankings: Iterable[Sequence[str]]) -> Quality:
    """Of the notes in the order in which they were found; the first place of a note counts."""
    rows = [
        _measured(question, [path for path in dict.fromkeys(paths) if path not in question.exclude][:SEEN])
        for question, paths in zip(questions, rankings, strict=True)
    ]
    return Quality(*(np.array(column, np.float64) for column in zip(*rows, strict=True)))


def _measured(question: Question, ranked: Sequence[str]) -> tuple[float, float, float, float]:
    right = set(question.relevant)
    gains = [1.0 if path in right else 0.5 if path in question.partial else 0.0 for path in ranked]
    ideal = _gained([1.0] * len(question.relevant) + [0.5] * len(question.partial))
    first = next((place for place, path in enumerate(ranked) if path in right), None)
    return (
        _gained(gains) / ideal,
        0.0 if first is None else 1 / (first + 1),
        float(first == 0),
        len(right.intersection(ranked)) / len(right),
    )


def _gained(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains[:5]))


def interval(values: FloatArray) -> tuple[float, float]:
    """Where 95 of 100 means lie when the questions are drawn anew."""
    rng = np.random.default_rng(7)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(_ROUNDS)]
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def holds_answer(text: str, answers: Iterable[str]) -> bool:
    """Whether any of the answers stands in the text, however it is written."""
    hay = _letters(text)
    for answer in answers:
        needle = _letters(answer)
        if needle and (
            re.search(rf"(?<![a-z0-9]){re.escape(needle)}(?![a-z0-9])", hay) if needle.isascii() else needle in hay
        ):
            return True
    return False


def _letters(text: str) -> str:
    """Compatibility forms and lower case, without punctuation and English articles."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join(" " if unicodedata.category(letter)[0] in "PSZC" else letter for letter in text)
    return _GAP_BETWEEN_OTHER_SCRIPTS.sub("", " ".join(_ARTICLES.sub(" ", text).split()))
