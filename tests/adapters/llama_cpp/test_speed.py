"""How fast a model is said to be."""

from __future__ import annotations

import pytest

from vaultbot.adapters.llama_cpp.speed import Speedometer
from vaultbot.protocols import Speed


def test_a_speed_is_known_when_something_was_read_and_written() -> None:
    speedometer = Speedometer()
    seen = [speedometer.speed]
    speedometer.read(200, 2.0)
    seen.append(speedometer.speed)
    speedometer.wrote(30, 3.0)

    assert seen == [None, None]
    assert speedometer.speed == Speed(reading=100, writing=10)


def test_short_prompts_and_answers_say_nothing() -> None:
    speedometer = Speedometer(Speed(100, 10))
    speedometer.read(99, 99.0)
    speedometer.wrote(15, 99.0)

    assert speedometer.speed == Speed(100, 10)


def test_a_machine_that_became_slower_is_noticed_little_by_little() -> None:
    speedometer = Speedometer(Speed(100, 10))
    seen = []
    for _ in range(20):
        speedometer.read(500, 10.0)
        assert speedometer.speed
        seen.append(speedometer.speed.reading)

    assert seen == sorted(seen, reverse=True)
    assert 70 < seen[0] < 90
    assert seen[-1] == pytest.approx(50, rel=0.01)


def test_one_prompt_read_while_the_machine_was_busy_does_not_count_for_all() -> None:
    speedometer = Speedometer(Speed(100, 10))
    speedometer.read(500, 10.0)
    for _ in range(5):
        speedometer.read(500, 5.0)

    assert speedometer.speed
    assert speedometer.speed.reading > 90
