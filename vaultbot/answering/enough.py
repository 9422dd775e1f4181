"""When a generation is to end."""

from __future__ import annotations

import threading


class Enough(threading.Event):
    """Set when there is enough of a text, or when nobody wants it any more."""

    def __init__(self, cancel: threading.Event) -> None:
        super().__init__()
        self._cancel = cancel

    def is_set(self) -> bool:
        """Whether it, or what cancels it, was set."""
        return super().is_set() or self._cancel.is_set()
