"""Who may ask at the same time: the one who is answered, and a few who wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from vaultbot.errors import QueueFull, ShuttingDown

_AT_ONCE = 9  #: one that is answered and eight that wait


class Queue(threading.BoundedSemaphore):
    """The places for questions. Safe to use from several threads."""

    def __init__(self) -> None:
        super().__init__(_AT_ONCE)
        self.closed = False
        self._usual_s = 5.0  #: what questions have taken of late
        self._cancels: set[threading.Event] = set()

    @property
    def taken(self) -> int:
        """Places that are taken."""
        return len(self._cancels)

    @contextmanager
    def turn(self, cancel: threading.Event | None) -> Iterator[threading.Event]:
        """A place for as long as the block runs, and what cancels it: `cancel`, if there is one, or `close`.

        Raises QueueFull when there is no place, and ShuttingDown for whatever happens in the block after `close`.
        """
        if not self.acquire(blocking=False):
            told = "one question is being answered and eight wait; ask again in a minute"
            raise QueueFull(told, retry_after_s=self._usual_s)
        cancel, began = cancel or threading.Event(), time.monotonic()
        self._cancels.add(cancel)
        try:
            self.check()
            yield cancel
        except Exception as error:
            if self.closed and not isinstance(error, ShuttingDown):  # Whatever was taken away under it.
                raise _shutting_down() from error
            raise
        finally:
            self._cancels.discard(cancel)
            self._usual_s += (time.monotonic() - began - self._usual_s) / 4
            self.release()

    def check(self) -> None:
        """Raises ShuttingDown after `close`."""
        if self.closed:
            raise _shutting_down()

    def close(self) -> None:
        """End what is being answered, and refuse what comes."""
        self.closed = True
        for cancel in list(self._cancels):
            cancel.set()


def _shutting_down() -> ShuttingDown:
    return ShuttingDown("vaultbot is shutting down; start it again with: vaultbot start")
