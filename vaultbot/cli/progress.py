"""The progress bar of indexing, and what is told while something else takes long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Any

_WORDS = {
    "scan": "looking through the vault",
    "words": "reading notes",
    "index": "indexing",
    "vectors": "filing vectors",
    "prepare": "preparing the new embedding model",
}


def show_progress(states: Iterable[Mapping[str, Any]]) -> None:
    """Draw the states of an index run as they come; without a terminal only use them up."""
    if not sys.stderr.isatty():
        for _ in states:
            pass
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, count="", speed="", left="")
        for state in states:
            progress = state.get("progress")
            if not progress:
                bar.update(task, description=str(state["message"])[:60])
                continue
            bar.update(
                task,
                description=_WORDS[progress["stage"]],
                completed=progress["done"],
                total=progress["total"] or None,
                count=f"{progress['done']}/{progress['total']}" if progress["total"] else "",
                speed=f"{progress['notes_per_s']:.0f} notes/s" if progress["notes_per_s"] else "",
                left=f"{duration(progress['left_s'])} left" if progress["left_s"] else "",
            )


def duration(seconds: float) -> str:
    """Seconds in words: "40 s", "3 min", "2 h 5 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class Waiting:
    """Says what is waited for, and for how long already, when that takes more than a second."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> None:
        if sys.stderr.isatty():
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def _tell(self) -> None:
        seconds = 0
        while not self._done.wait(1):
            seconds += 1
            print(f"\r{self._words}, {duration(seconds)} …", end="", file=sys.stderr, flush=True)
        if seconds:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
