"""What wakes the index thread: word that something may have changed in the vault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Writes come in bursts; the vault is looked at when it has been quiet for so long, or noisy for so long.
_QUIET_S, _NOISY_S = 0.3, 3.0


class Waking:
    """An event that a run may take note of while it goes on, and that is not lost by that. For one waiting thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._meanwhile = False

    def wake(self) -> None:
        """Something may have changed. From any thread."""
        self._event.set()

    def forget(self) -> None:
        """What was told so far is about to be looked at."""
        self._event.clear()

    def is_awake(self) -> bool:
        """Whether something was told."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Until something is told; False when nothing was."""
        return self._event.wait(seconds)

    def told_meanwhile(self) -> bool:
        """Whether something was told since the run began, or since this was asked."""
        if not self._event.is_set():
            return False
        self._meanwhile = True  # First: what is told from here on is either seen by the run or leaves the event set.
        self._event.clear()
        return True

    def run_ended(self) -> None:
        """Another run is due for what was told while this one went on."""
        if self._meanwhile:
            self._meanwhile = False
            self._event.set()

    def settle(self, at_once: Callable[[], bool]) -> None:
        """Wait for the end of a burst, as long as nothing is wanted `at_once`."""
        began = time.monotonic()
        while time.monotonic() - began < _NOISY_S and not at_once():
            self._event.clear()
            if not self._event.wait(_QUIET_S):
                return
