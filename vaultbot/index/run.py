"""One run of the indexer: what it has done so far, how far it is, and how it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from vaultbot.errors import VaultbotError
from vaultbot.types import IndexProgress, IndexReport, IndexStage, Skipped

OnProgress = Callable[[IndexProgress], None]


@dataclass(slots=True)
class Run:
    """The counts of one run, as they grow."""

    on_progress: OnProgress
    stopping: threading.Event
    began: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)  #: of what is being done now, for the time that is left
    bytes_total: int = 0
    bytes_done: int = 0
    notes_total: int = 0
    notes_done: int = 0
    added: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    embedded: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    failed: list[Skipped] = field(default_factory=list)
    damaged: list[Skipped] = field(default_factory=list)
    without_vectors: VaultbotError | None = None  #: why notes are recorded without vectors from here on

    @property
    def bytes_left(self) -> int:
        """Of the notes that are still to be read."""
        return self.bytes_total - self.bytes_done

    @property
    def lacking(self) -> tuple[str, ...]:
        """That notes were recorded without vectors, for people."""
        return (f"notes are found by their words alone: {self.without_vectors}",) if self.without_vectors else ()

    def progress(self, stage: IndexStage, done: int, total: int, *, share: float | None = None) -> None:
        took = time.monotonic() - self.since
        share = done / total if share is None and total else share
        left = took / share - took if share and took > 1 else None
        self.on_progress(IndexProgress(stage, done, total, self.notes_done / took if took else 0.0, left))


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
