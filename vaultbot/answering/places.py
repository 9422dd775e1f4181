"""Sources keep their places in the prompt, because a model reads again only what comes after the first difference.

On a processor reading is what a question costs: the same sources in another order are read as if they were new.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence


class Places:
    """Remembers the sources of the last prompt, for one model after the other. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model = ""
        self._last: tuple[str, ...] = ()

    def ordered(self, model: str, texts: Sequence[str]) -> list[str]:
        """The same texts, each of them once, those first that this model's last prompt began with.

        Only what it began with without a gap: behind a source that is gone everything is read anew, so there the best
        come first.
        """
        with self._lock:
            kept: list[str] = []
            ranked = dict.fromkeys(texts)
            for text in self._last if self._model == model else ():
                if text not in ranked:
                    break
                kept.append(text)
            ordered = [*kept, *(text for text in ranked if text not in kept)]
            self._model, self._last = model, tuple(ordered)
        return ordered
