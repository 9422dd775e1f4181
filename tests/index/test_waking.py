"""What wakes the index thread."""

from __future__ import annotations

from vaultbot.index.waking import Waking


def test_what_is_told_during_a_run_is_told_to_it_and_to_the_next_one() -> None:
    waking = Waking()
    assert not waking.told_meanwhile()

    waking.wake()

    assert waking.told_meanwhile()
    assert not waking.told_meanwhile()
    assert not waking.is_awake()
    waking.run_ended()
    assert waking.is_awake()


def test_nothing_told_is_nothing_to_do() -> None:
    waking = Waking()
    waking.told_meanwhile()
    waking.run_ended()

    assert not waking.wait(0)
