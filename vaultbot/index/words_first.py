"""Many new notes are found by their words at once; their vectors, which take a hundred times as long, come after.

Such a note is recorded without a hash, so that it is read again whatever happens meanwhile; without a stamp, so that
the run that goes on after an interruption tells it as added; and without a word to the vector index. When its vectors
are there, nothing but that is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from vaultbot.index.catalog import Catalog
from vaultbot.index.note_rows import NO_STAMP, ReadNote
from vaultbot.index.run import Run


class WordsFirst:
    """The notes of one run that were recorded before their vectors were made."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._hashes: dict[str, str] = {}

    def record(
        self, run: Run, paths: Sequence[str], read: Callable[[str, Run], ReadNote | None], *, at_once: int
    ) -> None:
        """Have these new notes found by their words. What is wrong with them is told when their vectors are made."""
        words = Run(run.on_progress, run.stopping, notes_total=len(paths))
        batch: list[ReadNote] = []
        for path in paths:
            if run.stopping.is_set():
                return
            if note := read(path, words):
                batch.append(note)
            words.notes_done += 1
            words.progress("words", words.notes_done, words.notes_total)
            if len(batch) >= at_once or words.notes_done == words.notes_total:
                self._catalog.record([replace(one, stamp=NO_STAMP, hash="", awaits_vectors=True) for one in batch])
                self._hashes.update((one.note.path, one.hash) for one in batch)
                batch = []

    def take_out(self, path: str) -> None:
        """Forget a note that must not be found after all, if it was recorded."""
        if self._hashes.pop(path, None) is not None:
            self._catalog.record([], removed=[path])

    def complete(self, batch: Sequence[ReadNote], *, refused: Collection[str]) -> list[ReadNote]:
        """Record that the vectors of these notes are there; those of them that must be recorded whole.

        Of the `refused` ones there is more to tell.
        """
        same = {
            read.note.path: (read.hash, read.stamp)
            for read in batch
            if self._hashes.pop(read.note.path, None) == read.hash and read.note.path not in refused
        }
        done = self._catalog.complete(same) if same else set()
        return [read for read in batch if read.note.path not in done]
