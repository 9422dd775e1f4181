"""From one embedding model to another without an outage.

The new model's vectors are made beside the old ones, which serve until all are there. Then one transaction makes the
index the new model's. Every step can be killed and run again, and no text is embedded twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from vaultbot import faults
from vaultbot.errors import ModelCrashed, ModelMissing, ShuttingDown, VaultbotError, kind_and_place
from vaultbot.index.catalog import Catalog
from vaultbot.index.indexer import Indexer
from vaultbot.index.note_rows import chunk_id
from vaultbot.index.outbox import OpenVectors
from vaultbot.index.reader import CatalogReader
from vaultbot.index.run import OnProgress
from vaultbot.protocols import VectorIndex
from vaultbot.types import Chunk, IndexProgress
from vaultbot.vault.documents import parse_document
from vaultbot.vault.vault import Vault

log = logging.getLogger("vaultbot.index")

_TEXTS_A_BATCH = 64


class Changeover:
    """The change to the embedding model of the indexer `after`. Used by the thread of the indexer that serves.

    `name` is the new model's, for people. `open_vectors` opens the index of its vectors; `on_switched` gets it when it
    holds them all, and `on_retired` is called when the earlier one has been closed.
    """

    def __init__(
        self,
        vault: Vault,
        catalog: Catalog,
        reader: CatalogReader,
        *,
        after: Indexer,
        name: str,
        open_vectors: OpenVectors,
        on_switched: Callable[[VectorIndex], None],
        on_retired: Callable[[], None] = lambda: None,
    ) -> None:
        self.after = after
        self.name = name
        self.open_vectors = open_vectors
        self.on_retired = on_retired
        self._vault = vault
        self._catalog = catalog
        self._reader = reader
        self._on_switched = on_switched
        self._prepared: dict[str, str] = {}  # path → hash of the note whose texts all have vectors
        self._unread: set[str] = set()
        self._cut_otherwise: set[str] = set()
        self._embedding_s = 0.0
        self._embedded_notes = 0

    def prepare(self, *, on_progress: OnProgress, stopping: threading.Event, paused: Callable[[], bool]) -> bool:
        """Make the vectors that are lacking, until all are there: True. False when it was `paused` or is `stopping`.

        What was made is kept. A text that the new model cannot embed holds nothing up. Raises what the embedder raises
        when it is not the text's fault.
        """
        notes = self._searched()
        left = [path for path, digest in notes.items() if self._prepared.get(path) != digest]
        batch: list[str] = []
        texts: dict[str, list[str]] = {}  # to embed → paths of their notes
        self._tell(on_progress, len(notes) - len(left), len(notes))
        began = time.monotonic()
        for number, path in enumerate(left, 1):
            batch.append(path)
            for chunk in self._chunks(path, notes[path]):
                texts.setdefault(chunk.embedded_text, []).append(path)
            if len(texts) < _TEXTS_A_BATCH and number < len(left):
                continue
            parts = self.after.vectorizer.unseen(texts)
            for part in parts:
                self.after.vectorizer.embed(part)
                if part is not parts[-1] and (stopping.is_set() or paused()):
                    return False
            if parts:
                self._embedding_s += time.monotonic() - began
                self._embedded_notes += len(batch)
            self._prepared.update({one: notes[one] for one in batch})
            # Read again by the switch, which records what they lack.
            refused = (paths for text, paths in texts.items() if self.after.vectorizer.refuses(text))
            self._cut_otherwise.update(*refused)
            batch, texts, began = [], {}, time.monotonic()
            self._tell(on_progress, len(notes) - len(left) + number, len(notes))
            if number < len(left) and (stopping.is_set() or paused()):
                return False
        faults.point("changeover.prepared")
        return not stopping.is_set()

    def switch(self, *, on_progress: OnProgress, stopping: threading.Event) -> str | None:
        """Make the index the new model's; what `open_vectors` had to say. To be called when all is prepared.

        Raises ShuttingDown when it is `stopping`, and whatever goes wrong; the index is as before then.
        """
        vectors, notice = self.open_vectors()
        try:
            with self._catalog.at_once():
                faults.point("changeover.switching")
                # Notes that the new model cuts as the old one did stay as they are.
                self._catalog.ask_for_another_read(self._cut_otherwise)
                self.after.declare()
                self.after.run(settle=False, on_progress=on_progress, stopping=stopping)
                self.after.attach(vectors, stopping=stopping)
                if stopping.is_set():
                    raise ShuttingDown("vaultbot is shutting down; the next start goes on with the new embedding model")
                if self.after.vectors_failure:
                    raise VaultbotError(f"the vector index cannot be filled ({self.after.vectors_failure})")
                faults.point("changeover.before-commit")
        except BaseException:
            for path in self._unread:  # The whole vault may have been away.
                self._prepared.pop(path, None)
            vectors.close()
            raise
        self._on_switched(vectors)
        faults.point("changeover.switched")
        log.info("the embedding model is now %s", self.name)
        return notice

    def _searched(self) -> dict[str, str]:
        with self._reader.snapshot():
            rows = self._reader.connection.execute("SELECT path, hash FROM note WHERE searched ORDER BY path")
            return dict(rows.fetchall())

    def _chunks(self, path: str, digest: str) -> Sequence[Chunk]:
        """The chunks that the new model is going to have of a note; none when it cannot be read."""
        self._unread.discard(path)
        self._cut_otherwise.discard(path)
        try:
            file = self._vault.read(path)
            chunks = self.after.vectorizer.chunks(parse_document(path, file.text))
        except (ModelMissing, ModelCrashed, ShuttingDown):
            raise  # Not the note's fault, and true of every other note.
        except Exception as error:
            self._vault.check()
            log.info("%s could not be read for the new embedding model: %s", path, kind_and_place(error))
            self._unread.add(path)
            self._cut_otherwise.add(path)
            return ()
        if file.content_hash != digest or self._held(path) != {
            (chunk_id(chunk), chunk.start_line, chunk.end_line) for chunk in chunks
        }:
            self._cut_otherwise.add(path)
        return chunks

    def _held(self, path: str) -> set[tuple[str, int, int]]:
        """The chunks that the note has in the index."""
        with self._reader.snapshot():
            rows = self._reader.connection.execute(
                "SELECT chunk.id, start_line, end_line FROM chunk JOIN note ON note.id = chunk.note WHERE path = ?",
                (path,),
            )
            return set(rows.fetchall())

    def _tell(self, on_progress: OnProgress, done: int, total: int) -> None:
        # Notes that an earlier start has prepared pass in no time and say nothing of the others.
        speed = self._embedded_notes / self._embedding_s if self._embedding_s else 0.0
        on_progress(IndexProgress("prepare", done, total, speed, (total - done) / speed if speed else None))
