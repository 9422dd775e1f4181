"""Every vault that is known on this machine: named in the settings, indexed, or opened in Obsidian."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vaultbot.config_reader import Settings
from vaultbot.errors import ConfigError
from vaultbot.index.roster import count_of
from vaultbot.paths import StatePaths, absolute
from vaultbot.runtime import is_locked
from vaultbot.states import all_states, indexed_at, owner_of, running, size_of, state_of

VaultState = Literal["running", "starting", "stopped", "not indexed", "missing"]


@dataclass(frozen=True, slots=True)
class KnownVault:
    """One vault, and how vaultbot is with it."""

    name: str | None  #: in the settings
    folder: str | None  #: None for an index of an earlier version, which did not say which vault it is of
    default: bool  #: meant where no vault is named
    there: bool  #: the folder is there now
    state: VaultState  #: "missing" when no daemon runs and the folder is not there
    pid: int | None
    port: int | None
    notes: int | None  #: in the index; None when there is none
    indexed_at: float | None  #: when the index was last written to, in seconds since 1970
    bytes: int  #: on the disk, of all that vaultbot keeps of it
    state_folder: str | None
    token_file: str | None


def known_vaults(settings: Settings, opened: Sequence[Path] = ()) -> list[KnownVault]:
    """Those with a name first, as the settings have them; then those with an index; then those `opened` in Obsidian."""
    found: list[KnownVault] = []
    seen: set[StatePaths | Path] = set()
    default = _default(settings)
    for folder in _folders(settings, default, opened):
        state = _state_of(folder)
        if (state or folder) in seen:
            continue
        seen.add(state or folder)
        name = settings.name_of(folder)
        found.append(_known(name, folder, state, default=_is_same(folder, default)))
    unowned = (state for state in all_states() if state not in seen)
    return [*found, *(_known(None, None, state, default=False) for state in unowned)]


def running_states() -> list[StatePaths]:
    """The states of all daemons that run now, whether they are ready or not."""
    return [state for state in all_states() if is_locked(state)]


def _default(settings: Settings) -> Path | None:
    path = settings.everywhere.vault.path
    if path in settings.vaults:
        return Path(settings.vaults[path].vault.path)
    return absolute(path) if path else None


def _folders(settings: Settings, default: Path | None, opened: Sequence[Path]) -> Iterator[Path]:
    yield from (Path(config.vault.path) for config in settings.vaults.values())
    if default is not None:
        yield default
    yield from (owner.vault for state in all_states() if (owner := owner_of(state)) and _state_of(owner.vault) == state)
    yield from opened


def _state_of(folder: Path) -> StatePaths | None:
    try:
        return state_of(folder)
    except ConfigError:  # vaultbot's own folder is in it, so it never was indexed.
        return None


def _is_same(folder: Path, other: Path | None) -> bool:
    return other is not None and os.path.realpath(folder) == os.path.realpath(other)


def _known(name: str | None, folder: Path | None, state: StatePaths | None, *, default: bool) -> KnownVault:
    owner = owner_of(state) if state and folder is None else None
    folder = folder or (owner.vault if owner else None)
    there = folder is not None and folder.is_dir()
    daemon = running(state) if state else None
    notes = count_of(state.catalog) if state else None
    kept = state is not None and state.root.is_dir()
    return KnownVault(
        name=name,
        folder=str(folder) if folder else None,
        default=default,
        there=there,
        state=_how(state, there=there, listens=daemon is not None, indexed=notes is not None),
        pid=daemon.pid if daemon else None,
        port=daemon.port if daemon else None,
        notes=notes,
        indexed_at=indexed_at(state) if state else None,
        bytes=size_of(state) if state and kept else 0,
        state_folder=str(state.root) if state and kept else None,
        token_file=str(state.token) if state and state.token.exists() else None,
    )


def _how(state: StatePaths | None, *, there: bool, listens: bool, indexed: bool) -> VaultState:
    if listens:
        return "running"
    if state and is_locked(state):
        return "starting"
    if not there:
        return "missing"
    return "stopped" if indexed else "not indexed"
