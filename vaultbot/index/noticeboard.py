"""What the index thread tells of its work, for any thread to read and to wait for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from vaultbot.types import DaemonState, IndexProgress, IndexReport


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How the index is at one moment."""

    state: DaemonState = "starting"
    message: str = "starting"
    progress: IndexProgress | None = None
    last_report: IndexReport | None = None
    notices: tuple[str, ...] = ()
    version: int = 0  #: grows with every change, to wait for the next one

    @property
    def before_first_look(self) -> bool:
        """Whether the vault has not been looked through since the daemon was started."""
        return self.state in ("starting", "indexing") and self.last_report is None

    def why_empty(self, root: Path) -> str:
        """Why an index in this state holds nothing of the vault at `root`."""
        if self.state in ("starting", "indexing"):
            return "the vault is being read for the first time; ask again in a moment (see how far: vaultbot status)"
        if self.state == "vault-missing":
            return self.message
        return f"there are no notes in {root}; is it the folder that you open in Obsidian?"


class Noticeboard:
    """Holds the present state. One thread writes."""

    def __init__(self, about: str = "", notice: str | None = None) -> None:
        self._changed = threading.Condition()
        self._notices = {about: notice} if notice else {}
        self._state = WorkerState(notices=tuple(self._notices.values()))

    @property
    def state(self) -> WorkerState:
        """How the index is now."""
        return self._state

    def wait(self, seen: int, *, timeout: float) -> WorkerState:
        """The first state newer than `seen`, or the present one after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._state.version > seen, timeout)
            return self._state

    def say(self, state: DaemonState, message: str, *, report: IndexReport | None = None) -> None:
        """What it does now, in words; the last report stays until there is another."""
        last = report or self._state.last_report
        self._set(replace(self._state, state=state, message=message, progress=None, last_report=last))

    def progressed(self, message: str, progress: IndexProgress) -> None:
        """How far it is with indexing."""
        self._set(replace(self._state, state="indexing", message=message, progress=progress))

    def note(self, about: str, notice: str | None) -> bool:
        """Tell people until something else, or None, is to be told of the same; whether that is new."""
        if self._notices.get(about) == notice:
            return False
        self._notices.pop(about, None)
        if notice:
            self._notices[about] = notice
        self._set(replace(self._state, notices=tuple(self._notices.values())))
        return True

    def has(self, about: str) -> bool:
        """Whether people are being told of this."""
        return about in self._notices

    def _set(self, state: WorkerState) -> None:
        with self._changed:
            self._state = replace(state, version=self._state.version + 1)
            self._changed.notify_all()
