"""Who speaks with a model, one after the other, in the order in which they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Line:
    """People in a line. Safe to use from several threads, and a place may be left from any of them."""

    def __init__(self) -> None:
        self._places: list[object] = []
        self._moved = threading.Condition()

    @contextmanager
    def place(self) -> Iterator[Callable[[float], int]]:
        """A place for as long as the block runs. The call that it gives waits for one's turn, so many seconds at most,
        and tells how many are still before; 0 when it is one's turn."""
        mine = object()
        with self._moved:
            self._places.append(mine)

        def before(timeout_s: float) -> int:
            with self._moved:
                self._moved.wait_for(lambda: self._places[0] is mine, timeout_s)
                return self._places.index(mine)

        try:
            yield before
        finally:
            with self._moved:
                self._places.remove(mine)
                self._moved.notify_all()
