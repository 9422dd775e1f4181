"""How a model is run best, told from times. The times are reckoned here, and no clock is looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pytest

from vaultbot.adapters.llama_cpp.measured import Measured
from vaultbot.adapters.llama_cpp.tuning import tune
from vaultbot.errors import ModelInvalid


@dataclass
class Machine:
    """What a token costs here, and what was asked for."""

    reading_s: float = 0.005  #: a token, on one core, in the file's order
    writing_s: float = 0.02
    repacking: float | None = None  #: so many times faster to read; None: there is no other order
    cores: int = 4
    waiting: float = 1.0  #: so many times slower when threads have to wait for each other
    bound: int = 2  #: more threads do not write faster
    small_batches: float = 1.0  #: so many times faster
    blocks: int = 24
    room: int = 4096
    loads: list[bool] = field(default_factory=list)
    open: int = 0
    spent_s: float = 0.0


class Model:
    def __init__(self, machine: Machine, repack: bool) -> None:
        machine.loads.append(repack)
        machine.open += 1
        self._machine = machine
        self.repacked = repack and machine.repacking is not None
        self.blocks = machine.blocks
        self.room = machine.room

    def time_reading(self, tokens: int, *, batch: int, threads: int, most_s: float = math.inf) -> float:
        assert tokens <= self.room
        machine = self._machine
        gain = (machine.repacking or 1) if self.repacked else 1
        gain *= machine.small_batches if batch < 256 else 1
        return self._spend(tokens * machine.reading_s / gain, threads, threads, most_s)

    def time_writing(self, tokens: int, *, threads: int, most_s: float = math.inf) -> float:
        machine = self._machine
        return self._spend(tokens * machine.writing_s, threads, min(threads, machine.bound), most_s)

    def close(self) -> None:
        self._machine.open -= 1

    def _spend(self, seconds: float, threads: int, useful: int, most_s: float) -> float:
        seconds *= (self._machine.waiting if threads > 1 else 1) / useful
        self._machine.spent_s += min(seconds, most_s)
        return math.inf if seconds > most_s else seconds


def tuned(machine: Machine, *, usually: bool = False, layers: int = 0, threads: int | None = None) -> Measured:
    model, measured = tune(
        lambda repack: Model(machine, repack),
        usually_repacked=usually,
        choice_of_order=not layers,
        layers=layers,
        cores=machine.cores,
        threads=threads,
        busy=False,
    )
    assert machine.open == 1
    assert machine.loads[-1] == measured.repack
    assert model.repacked == (measured.repack and machine.repacking is not None)
    return measured


@pytest.mark.parametrize(
    ("usually", "repacking", "repack"),
    [
        (False, 0.6, False),  # Q4_K, measured while designing
        (False, 2.2, True),
        (False, 1.05, False),  # a gain that small may be chance
        (False, None, False),
        (True, 2.2, True),  # Q4_0
        (True, 0.6, False),
        (True, None, False),
    ],
)
def test_the_order_of_the_weights_that_is_read_faster_is_taken(
    usually: bool, repacking: float | None, repack: bool
) -> None:
    assert tuned(Machine(repacking=repacking), usually=usually).repack == repack


def test_a_rival_that_does_not_fit_into_memory_is_none() -> None:
    machine = Machine(repacking=2.2)

    def load(repack: bool) -> Model:
        if repack:
            raise ModelInvalid("too large")
        return Model(machine, repack)

    _, measured = tune(load, usually_repacked=False, choice_of_order=True, layers=0, cores=4, threads=None, busy=False)

    assert not measured.repack


@pytest.mark.parametrize(
    ("machine", "reading", "writing"),
    [
        (Machine(), 4, 3),  # one core is left free where that costs nothing
        (Machine(bound=4), 4, 4),
        (Machine(waiting=25.0), 1, 1),  # others use the cores
        (Machine(cores=16, waiting=1.2), 16, 15),
        (Machine(reading_s=3.0, writing_s=20.0, waiting=25.0), 4, 3),  # too slow to try anything
        (Machine(cores=2, waiting=25.0), 1, 1),
        (Machine(cores=1), 1, 1),
    ],
)
def test_as_many_threads_are_taken_as_help(machine: Machine, reading: int, writing: int) -> None:
    measured = tuned(machine)

    assert (measured.reading_threads, measured.writing_threads) == (reading, writing)


def test_threads_that_wait_for_each_other_are_not_waited_for_long() -> None:
    quiet, crowded = Machine(cores=2), Machine(cores=2, waiting=100.0)
    tuned(quiet)
    tuned(crowded)

    assert crowded.spent_s < 4 * quiet.spent_s


def test_the_owners_threads_are_taken_as_they_are() -> None:
    measured = tuned(Machine(waiting=25.0), threads=3)

    assert (measured.reading_threads, measured.writing_threads) == (3, 3)


def test_a_smaller_batch_is_taken_where_it_is_faster() -> None:
    fast = Machine(reading_s=0.0005)

    assert tuned(fast).batch == 256
    assert tuned(replace(fast, small_batches=1.5, loads=[], open=0)).batch == 64


@pytest.mark.parametrize(("tokens_per_s", "blocks", "batch"), [(200, 30, 256), (25, 32, 128), (5, 40, 32)])
def test_batches_of_a_slow_model_are_small_for_it_must_hear_a_cancel(
    tokens_per_s: float, blocks: int, batch: int
) -> None:
    measured = tuned(Machine(reading_s=1 / tokens_per_s, cores=1, blocks=blocks))

    assert measured.batch == batch


def test_the_speed_is_that_of_the_way_that_was_taken() -> None:
    measured = tuned(Machine(repacking=2.0, reading_s=0.01, writing_s=0.02))

    assert measured.speed.reading == pytest.approx(2 * 4 / 0.01)
    assert measured.speed.writing == pytest.approx(2 / 0.02)


def test_on_a_graphics_card_the_speed_alone_is_measured() -> None:
    machine = Machine(repacking=2.2, waiting=25.0)
    measured = tuned(machine, layers=-1)

    assert machine.loads == [False]
    assert (measured.layers, measured.repack, measured.batch) == (-1, False, 256)
    assert measured.speed.reading > 0


def test_a_context_of_few_tokens_is_not_overrun() -> None:
    assert tuned(Machine(room=16)).batch == 256


@pytest.mark.parametrize("reading_s", [0.0001, 0.005, 0.05])
def test_it_takes_a_few_seconds_also_where_threads_wait_for_each_other(reading_s: float) -> None:
    machine = Machine(reading_s=reading_s, writing_s=4 * reading_s, repacking=0.6, waiting=100.0, cores=2)
    tuned(machine)

    assert machine.spent_s < (4 if reading_s < 0.01 else 15)
