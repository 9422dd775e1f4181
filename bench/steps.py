"""What each step of the ranking is worth: the same questions without it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from bench.indexed import Indexed, Way
from bench.measures import SEEN, FloatArray, Quality, holds_answer, interval, quality
from bench.peers import by_ranks
from bench.questions import Question, QuestionSet
from bench.reference import Reference
from vaultbot.errors import InvalidRequest
from vaultbot.index.vocabulary import Vocabulary
from vaultbot.retrieval.expansion import Expander, Meanings
from vaultbot.retrieval.query import Query, parse_query
from vaultbot.retrieval.ranking import Mode, Ranker, Scores, Weights
from vaultbot.retrieval.retriever import Retriever
from vaultbot.retrieval.spelling import IsWord

_WHOLE = Weights()
_ALL = "vaultbot"


@dataclass(frozen=True, slots=True)
class Step:
    """The ranking without one of its steps."""

    name: str
    weights: Weights | None = None
    mode: Mode = "hybrid"
    as_written: bool = False

    @property
    def expander(self) -> Expander | None:
        """None is the usual one."""
        return AsWritten() if self.as_written else None


class AsWritten(Expander):
    """Leaves every question as it is: nothing is respelled, bridged or spelled out."""

    def __init__(self) -> None:
        super().__init__(Vocabulary())

    def expand(
        self,
        db: sqlite3.Connection,  # noqa: ARG002
        query: Query,
        *,
        is_word: IsWord | None = None,  # noqa: ARG002
        meanings: Meanings | None = None,  # noqa: ARG002
    ) -> tuple[Query, tuple[str, ...]]:
        """The question."""
        return query, ()


_STEPS = (
    Step("without cards", replace(_WHOLE, card=False)),
    Step("card and passage by their mean alone", replace(_WHOLE, best_view=0.0)),
    Step("without pairs of words", replace(_WHOLE, pairs=0.0)),
    Step("without names", replace(_WHOLE, name=0.0)),
    Step("without headings", replace(_WHOLE, heading=0.0)),
    Step("without names and headings", replace(_WHOLE, name=0.0, heading=0.0)),
    Step("words count alike in all scripts", replace(_WHOLE, words_other_scripts=_WHOLE.words)),
    Step("questions as they were written", as_written=True),
    Step("meaning alone", mode="dense"),
    Step("words alone", mode="lexical"),
)
#: Those that choose the passages for an answer.
_CONTEXT_STEPS = (
    Step(_ALL),
    Step("without pairs of words", replace(_WHOLE, pairs=0.0)),
    Step("without the best three sentences", replace(_WHOLE, window=0.0)),
    Step("the passage alone, not its note", replace(_WHOLE, note=0.0)),
)


def without_each_step(one: QuestionSet, index: Indexed) -> dict[str, Quality]:
    """The quality of the whole, and without each step, by its name."""
    first = [list(ranking) for ranking in map(index.way(), one.questions)]
    found = {_ALL: quality(one.questions, first)}
    for step in _STEPS:
        found[step.name] = quality(one.questions, map(index.way(step.weights, step.mode, step.expander), one.questions))
    found["ranks joined (RRF60), not scores"] = quality(one.questions, map(_by_ranks(index), one.questions))
    with index.reader.snapshot():
        exact = [list(ranking) for ranking in map(_exactly(index), one.questions)]
    found["every note scored, plainly"] = quality(one.questions, exact)
    same = sum(a[:SEEN] == b[:SEEN] for a, b in zip(first, exact, strict=True))
    print(
        f"{one.name}: the plain reference finds the same ten notes in the same order for {same} of {len(first)}\n",
        flush=True,
    )
    return found


def contexts_without_each_step(
    asked: Sequence[Question], index: Indexed, context: Callable[[Retriever, Question], str]
) -> Iterator[tuple[str, FloatArray]]:
    """Whether the answer stands in the text that is handed on, for each question: by the whole, and without a step."""
    for step in _CONTEXT_STEPS:
        retriever = index.retriever(step.weights)
        held = [holds_answer(context(retriever, one), one.answers) for one in asked]
        yield step.name, np.array(held, np.float64)


def _by_ranks(index: Indexed) -> Way:
    """The ranking's own signals, meaning and words, joined by their ranks."""
    ranker = Ranker(index.reader, embedder=index.embedder)
    ranker.vectors = index.vectors
    retriever = index.retriever()

    def joined(scores: Scores) -> list[str]:
        held = set(scores.note_of.values())
        signals = {note: one for note, one in scores.signals.items() if note in held}
        paths = {note: path for note, (path, _) in index.reader.titles(list(signals)).items()}
        meaning = sorted(signals, key=lambda note: (-signals[note].meaning, paths[note]))
        words = sorted((n for n in signals if signals[n].words), key=lambda note: (-signals[note].words, paths[note]))
        return by_ranks([paths[note] for note in meaning], [paths[note] for note in words])

    def way(question: Question) -> list[str]:
        with suppress(InvalidRequest), index.reader.snapshot():
            for reading in retriever.readings(parse_query(question.query)):
                if found := joined(ranker.rank(reading.query, reading.notes)):
                    return found
        return []

    return way


def _exactly(index: Indexed) -> Way:
    reference = Reference(index.reader, index.embedder, _WHOLE)
    retriever = index.retriever()

    def way(question: Question) -> list[str]:
        with suppress(InvalidRequest), index.reader.snapshot():
            for reading in retriever.readings(parse_query(question.query)):
                limit = SEEN + len(question.exclude)
                if found := reference.rank(reading.query, reading.notes, limit=limit):
                    return found
        return []

    return way


def print_steps(found: Mapping[str, Mapping[str, Quality]]) -> None:
    """nDCG@5 of each set, and how much of it a step brings, where that is not chance."""
    sets: Sequence[str] = list(found)
    asked = [f"{name}, n = {len(ways[_ALL].ndcg_5)}" for name, ways in found.items()]
    print(f"| nDCG@5 | {' | '.join(asked)} | mean |")
    print("|---" * (len(sets) + 2) + "|")
    for step in found[sets[0]]:
        cells = [_cell(found[name][step].ndcg_5, found[name][_ALL].ndcg_5) for name in sets]
        mean = np.mean([found[name][step].ndcg_5.mean() for name in sets])
        print(f"| {step} | {' | '.join(cells)} | {mean:.3f} |")
    print("\nIn brackets: the difference to vaultbot's; * where its 95 % interval leaves out 0.")


def _cell(values: FloatArray, whole: FloatArray) -> str:
    if values is whole:
        return f"{values.mean():.3f}"
    low, high = interval(values - whole)
    sure = "" if low <= 0 <= high else "*"
    return f"{values.mean():.3f} ({(values - whole).mean():+.3f}{sure})"
