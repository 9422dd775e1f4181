"""The indexer: bring the index up to date with the vault, however it was left.

    scan ─▶ diff by stamp and hash ─▶ parse ─▶ chunk ─▶ vectors of unseen text, kept at once
         ─▶ one transaction for each batch of notes, with an outbox ─▶ drain the outbox into the vector index

Of many new notes the words come first (words_first.py).
Every step can be killed and run again: what was done stays done, and the end is the same as a clean build.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from vaultbot import faults
from vaultbot.errors import ModelMissing, VaultbotError
from vaultbot.index.catalog import Catalog, Recorded
from vaultbot.index.changes import Changes, compare, newly_kept_out
from vaultbot.index.damage import CatalogDamaged
from vaultbot.index.disappearances import Disappearances
from vaultbot.index.latecomers import Latecomers
from vaultbot.index.note_rows import ReadNote
from vaultbot.index.outbox import Outbox
from vaultbot.index.refusals import NOT_EMBEDDED, Refusals
from vaultbot.index.removals import Removals
from vaultbot.index.run import OnProgress, Run
from vaultbot.index.unread import why_unread
from vaultbot.index.vectorizer import Vectorizer
from vaultbot.index.words_first import WordsFirst
from vaultbot.paths import disk_full, says_full
from vaultbot.protocols import Embedder, VectorIndex
from vaultbot.types import DAMAGES, FileStamp, IndexReport, JsonValue, Skipped
from vaultbot.vault.dates import note_date
from vaultbot.vault.documents import is_pdf, parse_document
from vaultbot.vault.listing import Listing, is_note
from vaultbot.vault.obsidian import ObsidianSettings
from vaultbot.vault.templates import is_template
from vaultbot.vault.vault import Vault

log = logging.getLogger("vaultbot.index")

_NOTES_A_BATCH = 64
_CHUNKS_A_BATCH = 256
_READ_THROUGH_EVERY_S = 24 * 3600.0
#: Bytes that a byte of a note takes in the catalog and the vector index together, with room to work in.
_GROWTH = 10


class Indexer:
    """Owns the writing side of the index. Used by one thread at a time.

    `recipe` is kept in the catalog for the next start, to make the embedder again by; what it says is the caller's.
    An `interim` one serves until another takes over: it drops no vector, and goes on when it can make none.
    """

    def __init__(
        self,
        vault: Vault,
        catalog: Catalog,
        *,
        embedder: Embedder | None,
        chunk_tokens: int,
        recipe: str = "",
        interim: bool = False,
    ) -> None:
        self._vault = vault
        self._catalog = catalog
        self.vectorizer = Vectorizer(catalog, embedder, chunk_tokens=chunk_tokens)
        self._recipe = recipe
        self._interim = interim
        self._outbox = Outbox(catalog, self.vectorizer.fingerprint)
        self._without_vectors: VaultbotError | None = None  #: why the last run left notes without
        self._refusals = Refusals(catalog, self.vectorizer)
        self._removals = Removals(vault, catalog)
        self._disappearances = Disappearances(catalog)
        self.notice: str | None = None  #: what a person should know since the last run
        self._words_first = WordsFirst(catalog)
        self._settings = ObsidianSettings()
        self.on_renamed: Callable[[str, str], None] = lambda _old, _new: None  #: told of old and new path

    @property
    def waits_for_missing(self) -> bool:
        """Whether another run is due, `removals.SETTLE_S` from now, to tell deleted notes from notes being saved."""
        return bool(self._removals.awaited)

    @property
    def vectors_failure(self) -> str | None:
        """Why the vector index is not used any more; None while all is well."""
        return self._outbox.failure

    def attach(self, vectors: VectorIndex, *, stopping: threading.Event) -> None:
        """Use this vector index from now on, after making it hold what the catalog says."""
        self._outbox.attach(vectors, stopping=stopping)

    def close(self) -> None:
        """Close the catalog and the vector index; what was recorded stays."""
        self.close_vectors()
        self._catalog.close()

    def close_vectors(self) -> None:
        """Close the vector index alone: another indexer goes on with the catalog."""
        self._outbox.close()

    def declare(self) -> None:
        """Record that the index is built with this indexer's embedder."""
        self._catalog.set_meta("built_with", str(self.vectorizer.built_with))
        self._catalog.set_meta("recipe", self._recipe)

    def run(
        self,
        *,
        settle: bool,
        relink: bool = False,
        thorough: bool = False,
        on_progress: OnProgress = lambda _: None,
        stopping: threading.Event | None = None,
        is_told: Callable[[], bool] = lambda: False,
        on_caught_up: Callable[[float, float], None] = lambda _since, _began: None,
    ) -> IndexReport:
        """Bring the index up to date.

        With `settle` the run waits until notes that are missing were looked for twice; without, they are left to the
        next run (`waits_for_missing`). With `relink` the folder is the vault whatever it holds.
        A `thorough` one reads every note, whatever its stamp says.
        `stopping` ends the run within seconds; the next one goes on from there.
        `is_told` says whether something changed meanwhile, and `on_caught_up` is told of it (latecomers.py).

        Raises VaultMissing when the vault cannot be listed or is not the one that was indexed: nothing is removed then.
        Raises what the embedder raises when all else is done: the notes that lack vectors are found by their words, and
        the next run reads them again. A text that it cannot embed damages its note alone.
        """
        run = Run(on_progress, stopping or threading.Event())
        try:
            watch = partial(Latecomers, self._vault, is_told=is_told, on_caught_up=on_caught_up)
            return self._run(run, watch, settle=settle, relink=relink, thorough=thorough)
        except (sqlite3.OperationalError, OSError) as error:
            if says_full(error):
                raise disk_full(self._catalog.file.parent, needed=_GROWTH * run.bytes_left) from error
            raise

    def _run(
        self, run: Run, watch: Callable[[Listing], Latecomers], *, settle: bool, relink: bool, thorough: bool
    ) -> IndexReport:
        self._vault.check()
        self._check_built_with()
        self._refusals.try_again()
        run.progress("scan", 0, 0)
        listing = self._vault.scan()
        faults.point("indexer.scanned")
        run.skipped.extend(listing.skipped)
        recorded = self._catalog.recorded()
        self._settings = listing.settings
        if listing.settings.warnings:  # Half a settings file must not let notes into search: what was out stays out.
            kept_out = {path: known.kept_out for path, known in recorded.items() if known.kept_out}
            listing = replace(listing, unsearched={**kept_out, **listing.unsearched})
        self._removals.check_same_vault(listing, recorded, relink=relink)
        changes = compare(listing, recorded, thorough=thorough)
        if self._without_vectors and (still := self.vectorizer.failure()):
            changes.put_off(listing, recorded)  # Or they would all be read in vain once a minute.
            run.without_vectors = still
        self._check_dated_with()
        self._catalog.keep_out(newly_kept_out(listing, recorded))
        self._set_files(listing, changes.missing)
        run.notes_total = len(changes.to_read)
        run.bytes_total = sum(listing.notes[path].size + 1000 for path in changes.to_read)
        self._words_first = WordsFirst(self._catalog)
        self._record_words(run, listing, changes, recorded)
        gone = self._read_and_record(run, watch(listing), listing, changes, recorded)
        self._remove(run, changes.left_out, gone, known=len(recorded), settle=settle)
        if not run.stopping.is_set():
            self._set_files(listing, self._removals.awaited)
            self.notice = self._disappearances.notice(listing.notes.keys() | listing.unknown)
        self._outbox.drain(stopping=run.stopping, on_progress=lambda done: run.progress("vectors", done, 0))
        if not run.stopping.is_set():
            self._catalog.set_skipped([*run.skipped, *run.failed])
            if thorough:
                self._catalog.set_meta("read_through", str(time.time()))
            if not self._interim:
                self._catalog.sweep_vectors(self.vectorizer.fingerprint)
            self._without_vectors = run.without_vectors
            if run.without_vectors and not self._interim:
                raise run.without_vectors
        return self._report(run, changes.unchanged, (*_unreadable(listing), *run.lacking))

    def is_stale(self) -> bool:
        """Whether a day has passed since the last `thorough` run: some disks and programs put stamps back."""
        return abs(time.time() - float(self._catalog.kept("read_through", 0))) > _READ_THROUGH_EVERY_S

    def _report(self, run: Run, unchanged: int, warnings: tuple[str, ...]) -> IndexReport:
        return IndexReport(
            added=run.added,
            changed=run.changed,
            renamed=run.renamed,
            removed=run.removed,
            unchanged=unchanged,
            skipped=tuple(run.skipped),
            failed=tuple(run.failed),
            damaged=tuple(run.damaged),
            embedded=run.embedded,
            took_s=round(time.monotonic() - run.began, 3),
            warnings=warnings,
        )

    # ── is it the same vault, and the same way of reading it? ──────────────────────────────────────────────────

    def _check_built_with(self) -> None:
        built_with = str(self.vectorizer.built_with)
        before = self._catalog.meta("built_with")
        if before == built_with and self._catalog.meta("recipe") == self._recipe:
            return
        with self._catalog.at_once():
            if before not in (None, built_with):
                log.info("the embedding model or the way notes are cut has changed: every note is read again")
                self._catalog.ask_for_another_read()
            self.declare()

    def _check_dated_with(self) -> None:
        """Notes are dated by their names, and the vault's settings say how daily notes are called."""
        dated_with = f"{self._settings.daily_folder}\n{self._settings.daily_format}"
        if self._catalog.meta("dated_with") != dated_with:
            self._catalog.set_dates(self._date)
            self._catalog.set_meta("dated_with", dated_with)

    def _date(self, path: str, properties: Mapping[str, JsonValue]) -> str | None:
        found = note_date(path, properties, self._settings)
        return found.isoformat() if found else None

    def _set_files(self, listing: Listing, missing: Iterable[str]) -> None:
        """Missing notes count until they are sure to be gone, and so does what cannot be listed now."""
        hidden = [path for path in self._catalog.files() if not listing.is_gone(path)] if listing.unreadable else ()
        self._catalog.set_files([*listing.notes, *listing.files, *listing.unknown, *missing, *hidden])

    # ── reading and recording ──────────────────────────────────────────────────────────────────────────────────

    def _record_words(self, run: Run, listing: Listing, changes: Changes, recorded: dict[str, Recorded]) -> None:
        """Have many new notes found by their words before their vectors are made."""
        if self.vectorizer.fingerprint is None or changes.missing or self._catalog.is_at_once:
            return
        known = recorded.keys() | self._catalog.skipped()
        new = [path for path in changes.to_read if path not in known and not is_pdf(path)]
        if len(new) > _NOTES_A_BATCH:

            def read(path: str, words: Run) -> ReadNote | None:
                return self._read(path, None, words, {}, kept_out=listing.unsearched.get(path, ""))

            self._words_first.record(run, new, read, at_once=_NOTES_A_BATCH)
            run.since = time.monotonic()

    def _read_and_record(
        self,
        run: Run,
        latecomers: Latecomers,
        listing: Listing,
        changes: Changes,
        recorded: Mapping[str, Recorded],
    ) -> dict[str, Recorded]:
        """Read what is new or changed; returns the missing notes that were not merely renamed."""
        gone = dict(changes.missing)
        by_hash: dict[str, list[str]] = {}
        for path in sorted(gone):
            by_hash.setdefault(gone[path].hash, []).append(path)
        touched: dict[str, FileStamp] = {}
        batch: list[ReadNote] = []
        old_paths: list[str] = []
        now, wanted, left = dict(recorded), frozenset(changes.to_read), set(changes.to_read)
        for path, kept_out, at_once in latecomers.among(changes.to_read):
            if run.stopping.is_set():
                break
            known, skipped = now.get(path), len(run.skipped)
            read = self._read(path, known, run, touched, kept_out=kept_out)
            if len(run.skipped) > skipped:  # What was read of it earlier in this run must not be recorded any more.
                now.pop(path, None)
                batch = [one for one in batch if one.note.path != path]
            if read is not None:
                old = by_hash.get(read.hash, []) if known is None else []
                if old:
                    old_paths.append(old.pop(0))
                    gone.pop(old_paths[-1])
                    now.pop(old_paths[-1], None)
                    self.on_renamed(old_paths[-1], path)
                    run.renamed += 1
                elif known is None or known.is_unfinished:
                    run.added += 1
                elif path in left or path not in wanted:
                    run.changed += 1
                if path not in left:  # It may have been read in this run before.
                    touched.pop(path, None)
                    run.failed = [one for one in run.failed if one.path != path]
                    batch = [one for one in batch if one.note.path != path]
                now[path] = Recorded(read.stamp, read.hash, kept_out)
                batch.append(read)
            if at_once or len(batch) >= _NOTES_A_BATCH or sum(len(one.chunks) for one in batch) >= _CHUNKS_A_BATCH:
                self._record(run, batch, old_paths)
                batch, old_paths = [], []
            if path in left:
                left.remove(path)
                run.notes_done += 1
                run.bytes_done += listing.notes[path].size + 1000
                run.progress("index", run.notes_done, run.notes_total, share=run.bytes_done / run.bytes_total)
        self._record(run, batch, old_paths)
        if touched:
            stamps = {path: stamp for path, stamp in touched.items() if path in now and now[path].stamp != stamp}
            self._catalog.touch(stamps)
            changes.unchanged += len(touched.keys() & wanted)
        return gone

    def _read(
        self, path: str, known: Recorded | None, run: Run, touched: dict[str, FileStamp], *, kept_out: str
    ) -> ReadNote | None:
        """The note as it is now, or None when there is nothing to record; the reason is kept in the run's counts."""
        try:
            same = known if known and known.kept_out == kept_out else None
            file = self._vault.read(path, known_hash=same.hash if same else None)
            if same and same.hash == file.content_hash:
                touched[path] = file.stamp
                return None
            note = parse_document(path, file.text)
            faults.point("indexer.parsed")
            private = "it says vaultbot: false" if note.properties.get("vaultbot") is False else None
            if reason := file.skip_reason or private:
                run.skipped.append(Skipped(path, reason))
                self._words_first.take_out(path)
                if known:
                    self._catalog.record([], removed=[path])
                    run.removed += 1
                return None
            searched = not kept_out and not (is_note(path) and is_template(note))
            run.damaged += [
                Skipped(path, problem.message)
                for problem in (*file.problems, *note.problems)
                if problem.slug in DAMAGES
            ]
            return ReadNote(
                note,
                file.stamp,
                file.content_hash,
                self.vectorizer.chunks(note) if searched else (),
                file.problems,
                date=self._date(path, note.properties),
                kept_out=kept_out,
                searched=searched,
            )
        except FileNotFoundError:
            return None  # It went between the scan and now; the next scan decides.
        except (ModelMissing, CatalogDamaged, sqlite3.Error):
            raise  # Not the note's fault, and true of every other note.
        except Exception as error:
            run.failed.append(Skipped(path, why_unread(path, error)))
        return None

    def _record(self, run: Run, batch: list[ReadNote], old_paths: list[str]) -> None:
        if batch and self._embed(run, batch):
            if run.without_vectors:
                batch = [replace(read, hash="") for read in batch]  # which asks for another read
            batch, refused = self._refusals.told(batch)
            run.damaged += [Skipped(path, NOT_EMBEDDED.message) for path in refused]
            faults.point("indexer.before-record")
            whole = self._words_first.complete(batch, refused=refused)
            if whole or old_paths:
                self._catalog.record(whole, removed=old_paths)
            self._outbox.drain_now_and_then(stopping=run.stopping)

    def _embed(self, run: Run, batch: list[ReadNote]) -> bool:
        """Get vectors for texts never seen before; False when the run is to stop first. Those made so far are kept."""
        for part in self.vectorizer.unseen(chunk.embedded_text for read in batch for chunk in read.chunks):
            if run.stopping.is_set():
                return False
            if run.without_vectors:
                return True
            try:
                run.embedded += self.vectorizer.embed(part)
            except VaultbotError as error:
                run.without_vectors = error
                return True
        return True

    # ── removing ───────────────────────────────────────────────────────────────────────────────────────────────

    def _remove(self, run: Run, left_out: list[str], gone: dict[str, Recorded], *, known: int, settle: bool) -> None:
        sure = self._removals.sure(gone, settle=settle, stopping=run.stopping)
        if removed := [] if run.stopping.is_set() else [*left_out, *sure]:
            faults.point("indexer.before-removal")
            self._catalog.record([], removed=removed)
            run.removed += len(removed)
            self._disappearances.removed(sure, left=known - len(removed))


def _unreadable(listing: Listing) -> Iterator[str]:
    for folder in sorted(listing.unreadable):
        yield f"the folder {folder or '.'} cannot be listed; its notes are kept as they were"
