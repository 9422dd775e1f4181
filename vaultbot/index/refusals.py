"""Notes with texts that the embedder cannot embed: it is told of them, and they are tried again at the next start."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from vaultbot.index.catalog import Catalog
from vaultbot.index.note_rows import ReadNote
from vaultbot.index.vectorizer import Vectorizer
from vaultbot.types import Problem

#: Kept with the note. For its words the note is whole; of its meaning a part is cut off.
NOT_EMBEDDED = Problem(
    "embedding",
    "the embedding model has no vector for a part of it, which is found by its words alone; it is tried again at the "
    "next start (vaultbot stop, vaultbot start)",
)
_META = "refused"  #: JSON: paths


class Refusals:
    """Knows which notes have such texts, also those of the last start."""

    def __init__(self, catalog: Catalog, vectorizer: Vectorizer) -> None:
        self._catalog = catalog
        self._vectorizer = vectorizer
        self._paths: set[str] | None = None

    def try_again(self) -> None:
        """Have those of the last start read again, once: the model or its server may have been mended."""
        if self._paths is None:
            self._paths = set()
            self._catalog.ask_for_another_read(self._catalog.kept(_META, []))
            self._catalog.set_meta(_META, "[]")

    def told(self, batch: Sequence[ReadNote]) -> tuple[list[ReadNote], list[str]]:
        """The notes as they are to be recorded, and the paths of those that have such texts."""
        refused = {
            read.note.path for read in batch if any(self._vectorizer.refuses(one.embedded_text) for one in read.chunks)
        }
        before = self._paths or set()
        self._paths = before.difference(read.note.path for read in batch) | refused
        if self._paths != before:
            self._catalog.set_meta(_META, json.dumps(sorted(self._paths)))
        notes = [
            replace(read, problems=(*read.problems, NOT_EMBEDDED)) if read.note.path in refused else read
            for read in batch
        ]
        return notes, sorted(refused)
