"""How many follow-ups the rule takes for such, and whether it puts behind them what they lack.

    python -m bench.followups
    python -m bench.followups --part second

The dialogues are those of bench/dialogues.tsv: a question, the note that was cited, a follow-up, and a word that must
be in it once it stands alone. No model is asked.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vaultbot.answering.followup import joined

DIALOGUES = Path(__file__).parent / "dialogues.tsv"


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Two questions, one after the other."""

    language: str
    leans: bool  #: the second cannot be understood without the first
    before: str
    title: str  #: of the note cited
    question: str
    holds: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("first", "second"), help="the first or second of each two dialogues")
    given = parser.parse_args()
    dialogues = list(read_dialogues())
    dialogues = dialogues[0 if given.part != "second" else 1 :: 1 if given.part is None else 2]
    for language in dict.fromkeys(one.language for one in dialogues):
        of_it = [one for one in dialogues if one.language == language]
        leaning = [one for one in of_it if one.leans]
        alone = [one for one in of_it if not one.leans]
        noticed = [one for one in leaning if understood(one) != one.question]
        right = [one for one in noticed if one.holds.casefold() in understood(one).casefold()]
        left = [one for one in alone if understood(one) == one.question]
        for one in of_it:
            if one not in right and one not in left:
                print(f"  {one.before} | {one.question} → {understood(one)}")
        print(
            f"{language}: {len(noticed)} of {len(leaning)} follow-ups noticed, {len(right)} of them with what they lack"
            f"; {len(left)} of {len(alone)} others left alone"
        )


def read_dialogues() -> Iterator[Dialogue]:
    """Those of the file."""
    with DIALOGUES.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(list(file)[1:], delimiter="\t"):
            yield Dialogue(row[0], row[1] == "leans", *row[2:])


def understood(one: Dialogue) -> str:
    """The follow-up as it is searched for."""
    return joined(one.question, one.before, one.title)


if __name__ == "__main__":
    main()
