"""How far the index is behind the vault, by a clock of the test's own."""

from __future__ import annotations

import pytest

from tests.fakes import Clock
from vaultbot.index.freshness import Freshness, FreshnessMeter, why_stale
from vaultbot.types import DaemonState, IndexReport


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def meter(clock: Clock) -> FreshnessMeter:
    return FreshnessMeter(clock=clock, time_of_day=lambda: 1_000_000 + clock.now)


def test_a_change_counts_from_when_it_was_noticed_until_a_look_that_began_later(
    clock: Clock, meter: FreshnessMeter
) -> None:
    meter.changed()
    clock.now += 3
    meter.changed()
    clock.now += 2
    assert (meter.now().lag_s, meter.now().changed_at) == (5.0, 1_000_103)

    meter.looked(clock.now, IndexReport(changed=1))

    assert meter.now().lag_s == 0
    assert meter.now().looked_at == 1_000_105


def test_a_change_during_a_look_may_have_come_too_late_for_it(clock: Clock, meter: FreshnessMeter) -> None:
    meter.changed()
    clock.now += 10
    began = clock.now
    clock.now += 5
    meter.changed()
    clock.now += 1

    meter.looked(began, IndexReport(changed=1))

    assert meter.now().lag_s == 6  # since the look began, and not since the change that it has seen


def test_a_look_that_failed_has_seen_nothing(clock: Clock, meter: FreshnessMeter) -> None:
    meter.changed()
    clock.now += 70
    meter.looked(clock.now, None)

    assert meter.now().lag_s == 70
    assert meter.now().looked_at is None


def test_the_last_look_with_news_is_told_besides_the_last_one(clock: Clock, meter: FreshnessMeter) -> None:
    meter.looked(clock.now, IndexReport(added=3))
    clock.now += 600
    meter.looked(clock.now, IndexReport(unchanged=3))

    assert (meter.now().indexed_at, meter.now().looked_at) == (1_000_100, 1_000_700)


def test_a_time_of_day_that_jumps_moves_no_lag(clock: Clock) -> None:
    days = iter((1_000_000.0, -5e9, 4e9))
    meter = FreshnessMeter(clock=clock, time_of_day=lambda: next(days))
    meter.changed()
    clock.now += 2
    meter.looked(clock.now - 1, IndexReport())
    meter.changed()
    clock.now += 4

    assert meter.now().lag_s == 4


@pytest.mark.parametrize(
    ("state", "fresh", "said"),
    [
        ("ready", Freshness(lag_s=5, unseen_s=100), None),
        ("ready", Freshness(lag_s=240), "a change that was noticed 4 min ago is not in the index yet"),
        ("indexing", Freshness(unseen_s=9000), None),
        ("indexing", Freshness(lag_s=240), "a change that was noticed 4 min ago is not in the index yet"),
        ("ready", Freshness(unseen_s=9000), "last looked through 2 h ago, and every 10 minutes is due"),
        ("vault-missing", Freshness(), "the vault cannot be read"),
        ("degraded", Freshness(), "the last look through the vault failed"),
        ("stopping", Freshness(lag_s=240), None),
    ],
)
def test_an_index_is_stale_when_a_change_waits_long_or_nobody_looks(
    state: DaemonState, fresh: Freshness, said: str | None
) -> None:
    told = why_stale(state, fresh, rescan_s=600)

    assert told is None if said is None else told is not None and said in told


def test_a_run_that_goes_on_may_have_caught_up(clock: Clock, meter: FreshnessMeter) -> None:
    began = clock.now
    clock.now += 100
    meter.changed()
    clock.now += 5
    meter.caught_up(began, clock.now)

    assert meter.now().lag_s == 0

    meter.changed()
    clock.now += 5
    meter.caught_up(began, clock.now - 8)
    assert meter.now().lag_s == 5
    meter.caught_up(clock.now - 1, clock.now)  # What is older may be among the notes that are still to be read.
    assert meter.now().lag_s == 5

    meter.looked(began, IndexReport(added=1))
    assert meter.now().lag_s == 5
