"""What the daemon knows of itself: how the index, the models and the process are."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from vaultbot import __version__
from vaultbot.api.metrics import Metrics, Present
from vaultbot.assistant import Assistant
from vaultbot.errors import ModelMissing
from vaultbot.index.damage import MET
from vaultbot.index.freshness import FreshnessMeter, why_stale
from vaultbot.paths import StatePaths
from vaultbot.processes import processes
from vaultbot.status import Status
from vaultbot.types import IndexReport
from vaultbot.vault.watcher import VaultWatcher

_WEIGHED_EVERY_S = 10.0  #: whoever waits for the index asks for the status twenty times a second


class Vitals:
    """Tells the status of one daemon. Safe to use from several threads."""

    def __init__(
        self, assistant: Assistant, state: StatePaths, watcher: VaultWatcher, *, port: int, name: str | None
    ) -> None:
        self._assistant = assistant
        self._state = state
        self._watcher = watcher
        self._port = port
        self._name = name
        self._began = time.monotonic()
        self._rescan_s = assistant.config.index.rescan_minutes * 60.0
        self._size = _Size(state)
        self.freshness = FreshnessMeter()
        self.metrics = Metrics()

    def listen(self) -> None:
        """Be told of looks through the vault, answers and trouble from now on."""
        self._assistant.worker.on_look = self._looked
        self._assistant.worker.on_caught_up = self.freshness.caught_up
        self._assistant.on_answer = self.metrics.answered
        logging.getLogger().addHandler(self.metrics.log_handler)

    def metrics_text(self, accept: str | None) -> tuple[bytes, str]:
        """The metrics and their media type; see `Metrics.text`."""
        present = Present(
            self.status(),
            asks=self._assistant.asks,
            speed=self._assistant.model_speed(),
            watcher_events=self._watcher.events,
        )
        return self.metrics.text(present, accept)

    def _looked(self, began: float, report: IndexReport | None) -> None:
        self.freshness.looked(began, report)
        self.metrics.looked(began, report)

    def status(self) -> Status:
        """How the daemon is, in words."""
        assistant = self._assistant
        index, fresh = assistant.state(), self.freshness.now()
        notes, chunks = assistant.counts()
        warnings = [
            *index.notices,
            *assistant.notices(),
            *([self._watcher.notice] if self._watcher.notice else []),
            *([MET] if self._state.suspect.exists() and index.message != MET else []),
        ]
        try:
            model, loaded = assistant.model_name(), assistant.model_loaded()
        except ModelMissing as error:
            model, loaded = None, False
            warnings.append(str(error))
        embedder = assistant.embedder
        return Status(
            state=index.state,
            message=index.message,
            vault=str(assistant.vault.root),
            notes=notes,
            chunks=chunks,
            embedder=embedder.name if embedder else None,
            model=model,
            pid=os.getpid(),
            port=self._port,
            token_file=str(self._state.token),
            version=__version__,
            uptime_s=round(time.monotonic() - self._began, 1),
            progress=index.progress,
            last_index=index.last_report,
            skipped=tuple(assistant.skipped()),
            damaged=tuple(assistant.damaged()),
            warnings=tuple(warnings),
            model_loaded=loaded,
            stale=why_stale(index.state, fresh, rescan_s=self._rescan_s),
            lag_s=fresh.lag_s,
            changed_at=fresh.changed_at,
            looked_at=fresh.looked_at,
            indexed_at=fresh.indexed_at,
            watching=self._watcher.mode,
            waiting_vectors=assistant.waiting_vectors(),
            processes=processes(),
            state_folder=str(self._state.root),
            state_bytes=self._size.value(),
            name=self._name,
        )


class _Size:
    """Of the state folder, which takes a while to find out and need not be exact."""

    def __init__(self, state: StatePaths) -> None:
        self._state = state
        self._found: tuple[float, int] | None = None

    def value(self) -> int:
        now = time.monotonic()
        if self._found is None or now - self._found[0] > _WEIGHED_EVERY_S:
            self._found = now, size_of(self._state)
        return self._found[1]


def size_of(state: StatePaths) -> int:
    """Bytes of all files in the vault's state folder."""
    total = 0
    for folder, _, names in os.walk(state.root):
        for name in names:
            try:
                total += Path(folder, name).lstat().st_size
            except OSError:
                continue  # It has just gone.
    return total
