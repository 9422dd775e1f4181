"""How fast a model turns out to be: an estimate that every prompt of some length, and every answer, corrects."""

from __future__ import annotations

from vaultbot.protocols import Speed

#: Of fewer tokens the time says little: a batch costs about the same when it is not full.
_LEAST_READ, _LEAST_WRITTEN = 100, 16
_WEIGHT = 0.3  # of the newest; a machine is busy at one moment and idle at the next


class Speedometer:
    """Estimates of one model on this machine."""

    def __init__(self, speed: Speed | None = None) -> None:
        """`speed`: what is known from before."""
        self._reading = speed.reading if speed else None
        self._writing = speed.writing if speed else None

    @property
    def speed(self) -> Speed | None:
        """The estimate; None until something was both read and written."""
        return Speed(self._reading, self._writing) if self._reading and self._writing else None

    def read(self, tokens: int, seconds: float) -> None:
        """So many tokens of a prompt were read at one go."""
        if tokens >= _LEAST_READ:
            self._reading = _corrected(self._reading, tokens, seconds)

    def wrote(self, tokens: int, seconds: float) -> None:
        """So many tokens of an answer were written, one after the other."""
        if tokens >= _LEAST_WRITTEN:
            self._writing = _corrected(self._writing, tokens, seconds)


def _corrected(estimate: float | None, tokens: int, seconds: float) -> float:
    """Seconds a token are what adds up, so these are averaged, and not their reciprocals."""
    measured = max(seconds, 1e-9) / tokens
    return 1 / (measured if estimate is None else (1 - _WEIGHT) / estimate + _WEIGHT * measured)
