"""Many new notes are found by their words at once; their vectors, which take a hundred times as long, come after.

Such a note is recorded without a hash, so that it is read again whatever happens meanwhile, and without a word to the
vector index. When its vectors are there, nothing but that is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from vaultbot.index.catalog import Catalog
from vaultbot.index.note_rows import ReadNote


class WordsFirst:
    """The notes of one run that were recorded before their vectors were made."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._hashes: dict[str, str] = {}

    def record(self, new: Iterator[ReadNote], *, at_once: int) -> None:
        """Have these new notes found by their words."""
        while batch := list(islice(new, at_once)):
            self._catalog.record([replace(read, hash="", awaits_vectors=True) for read in batch])
            self._hashes.update((read.note.path, read.hash) for read in batch)

    def complete(self, batch: Sequence[ReadNote]) -> list[ReadNote]:
        """Record that the vectors of these notes are there; those of them that must be recorded whole."""
        same = [read for read in batch if self._hashes.pop(read.note.path, None) == read.hash]
        if same:
            self._catalog.complete({read.note.path: (read.hash, read.stamp) for read in same})
        paths = {read.note.path for read in same}
        return [read for read in batch if read.note.path not in paths]
