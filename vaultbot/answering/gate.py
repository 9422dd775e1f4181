"""Whether the notes answer the question at all, decided before any model is asked.

A small model never says no: measured, it refused one of eleven questions that its sources could not answer. Two signals
of retrieval tell nearly everything that seventeen do: the closest sentence in meaning, and how much of the question the
best few lines hold (docs/ask.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vaultbot.answering.evidence import Evidence
from vaultbot.retrieval.query import Query
from vaultbot.types import Match

#: Short questions need closeness in meaning too: two common words meet by accident ("capital of France").
_SHORT_QUESTION = 3
_SHORT_COSINE = 0.5
_STRONG = 0.8
#: Pairs of characters are held by a source less often than words are: measured on Chinese questions, a coverage of .38
#: there means what a strength of .51 means in English. Of Japanese ones only nouns count, and need no such help.
_UNSPACED_SCALE = 1.34
_KANA = re.compile(r"[\u3041-\u30ff]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well the notes match the question, and what follows."""

    match: Match
    strength: float  #: 0 to 1

    @property
    def refused(self) -> bool:
        """Nothing relevant was found: say so, and ask no model."""
        return self.match == "none"

    @property
    def cautious(self) -> bool:
        """Show what came closest with a warning, and ask no model."""
        return self.match == "weak"


def judge(
    query: Query, evidence: Sequence[Evidence], *, refuse_below: float, caution_below: float, few_days: bool = False
) -> Verdict:
    """The verdict on a question, from the sentences of its best passages that could be quoted.

    `few_days`: only the notes of some days were looked at, where two words hardly meet by accident.
    """
    evidence = [e for e in evidence if e.quotable]
    if not evidence:
        return Verdict("none", 0.0)
    covered = max(e.window_coverage for e in evidence)
    cosines = [e.cosine for e in evidence if e.cosine is not None]
    closest = max(cosines, default=None)
    strength = _strength(query, covered, closest)
    asked_by_name = any(e.named == 1.0 for e in evidence)
    short = len(query.content) <= _SHORT_QUESTION and not asked_by_name and not few_days
    if short and closest is not None and closest < _SHORT_COSINE:
        return Verdict("none", strength)
    match = _match(strength, refuse_below, caution_below)
    if query.guessed and match in ("good", "strong"):
        match = "weak"  # "Hypotension" may be no slip: what the notes say of another word is shown with a warning.
    return Verdict(match, strength)


def strength_of(query: Query, evidence: Evidence) -> float:
    """How well one sentence matches the question, 0 to 1, on the scale of the verdict."""
    return _strength(query, evidence.window_coverage, evidence.cosine)


def _strength(query: Query, covered: float, cosine: float | None) -> float:
    if cosine is not None:
        return 0.5 * cosine + 0.5 * covered
    return covered if query.latin or _KANA.search(query.text) else min(1.0, covered * _UNSPACED_SCALE)


def _match(strength: float, refuse_below: float, caution_below: float) -> Match:
    if strength < refuse_below:
        return "none"
    if strength < caution_below:
        return "weak"
    return "strong" if strength >= _STRONG else "good"
