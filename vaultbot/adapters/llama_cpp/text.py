"""From the bytes of tokens to text that may be shown: whole characters, and nothing of a stop string."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class TextStream:
    """Gathers token bytes; gives text as soon as it is certain."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self.stopped = False  #: a stop string was met; nothing more will be given
        self._stop = tuple(text for text in stop if text)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def push(self, data: bytes) -> str:
        """Add a token; returns the text that is now certain, often ""."""
        return self._give(self._decoder.decode(data), last=False)

    def finish(self) -> str:
        """The rest, when no token follows."""
        return self._give(self._decoder.decode(b"", final=True), last=True)

    def _give(self, text: str, *, last: bool) -> str:
        if self.stopped:
            return ""
        text = self._held + text
        ends = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if ends:
            self.stopped = True
            return text[: min(ends)]
        keep = 0 if last else max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text could begin the stop string."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
