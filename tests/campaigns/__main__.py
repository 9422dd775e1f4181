"""Run campaigns: the promises of docs/reliability.md, put to the test again and again.

    python -m tests.campaigns                             all of them, whole: many hours
    python -m tests.campaigns --only G-2 --count 100      a hundred trials of one
    python -m tests.campaigns --only G-13 --seconds 3600  as many as fit into an hour
    python -m tests.campaigns --only G-2 --first 17 --count 1 --again   one trial once more

Every trial is a line of JSON in the folder of results. A run that was interrupted goes on where it was; trials that
went wrong are run again. In the end the report is written. Exits with 1 when a trial went wrong.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.campaigns import ALL, load
from tests.campaigns.campaign import Campaign, Outcome, Try, numbered
from tests.campaigns.report import write_report
from tests.campaigns.results import Line, Results

_LINE_EVERY_S = 30.0  # where there is no terminal to draw a bar on


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    first: int
    count: int | None
    seconds: float | None
    seed: int
    sample: bool
    again: bool


def main() -> None:
    given = _arguments()
    logging.disable(logging.CRITICAL)
    results = Results(given.results)
    asked = Asked(given.first, given.count, given.seconds, given.seed, given.sample, given.again)
    wanted = [load(name) for name in given.only or [name for name in ALL if not given.sample or load(name).sample]]
    try:
        wrong = sum(_run(campaign, results, asked) for campaign in wanted)
    finally:
        write_report(results, given.results / "report.md")
        print(f"the report: {given.results / 'report.md'}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=ALL, metavar="G-N", help=f"of {', '.join(ALL)}")
    parser.add_argument("--count", type=int, help="trials of each (default: those of a whole run)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial (default 0)")
    parser.add_argument("--seconds", type=float, help="begin no trial later than so long after a campaign's start")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", action="store_true", help="the few trials that make test runs")
    parser.add_argument("--again", action="store_true", help="also run trials whose results are there")
    parser.add_argument("--results", type=Path, default=Path("build/campaigns"), help="default: build/campaigns")
    return parser.parse_args()


def _run(campaign: Campaign, results: Results, asked: Asked) -> int:
    """Run what is left of a campaign; how many trials went wrong."""
    count = asked.count or (campaign.sample if asked.sample else campaign.whole)
    done = set() if asked.again else results.well(campaign.id, asked.seed)
    left = list(numbered(asked.first, count, done))
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    wrong, told, began = 0, time.monotonic(), time.monotonic()
    with (
        TemporaryDirectory(prefix=f"vaultbot-{campaign.id}-") as folder,
        Progress(*columns, console=console, auto_refresh=False) as progress,
    ):
        bar = progress.add_task(f"{campaign.id} {campaign.title}", total=count, completed=count - len(left))
        if not left:
            return 0
        with campaign.start(Path(folder).resolve()) as attempt:
            for number in left:
                if asked.seconds is not None and time.monotonic() - began > asked.seconds:
                    break
                line = _tried(campaign, attempt, number, asked.seed)
                if line is None:
                    break
                results.add(line)
                if line.wrong:
                    wrong += 1
                    console.print(f"{campaign.id} trial {number}: {line.what}", *line.wrong, sep="\n  ", markup=False)
                progress.advance(bar)
                progress.refresh()
                if not console.is_terminal and time.monotonic() - told > _LINE_EVERY_S:
                    told = time.monotonic()
                    print(f"{campaign.id}: {number + 1} of {asked.first + count}, {wrong} wrong", file=sys.stderr)
    return wrong


def _tried(campaign: Campaign, attempt: Try, number: int, seed: int) -> Line | None:
    began = time.monotonic()
    try:
        outcome = attempt(number, campaign.chance(seed, number))
    except Exception:
        outcome = Outcome("broke off", (traceback.format_exc(limit=-6),))
    if outcome is None:
        return None
    return Line.of(campaign.id, number, seed, outcome, took_s=time.monotonic() - began)


if __name__ == "__main__":
    main()
