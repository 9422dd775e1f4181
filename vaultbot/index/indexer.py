"""The indexer: bring the index up to date with the vault, however it was left.

    scan ─▶ diff by stamp and hash ─▶ parse ─▶ chunk ─▶ vectors of unseen text, kept at once
         ─▶ one transaction for each batch of notes, with an outbox ─▶ drain the outbox into the vector index

Every step can be killed and run again: what was done stays done, and the end is the same as a clean build.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from vaultbot import faults
from vaultbot.errors import VaultbotError, VaultMissing
from vaultbot.index.catalog import Catalog, ReadNote, Recorded
from vaultbot.index.changes import Changes, compare, is_surely_gone
from vaultbot.index.chunker import CHUNKER_VERSION, chunk_note, estimate_tokens
from vaultbot.protocols import Embedder, VectorIndex
from vaultbot.types import FileStamp, IndexProgress, IndexReport, IndexStage, Skipped
from vaultbot.vault.listing import Listing
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.vault import FileBusy, Vault

log = logging.getLogger("vaultbot.index")

OnProgress = Callable[[IndexProgress], None]

#: A missing file is looked for twice, this far apart: editors save by deleting and writing anew.
SETTLE_S = 2.0

_NOTES_A_BATCH = 64
_TEXTS_A_BATCH = 256
_OUTBOX_A_BATCH = 1000


@dataclass(slots=True)
class _Run:
    """The counts of one run, as they grow."""

    on_progress: OnProgress
    began: float = field(default_factory=time.monotonic)
    bytes_total: int = 0
    bytes_done: int = 0
    notes_total: int = 0
    notes_done: int = 0
    added: int = 0
    changed: int = 0
    renamed: int = 0
    embedded: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    failed: list[Skipped] = field(default_factory=list)

    def progress(self, stage: IndexStage, done: int, total: int, *, share: float | None = None) -> None:
        took = time.monotonic() - self.began
        share = done / total if share is None and total else share
        left = took / share - took if share and took > 1 else None
        self.on_progress(IndexProgress(stage, done, total, self.notes_done / took if took else 0.0, left))


class Indexer:
    """Owns the writing side of the index. Used by one thread at a time."""

    def __init__(
        self,
        vault: Vault,
        catalog: Catalog,
        *,
        embedder: Embedder | None,
        chunk_tokens: int,
    ) -> None:
        self._vault = vault
        self._catalog = catalog
        self._embedder = embedder
        self._chunk_tokens = chunk_tokens
        self._vectors: VectorIndex | None = None
        self._missing_since: dict[str, float] = {}

    @property
    def waits_for_missing(self) -> bool:
        """Whether another run is due, `SETTLE_S` from now, to tell deleted notes from notes being saved."""
        return bool(self._missing_since)

    def attach(self, vectors: VectorIndex) -> None:
        """Use this vector index from now on, after making it hold just the chunks that the catalog has vectors for."""
        assert self._embedder is not None
        expected = self._catalog.ids_with_vectors(self._embedder.fingerprint)
        held = vectors.ids()
        vectors.delete(list(held - expected))
        lacking = sorted(expected - held)
        for start in range(0, len(lacking), _OUTBOX_A_BATCH):
            batch = lacking[start : start + _OUTBOX_A_BATCH]
            vectors.upsert(self._catalog.vectors_of(self._embedder.fingerprint, batch))
        self._vectors = vectors
        self._drain(_Run(lambda _: None))

    def close(self) -> None:
        """Close the catalog and the vector index; what was recorded stays."""
        if self._vectors is not None:
            self._vectors.close()
        self._catalog.close()

    def run(
        self,
        *,
        settle: bool,
        on_progress: OnProgress = lambda _: None,
        stopping: threading.Event | None = None,
    ) -> IndexReport:
        """Bring the index up to date.

        With `settle` the run waits until notes that are missing were looked for twice; without, they are left to the
        next run (`waits_for_missing`). `stopping` ends the run soon, between notes; the next one goes on from there.

        Raises VaultMissing when the vault cannot be listed or is not the one that was indexed: nothing is removed then.
        """
        stopping = stopping or threading.Event()
        run = _Run(on_progress)
        try:
            return self._run(run, settle=settle, stopping=stopping)
        except (sqlite3.OperationalError, OSError) as error:
            if "full" in str(error) or getattr(error, "errno", 0) == errno.ENOSPC:
                raise VaultbotError(
                    f"the disk with {self._catalog.file.parent} is full; free some space and indexing goes on by "
                    "itself. Nothing was lost"
                ) from error
            raise

    def _run(self, run: _Run, *, settle: bool, stopping: threading.Event) -> IndexReport:
        self._vault.check()
        self._check_built_with()
        run.progress("scan", 0, 0)
        listing = self._vault.scan()
        run.skipped.extend(listing.skipped)
        recorded = self._catalog.recorded()
        warnings = self._check_same_vault(listing, recorded)
        changes = compare(listing, recorded)
        gone = self._read_and_record(run, listing, changes, recorded, stopping)
        removed = self._remove(changes.left_out, gone, settle=settle, stopping=stopping)
        self._drain(run)
        if not stopping.is_set():
            self._catalog.set_skipped([*run.skipped, *run.failed])
            if removed or run.changed or run.renamed:
                self._catalog.sweep_vectors()
        return self._report(run, changes.unchanged, removed, [*warnings, *_unreadable(listing)])

    def _report(self, run: _Run, unchanged: int, removed: int, warnings: list[str]) -> IndexReport:
        return IndexReport(
            added=run.added,
            changed=run.changed,
            renamed=run.renamed,
            removed=removed,
            unchanged=unchanged,
            skipped=tuple(run.skipped),
            failed=tuple(run.failed),
            embedded=run.embedded,
            took_s=round(time.monotonic() - run.began, 3),
            warnings=tuple(warnings),
        )

    # ── is it the same vault, and the same way of reading it? ──────────────────────────────────────────────────

    def _check_built_with(self) -> None:
        embedder = self._embedder.fingerprint if self._embedder else "none"
        built_with = f"{embedder} chunker {CHUNKER_VERSION} tokens {self._chunk_tokens}"
        before = self._catalog.meta("built_with")
        if before != built_with:
            if before is not None:
                log.info("the embedding model or the way notes are cut has changed: every note is read again")
                self._catalog.ask_for_another_read()
            self._catalog.set_meta("built_with", built_with)

    def _check_same_vault(self, listing: Listing, recorded: dict[str, Recorded]) -> list[str]:
        """Nothing may be removed because a disk was not mounted or another folder took the vault's place."""
        identity = "{}:{}".format(*self._vault.identity())
        before = self._catalog.meta("identity")
        known_present = any(path in recorded for path in listing.notes)
        if recorded and not known_present and not listing.unreadable:
            nothing_there = not listing.notes and not listing.files
            if nothing_there or (before is not None and before != identity):
                what = "is empty" if nothing_there else f"holds none of the {len(recorded)} notes known from there"
                raise VaultMissing(
                    f"the vault {self._vault.root} {what}: is its disk mounted, and is it the same vault? Nothing was "
                    f"removed from the index. If it really is a new vault, delete {self._catalog.file.parent} and "
                    "index again"
                )
        if before != identity:
            self._catalog.set_meta("identity", identity)
        return []

    # ── reading and recording ──────────────────────────────────────────────────────────────────────────────────

    def _read_and_record(
        self,
        run: _Run,
        listing: Listing,
        changes: Changes,
        recorded: dict[str, Recorded],
        stopping: threading.Event,
    ) -> dict[str, Recorded]:
        """Read what is new or changed; returns the missing notes that were not merely renamed."""
        gone = dict(changes.missing)
        by_hash: dict[str, list[str]] = {}
        for path in sorted(gone):
            by_hash.setdefault(gone[path].hash, []).append(path)
        touched: dict[str, FileStamp] = {}
        batch: list[ReadNote] = []
        old_paths: list[str] = []
        run.notes_total = len(changes.to_read)
        run.bytes_total = sum(listing.notes[path].size + 1000 for path in changes.to_read)
        for path in changes.to_read:
            if stopping.is_set():
                break
            known = recorded.get(path)
            read = self._read(path, known, run, touched)
            if read is not None:
                old = by_hash.get(read.hash, []) if known is None else []
                if old:
                    old_paths.append(old.pop(0))
                    gone.pop(old_paths[-1])
                    run.renamed += 1
                elif known is None:
                    run.added += 1
                else:
                    run.changed += 1
                batch.append(read)
                if len(batch) >= _NOTES_A_BATCH or sum(len(one.chunks) for one in batch) >= _TEXTS_A_BATCH:
                    self._record(run, batch, old_paths)
                    batch, old_paths = [], []
            run.notes_done += 1
            run.bytes_done += listing.notes[path].size + 1000
            run.progress("index", run.notes_done, run.notes_total, share=run.bytes_done / run.bytes_total)
        self._record(run, batch, old_paths)
        if touched:
            self._catalog.touch(touched)
            changes.unchanged += len(touched)
        return gone

    def _read(self, path: str, known: Recorded | None, run: _Run, touched: dict[str, FileStamp]) -> ReadNote | None:
        """The note as it is now, or None when there is nothing to record; the reason is kept in the run's counts."""
        try:
            file = self._vault.read(path)
            if file.skip_reason:
                run.skipped.append(Skipped(path, file.skip_reason))
                if known:
                    self._catalog.record([], removed=[path])
                return None
            if known and known.hash == file.content_hash:
                touched[path] = file.stamp
                return None
            note = parse_note(path, file.text)
            if note.properties.get("vaultbot") is False:
                run.skipped.append(Skipped(path, "it says vaultbot: false"))
                if known:
                    self._catalog.record([], removed=[path])
                return None
            chunks = chunk_note(
                note,
                max_tokens=self._chunk_tokens,
                count_tokens=self._embedder.count_tokens if self._embedder else estimate_tokens,
            )
            return ReadNote(note, file.stamp, file.content_hash, chunks, file.problems)
        except FileNotFoundError:
            return None  # It went between the scan and now; the next scan decides.
        except FileBusy as error:
            run.failed.append(Skipped(path, str(error)))
        except OSError as error:
            run.failed.append(Skipped(path, f"cannot be read ({error.strerror}); the last version read is kept"))
        except Exception as error:
            log.exception("%s could not be indexed", path)
            run.failed.append(Skipped(path, f"could not be indexed ({type(error).__name__}); please report this"))
        return None

    def _record(self, run: _Run, batch: list[ReadNote], old_paths: list[str]) -> None:
        if not batch and not old_paths:
            return
        if self._embedder is not None:
            texts = (chunk.embedded_text for read in batch for chunk in read.chunks)
            unknown = sorted(self._catalog.unknown_texts(self._embedder.fingerprint, texts), key=len)
            for start in range(0, len(unknown), _TEXTS_A_BATCH):
                part = unknown[start : start + _TEXTS_A_BATCH]
                vectors = self._embedder.embed_documents(part)
                self._catalog.add_vectors(self._embedder.fingerprint, dict(zip(part, vectors, strict=True)))
                run.embedded += len(part)
        faults.point("indexer.before-record")
        self._catalog.record(batch, removed=old_paths)

    # ── removing ───────────────────────────────────────────────────────────────────────────────────────────────

    def _remove(
        self,
        left_out: list[str],
        gone: dict[str, Recorded],
        *,
        settle: bool,
        stopping: threading.Event,
    ) -> int:
        now = time.monotonic()
        self._missing_since = {path: self._missing_since.get(path, now) for path in gone}
        if settle and self._missing_since:
            stopping.wait(max(0.0, max(self._missing_since.values()) + SETTLE_S - now))
        now = time.monotonic()
        sure = [path for path, since in self._missing_since.items() if now - since >= SETTLE_S - 0.05]
        if sure:
            self._vault.check()
            sure = [path for path in sure if is_surely_gone(self._vault.root, path)]
        for path in sure:
            del self._missing_since[path]
        removed = [*left_out, *sure]
        if removed:
            self._catalog.record([], removed=removed)
        return len(removed)

    # ── the vector index ───────────────────────────────────────────────────────────────────────────────────────

    def _drain(self, run: _Run) -> None:
        """Carry the outbox over: for each chunk the state it should have, so doing it twice is harmless."""
        if self._vectors is None or self._embedder is None:
            return
        done = 0
        while True:
            seq, ids = self._catalog.pending(limit=_OUTBOX_A_BATCH)
            if not ids:
                return
            vectors = self._catalog.vectors_of(self._embedder.fingerprint, ids)
            self._vectors.delete([identity for identity in ids if identity not in vectors])
            faults.point("indexer.half-drained")
            self._vectors.upsert(vectors)
            faults.point("indexer.before-outbox-cleared")
            self._catalog.drained(seq)
            done += len(ids)
            run.progress("vectors", done, 0)


def _unreadable(listing: Listing) -> Iterator[str]:
    for folder in sorted(listing.unreadable):
        yield f"the folder {folder or '.'} cannot be listed; its notes are kept as they were"


def with_totals(report: IndexReport, counts: tuple[int, int]) -> IndexReport:
    """The report with what the index holds now: (notes, passages)."""
    return replace(report, notes=counts[0], chunks=counts[1])


def outcome(report: IndexReport) -> Iterable[str]:
    """The counts that are not zero, in words: "3 added", "1 failed"."""
    for name in ("added", "changed", "renamed", "removed", "unchanged"):
        if count := getattr(report, name):
            yield f"{count} {name}"
    if report.skipped:
        yield f"{len(report.skipped)} skipped"
    if report.failed:
        yield f"{len(report.failed)} failed"
