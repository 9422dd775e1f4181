"""Finds out how a model is run best on this machine: a short measurement at its first load.

Which order of the weights is read faster differs between processors and kinds of weights, and how many threads
help differs between machines. What is usual is kept unless something else is faster by a tenth: times are noisy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from vaultbot.adapters.llama_cpp.measured import Measured
from vaultbot.errors import ModelInvalid
from vaultbot.models.memory import BATCH
from vaultbot.protocols import Speed

_BEARABLE_S = 1.0  # a model that needs longer for so little is run as usual
_FAR = 2  # times as long as the best way takes
_GAIN = 0.9  # of the time that the usual way takes
_FEW = 8  # tokens
_SECONDS = 0.2  # that reading may take in a comparison, about
_LONGER = 4  # times as many tokens are read for the speed that is told
_ANSWER = 4  # tokens to write in a comparison
_BATCHES = (64, 128)  # besides the usual one
#: One step of a computation cannot be cancelled: at the largest it is about a third of a layer.
_LARGEST_STEP = 0.3
_CANCEL_S = 0.05


class Timed(Protocol):
    """A loaded model that can be timed."""

    @property
    def repacked(self) -> bool:
        """Whether its weights are in another order than in the file."""

    @property
    def blocks(self) -> int:
        """How many layers it has."""

    @property
    def room(self) -> int:
        """Tokens that it can hold."""

    def time_reading(self, tokens: int, *, batch: int, threads: int, most_s: float = math.inf) -> float:
        """Seconds to read so many tokens; infinite when it was broken off after `most_s`."""

    def time_writing(self, tokens: int, *, threads: int, most_s: float = math.inf) -> float:
        """Seconds to write so many tokens, one after the other; infinite when it was broken off after `most_s`."""

    def close(self) -> None:
        """Free its memory."""


Model = TypeVar("Model", bound=Timed)


def tune(
    load: Callable[[bool], Model],
    *,
    usually_repacked: bool,
    choice_of_order: bool,
    layers: int,
    cores: int,
    threads: int | None,
    busy: bool,
) -> tuple[Model, Measured]:
    """The model as it is run best, and how that is. `load` takes whether the weights are to be repacked.

    With `layers` on a graphics card nothing is chosen; `threads` are the owner's wish.
    """
    if choice_of_order:
        model, repack = _in_better_order(load, usually_repacked)
    else:
        model, repack = load(usually_repacked), usually_repacked
    fewer, half = max(1, cores - 1), max(1, cores // 2)
    readers, writers, batch = threads or cores, threads or fewer, BATCH
    tokens = _bearable(model, writers)

    if not layers and not threads:
        readers = _best(
            lambda on, most_s: model.time_reading(tokens, batch=BATCH, threads=on, most_s=most_s),
            cores,
            {1, half, fewer},
        )
    if not layers and tokens == BATCH:
        batch = _best(
            lambda size, most_s: model.time_reading(tokens, batch=size, threads=readers, most_s=most_s), BATCH, _BATCHES
        )
    more = min(tokens * _LONGER, BATCH, model.room // 2)
    read_s = model.time_reading(more, batch=batch, threads=readers)
    if not layers and not threads:
        writers = _best(
            lambda on, most_s: model.time_writing(_ANSWER, threads=on, most_s=most_s), fewer, {1, half, cores}
        )
    speed = Speed(reading=more / read_s, writing=_ANSWER / model.time_writing(_ANSWER, threads=writers))
    if not layers:
        batch = _cancellable(batch, speed.reading, model.blocks)
    return model, Measured(layers, repack, readers, writers, batch, busy, speed)


def _in_better_order(load: Callable[[bool], Model], usual: bool) -> tuple[Model, bool]:
    """The order that is read faster on one core. The usual one is loaded last, for most often it is kept."""
    try:
        rival = load(not usual)
    except ModelInvalid:
        return load(usual), usual
    if not (usual or rival.repacked):  # Not every processor has another order for these weights.
        rival.close()
        return load(usual), usual
    tokens = _bearable(rival, 1)
    rival_s = min(rival.time_reading(tokens, batch=BATCH, threads=1) for _ in range(2))
    rival.close()
    model = load(usual)
    model.time_reading(_FEW, batch=BATCH, threads=1)
    usual_s = min(model.time_reading(tokens, batch=BATCH, threads=1) for _ in range(2))
    if rival_s >= usual_s * _GAIN and model.repacked == usual:
        return model, usual
    model.close()
    return load(not usual), not usual


def _bearable(model: Timed, threads: int) -> int:
    """How many tokens are read in a bearable time, from `_FEW` to `BATCH`."""
    model.time_reading(_FEW, batch=BATCH, threads=threads)  # The weights come from the disk.
    seconds, tokens = model.time_reading(_FEW, batch=BATCH, threads=threads), _FEW
    while tokens < BATCH and tokens * 2 <= model.room // 2 and tokens * 2 * seconds / _FEW <= _SECONDS:
        tokens *= 2
    return tokens


def _best(seconds: Callable[[int, float], float], usual: int, others: Iterable[int]) -> int:
    """The usual one, unless another is faster by a tenth. `seconds` are told for a way, and infinite above a limit.

    Each is tried twice, for whatever disturbs makes it longer. What is far behind is broken off: where other programs
    use the processor, threads that wait for each other can be twenty times as slow as one.
    """
    took = dict.fromkeys([usual, *sorted({*others} - {usual})], math.inf)
    for way in [*took, *took]:
        took[way] = min(took[way], seconds(way, min(_BEARABLE_S, _FAR * min(took.values()))))
    best = min(took, key=lambda way: took[way])
    return usual if took[usual] * _GAIN <= took[best] else best


def _cancellable(batch: int, tokens_per_s: float, blocks: int) -> int:
    """A batch none of whose steps keeps a cancel waiting for long."""
    while batch > _FEW and batch / tokens_per_s / max(1, blocks) * _LARGEST_STEP > _CANCEL_S:
        batch //= 2
    return batch
