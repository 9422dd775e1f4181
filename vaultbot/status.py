"""How vaultbot is: what `vaultbot status`, the plugin and `/api/status` tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaultbot.processes import Process
from vaultbot.types import DaemonState, IndexProgress, IndexReport, Skipped


@dataclass(frozen=True, slots=True)
class Status:
    """How the daemon is, in plain words. Times are seconds since 1970; None for what has not happened yet."""

    state: DaemonState
    message: str  #: one sentence for a person
    vault: str
    notes: int
    chunks: int
    embedder: str | None
    model: str | None
    pid: int
    port: int
    token_file: str
    version: str
    uptime_s: float
    progress: IndexProgress | None = None
    last_index: IndexReport | None = None  #: of the last look that found something new
    skipped: tuple[Skipped, ...] = ()  #: files that were left out at the last scan
    damaged: tuple[Skipped, ...] = ()  #: notes that are not wholly in the index, and why
    warnings: tuple[str, ...] = ()
    model_loaded: bool = False  #: the model is in memory; one that is not is loaded by the next question
    stale: str | None = None  #: why answers may be behind the vault, in a sentence; None when they are not
    lag_s: float = 0.0  #: since the oldest change was noticed that is not in the index yet; 0 without one
    changed_at: float | None = None  #: when a change in the vault was last noticed
    looked_at: float | None = None  #: when the last look through the whole vault ended
    indexed_at: float | None = None  #: when `last_index` ended
    watching: Literal["events", "polling"] = "events"  #: whether the system tells of changes, or they are looked for
    waiting_vectors: int = 0  #: passages whose vectors are still to be carried to the vector index
    processes: tuple[Process, ...] = ()  #: the daemon and its children; none where the system does not tell
    state_folder: str = ""
    state_bytes: int = 0  #: of all files in it
    name: str | None = None  #: what the settings call the vault; None where they do not name it
