"""How far the index is behind the vault, as far as anybody told.

What lasts is measured by a clock that nobody sets; the time of day is for people alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from vaultbot.types import DaemonState, IndexReport

#: A change is usually in the index within seconds; after so long something is wrong.
LATE_S = 60.0
#: How often the promised look may be late: it waits for the one that is running.
_OVERDUE = 2.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """At one moment. Times of day are seconds since 1970, None for what has not happened yet."""

    lag_s: float = 0.0  #: since the oldest change was noticed that is not in the index yet; 0 without one
    unseen_s: float = 0.0  #: since the last look through the vault, or since the start
    changed_at: float | None = None
    looked_at: float | None = None
    indexed_at: float | None = None


class FreshnessMeter:
    """Told of changes by the watcher and of looks by the worker. Safe to use from several threads."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, time_of_day: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._time_of_day = time_of_day
        self._lock = threading.Lock()
        self._oldest: float | None = None  #: change that is not in the index yet, by the clock
        self._newest = clock()
        self._looked = clock()
        self._told = Freshness()

    def changed(self) -> None:
        """Something may have changed in the vault."""
        with self._lock:
            self._newest = self._clock()
            self._oldest = self._newest if self._oldest is None else self._oldest
            self._told = replace(self._told, changed_at=self._time_of_day())

    def looked(self, began: float, report: IndexReport | None) -> None:
        """A look through the vault that began at that time of the clock has ended; without a report it failed."""
        if report is None:
            return
        with self._lock:
            now, self._looked = self._time_of_day(), self._clock()
            # A change that came while it went on may have come too late for it.
            self._oldest = max(self._oldest, began) if self._oldest is not None and self._newest >= began else None
            first = self._told.indexed_at is None
            self._told = replace(
                self._told, looked_at=now, indexed_at=now if report.touched or first else self._told.indexed_at
            )

    def caught_up(self, since: float, began: float) -> None:
        """All that changed between these times of the clock is in the index, while a look goes on."""
        with self._lock:
            if self._oldest is not None and since <= self._oldest < began:
                self._oldest = began if self._newest >= began else None

    def now(self) -> Freshness:
        """As it is at this moment."""
        with self._lock:
            now = self._clock()
            lag = 0.0 if self._oldest is None else max(0.0, now - self._oldest)
            return replace(self._told, lag_s=round(lag, 1), unseen_s=round(max(0.0, now - self._looked), 1))


def why_stale(state: DaemonState, fresh: Freshness, *, rescan_s: float) -> str | None:
    """Why answers may be behind the vault, in a sentence; None when they are not, or are about to be up to date.

    `rescan_s` is how often the whole vault is looked through without being told of a change.
    """
    if state == "vault-missing":
        return "the vault cannot be read, so answers come from the last index"
    if fresh.lag_s > LATE_S and state != "stopping":
        return f"a change that was noticed {_ago(fresh.lag_s)} is not in the index yet"
    if state in ("starting", "indexing", "stopping"):
        return None
    if fresh.unseen_s > _OVERDUE * rescan_s + LATE_S:
        return f"the vault was last looked through {_ago(fresh.unseen_s)}, and every {rescan_s / 60:.0f} minutes is due"
    return "the last look through the vault failed, so answers come from before it" if state == "degraded" else None


def _ago(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"
