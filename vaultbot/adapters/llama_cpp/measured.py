"""What was measured of a model on this machine, in a small file, so that only its first load takes the time.

The file can be deleted at any time. One that is damaged counts as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vaultbot.adapters.processor import physical_cores, processor_name
from vaultbot.models.fingerprint import fingerprint
from vaultbot.models.memory import BATCH
from vaultbot.protocols import Speed

_VERSION = 1  # grows when something else is measured, or the same in another way
_MOST_BYTES = 4096
_MOST_THREADS = 1024
_CHANGE = 0.1  # a speed that changed by less is not written down


@dataclass(frozen=True, slots=True)
class Measured:
    """How a model is run best here, and how fast it then is."""

    layers: int  #: it was measured with so many on a graphics card
    repack: bool  #: its weights are put into an order that llama.cpp reads faster
    reading_threads: int
    writing_threads: int
    batch: int  #: tokens of a prompt that are computed at once
    busy: bool  #: other programs were at work meanwhile, so it is measured again at a quieter time
    speed: Speed


class MeasuredFile:
    """Where that is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: Measured | None = None

    def read(self) -> Measured | None:
        """What is known; None when nothing is, or nothing that makes sense."""
        try:
            with self.path.open("rb") as file:
                found = json.loads(file.read(_MOST_BYTES))
            measured = Measured(**{**found, "speed": Speed(**found["speed"])})
            self._known = measured if _makes_sense(measured) else None
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            self._known = None
        return self._known

    def write(self, measured: Measured) -> None:
        """Replace what was known. A disk that is full costs the next load a measurement, and nothing else."""
        self._known = measured
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(asdict(measured)), encoding="ascii")
            beside.replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink()

    def correct(self, speed: Speed | None) -> None:
        """Note a speed that turned out to be another."""
        if self._known is None or speed is None:
            return
        before = self._known.speed
        if any(
            abs(new - old) > _CHANGE * old
            for new, old in ((speed.reading, before.reading), (speed.writing, before.writing))
        ):
            self.write(replace(self._known, speed=speed))


def measured_file(folder: Path, model: Path, *, threads: int | None) -> MeasuredFile:
    """For this model, the installed llama.cpp and this processor. Raises ModelInvalid when the model is gone."""
    what = f"{_VERSION} {engine_version()} {processor_name()} {physical_cores()} {threads or 'auto'}"
    name = hashlib.blake2b(f"{what} {fingerprint(model)}".encode(), digest_size=12).hexdigest()
    return MeasuredFile(folder / f"{name}.json")


def engine_version() -> str:
    """Of the installed llama-cpp-python, without importing it."""
    try:
        return version("llama-cpp-python")
    except PackageNotFoundError:
        return "none"


def _makes_sense(measured: Measured) -> bool:
    numbers = (measured.layers, measured.reading_threads, measured.writing_threads, measured.batch)
    speeds = (measured.speed.reading, measured.speed.writing)
    return (
        all(type(number) is int for number in numbers)
        and all(type(answer) is bool for answer in (measured.repack, measured.busy))
        and all(isinstance(speed, int | float) and 0 < speed < 1e9 for speed in speeds)
        and all(1 <= threads <= _MOST_THREADS for threads in numbers[1:3])
        and 1 <= measured.batch <= BATCH
        and BATCH % measured.batch == 0
    )
