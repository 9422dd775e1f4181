"""Work in a process of its own that costs a few milliseconds: a fork, in which a fault or a kill does no other harm.

The engines are imported once, before the forks. Nothing that has threads of its own (Chroma, onnxruntime) may be used
in the process that forks.
"""

from __future__ import annotations

import os
import pickle
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Generic, TypeVar

from vaultbot import faults

T = TypeVar("T")

KILLED = -int(signal.SIGKILL)
_LONGEST_S = 180.0


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """How the work ended."""

    exit: int  #: exit code, or the signal's number below zero
    said: T | None  #: what it returned
    failure: str  #: the traceback of what it raised
    took_s: float

    def result(self) -> T:
        """What the work returned; raises AssertionError when it did not."""
        assert self.exit == 0, self.failure or f"the process ended with {self.exit}"
        return self.said  # type: ignore[return-value]


def in_a_fork(
    work: Callable[[], T],
    *,
    fault: str | None = None,
    environment: Mapping[str, str] | None = None,
    kill_after_s: float | None = None,
    limit_s: float = _LONGEST_S,
) -> Ended[T]:
    """Do the work there, and wait. Who takes longer than `limit_s` is killed, and has failed."""
    with tempfile.TemporaryFile() as answer:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            _work(work, answer, {**(environment or {}), **({"VAULTBOT_FAULT": fault} if fault else {})})
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            os.kill(child, signal.SIGKILL)
        code, late = _wait(child, limit_s)
        took_s = time.monotonic() - began
        answer.seek(0)
        said, failure = pickle.loads(data) if (data := answer.read()) else (None, "")
        return Ended(code, said, f"it did not end within {limit_s:.0f} s" if late else failure, took_s)


def _work(work: Callable[[], T], answer: IO[bytes], environment: Mapping[str, str]) -> None:
    """The child's life."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        faults._passed.clear()
        os.environ.update(environment)
        try:
            pickle.dump((work(), ""), answer)
            code = 0
        except BaseException:
            answer.seek(0)
            answer.truncate()
            pickle.dump((None, traceback.format_exc()), answer)
        answer.flush()
    finally:
        os._exit(code)


def _wait(child: int, limit_s: float) -> tuple[int, bool]:
    """The exit code, and whether it had to be killed for being late."""
    until, late = time.monotonic() + limit_s, False
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), late
        if not late and time.monotonic() > until:
            late = True
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
