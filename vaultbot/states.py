"""The states that vaults have on this machine, and which vault each is of."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vaultbot.paths import COPY_PREFIX, DROPPED_SUFFIX, StatePaths, remove_whole, state_folder, state_paths
from vaultbot.runtime import Runtime, is_locked, read_runtime, write_private


@dataclass(frozen=True, slots=True)
class Owner:
    """The vault that a state is of."""

    vault: Path  #: where it was when its daemon last started
    identity: str  #: of that folder, which a folder that is moved keeps as long as it stays on its disk


def all_states() -> Iterator[StatePaths]:
    """Every vault's state on this machine, by name."""
    with suppress(OSError):
        for folder in sorted((state_folder() / "vaults").iterdir()):
            if folder.is_dir() and not folder.is_symlink() and folder.suffix != DROPPED_SUFFIX:
                yield StatePaths(folder)


def state_of(vault: Path) -> StatePaths:
    """The state of the vault at `vault`, also while it is away.

    A folder that is a link on a disk that is not mounted has no real path now; its state is the one that was last used
    under its name. Raises ConfigError as `state_paths`.
    """
    state = state_paths(vault)
    if os.path.isdir(vault) or state.root.is_dir():  # noqa: PTH112
        return state
    named = [one for one in all_states() if (owner := owner_of(one)) and owner.vault == vault]
    return max(named, key=lambda one: one.owner.stat().st_mtime_ns, default=state)


def remember_owner(state: StatePaths, vault: Path) -> None:
    """Write down which vault the state is of. For the holder of the lock."""
    write_private(state.owner, json.dumps({"vault": str(vault), "identity": identity_of(vault)}))


def dropped(state: StatePaths) -> Path:
    """Where a state is put that is deleted because another has taken its place."""
    return state.root.with_name(f"{state.root.name}{DROPPED_SUFFIX}")


def clear_up(state: StatePaths) -> None:
    """Delete what a killed process left: copies of the index, with the notes' text. For the holder of the lock."""
    for left in (*state.root.glob(f"{COPY_PREFIX}*"), dropped(state)):
        with suppress(OSError):  # It is tried again at the next start.
            remove_whole(left)


def owner_of(state: StatePaths) -> Owner | None:
    """Which vault the state is of; None when that was not written down, as by earlier versions."""
    try:
        values = json.loads(state.owner.read_text(encoding="utf-8"))
        return Owner(Path(str(values["vault"])), str(values["identity"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def identity_of(folder: Path) -> str:
    """Device and inode of a folder; "" when it is not there."""
    try:
        info = folder.stat()
    except OSError:
        return ""
    return f"{info.st_dev}:{info.st_ino}"


def running(state: StatePaths) -> Runtime | None:
    """The daemon that holds the state now, as far as its file tells."""
    return read_runtime(state) if is_locked(state) else None


def holder_of(port: int) -> Runtime | None:
    """The vault's daemon that listens on this port."""
    daemons = (running(state) for state in all_states())
    return next((one for one in daemons if one is not None and one.port == port), None)


def size_of(state: StatePaths) -> int:
    """Bytes of all the state's files."""
    total = 0
    for folder, _, files in os.walk(state.root):
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118
    return total


def indexed_at(state: StatePaths) -> float | None:
    """When the index was last written to, in seconds since 1970."""
    times = []
    for file in (state.catalog, state.catalog.with_name(f"{state.catalog.name}-wal")):
        with suppress(OSError):
            times.append(file.stat().st_mtime)
    return max(times, default=None)
