"""The runner: numbers, seeds, going on, and the report; with a campaign of one line."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.campaigns import __main__ as runner
from tests.campaigns import report
from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import KILLED, in_a_fork
from tests.campaigns.report import write_report
from tests.campaigns.results import Results

SEVENTH = "it was the seventh"


def coins(*, bad: frozenset[int] = frozenset(), trials: int = 1000) -> Campaign:
    """A campaign of coins that are thrown, and of which some are bad."""

    @contextmanager
    def start(_: Path) -> Iterator[Try]:
        def attempt(number: int, rng: random.Random) -> Outcome | None:
            if number >= trials:
                return None
            if number == 13:
                raise RuntimeError("no coin")
            wrong = (SEVENTH,) if number in bad else ()
            return Outcome(rng.choice(("heads", "tails")), wrong, {"coins": 1}, {"height": float(number)})

        yield attempt

    return Campaign("G-1", "Coins\n\nProves: little.\n", whole=trials, sample=2, start=start)


def run(campaign: Campaign, results: Results, **asked: object) -> int:
    usual = {"first": 0, "count": None, "seconds": None, "seed": 1, "sample": False, "again": False}
    return runner._run(campaign, results, runner.Asked(**{**usual, **asked}))  # type: ignore[arg-type]


def test_a_run_that_was_interrupted_goes_on_and_tries_again_what_went_wrong(tmp_path: Path) -> None:
    results = Results(tmp_path)

    assert run(coins(bad=frozenset({7})), results, count=10) == 1
    assert run(coins(), results, count=12) == 0

    ran = [line.number for line in results._all("G-1")]
    assert ran == [*range(10), 7, 10, 11]
    assert [line.number for line in results.lines("G-1")] == list(range(12))


def test_a_trial_has_the_same_chances_whenever_it_is_run(tmp_path: Path) -> None:
    whole, alone, other = (Results(tmp_path / name) for name in ("whole", "alone", "other"))
    run(coins(), whole, count=10)
    run(coins(), alone, first=5, count=1)
    run(coins(), other, count=10, seed=2)

    assert alone.lines("G-1")[0].what == whole.lines("G-1")[5].what
    assert [line.what for line in other.lines("G-1")] != [line.what for line in whole.lines("G-1")]


def test_a_trial_that_breaks_off_went_wrong_and_ends_nothing(tmp_path: Path) -> None:
    results = Results(tmp_path)

    assert run(coins(trials=20), results, count=1000) == 1
    assert len(results.lines("G-1")) == 20
    assert "RuntimeError: no coin" in results.lines("G-1")[13].wrong[0]


def test_a_line_that_was_half_written_is_passed_over(tmp_path: Path) -> None:
    results = Results(tmp_path)
    run(coins(), results, count=2)
    file = tmp_path / "G-1.jsonl"
    file.write_text(file.read_text(encoding="utf-8") + '{"campaign": "G-', encoding="utf-8")

    assert len(results.lines("G-1")) == 2
    run(coins(), results, count=4)
    assert [line.number for line in results.lines("G-1")] == [0, 1, 2, 3]


def test_no_trial_begins_after_the_time_is_over(tmp_path: Path) -> None:
    results = Results(tmp_path)
    run(coins(), results, seconds=-1.0)

    assert results.lines("G-1") == []


def test_the_report_tells_counts_seeds_failures_and_what_so_many_trials_can_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = Results(tmp_path)
    monkeypatch.setattr(report, "load", lambda _: coins())
    run(coins(), results, count=12)
    write_report(results, tmp_path / "report.md")
    few = (tmp_path / "report.md").read_text(encoding="utf-8")
    run(coins(), results, first=100, count=300)
    write_report(results, tmp_path / "report.md")
    many = (tmp_path / "report.md").read_text(encoding="utf-8")
    run(coins(bad=frozenset({7})), results, first=7, count=1, again=True)
    write_report(results, tmp_path / "report.md")
    bad = (tmp_path / "report.md").read_text(encoding="utf-8")

    assert "| G-1 | Coins | 12 | 0 |" in few
    assert "rule of three" not in few
    assert "| height | 5.5 | 11 | 0 | 11 |" in few
    assert "fewer than 0.96% of trials" in many
    assert "- 312 coins" in many
    assert SEVENTH in bad
    assert "rule of three" not in bad


def test_work_in_a_fork_tells_what_it_returned_what_it_raised_and_how_it_died() -> None:
    def fails() -> None:
        raise ValueError("not today")

    def hangs() -> None:
        while True:
            pass

    assert in_a_fork(lambda: 3).result() == 3
    assert "ValueError: not today" in in_a_fork(fails).failure
    assert in_a_fork(hangs, kill_after_s=0.01).exit == KILLED
    assert "did not end within" in in_a_fork(hangs, limit_s=0.05).failure
