"""Which vault a command is about: one by name, by folder, the default, or the one that somebody is in."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from vaultbot.config import Config
from vaultbot.config_reader import Settings, name_of_vault
from vaultbot.errors import VaultMissing
from vaultbot.paths import absolute
from vaultbot.states import state_of


@dataclass(frozen=True, slots=True)
class ChosenVault:
    """One vault and the settings that hold for it."""

    name: str | None  #: of `[vaults.NAME]`; None where the settings do not name it
    root: Path  #: absolute; it may be gone
    config: Config


def choose_vault(settings: Settings, wanted: str | None) -> ChosenVault:
    """The vault that is meant by `wanted`, or without it. A name is stronger than a folder of that name here.

    Raises VaultMissing where none is meant, or where a word is neither a name nor a folder.
    """
    if wanted:
        return _named(settings, wanted)
    default = settings.everywhere.vault.path
    if default in settings.vaults:
        return _with_name(settings, default)
    around = default or _vault_around(Path.cwd(), settings)
    if around:
        return _in_folder(settings, absolute(around))
    if len(settings.vaults) == 1:
        return _with_name(settings, *settings.vaults)
    named = f"--vault {_spoken(settings)}" if settings.vaults else "--vault FOLDER"
    raise VaultMissing(f"no vault is named; give {named}, or choose one for good with: {_for_good(settings)}")


def _named(settings: Settings, wanted: str) -> ChosenVault:
    name = name_of_vault(wanted)
    if name in settings.vaults:
        return _with_name(settings, name)
    root = absolute(wanted)
    if settings.vaults and not _is_path(wanted) and not root.is_dir() and not state_of(root).root.is_dir():
        close = difflib.get_close_matches(name.casefold(), {one.casefold(): one for one in settings.vaults}, n=1)
        meant = next((one for one in settings.vaults if close and one.casefold() == close[0]), None)
        hint = f"did you mean {meant}? " if meant else ""
        raise VaultMissing(
            f"no vault is called {wanted}, and there is no such folder here; {hint}"
            f"The settings name {_spoken(settings)}; see: vaultbot vaults"
        )
    return _in_folder(settings, root)


def _is_path(text: str) -> bool:
    return text.startswith(("~", ".")) or any(mark in text for mark in (os.sep, os.altsep) if mark)


def _with_name(settings: Settings, name: str) -> ChosenVault:
    config = settings.vaults[name]
    return ChosenVault(name, Path(config.vault.path), config)


def _in_folder(settings: Settings, root: Path) -> ChosenVault:
    return ChosenVault(settings.name_of(root), root, settings.of(root))


def _vault_around(folder: Path, settings: Settings) -> Path | None:
    """The vault that this folder is in, by Obsidian's own folder in it, or because the settings name it."""
    for place in (folder, *folder.parents):
        if (place / ".obsidian").is_dir() or settings.name_of(place) is not None:
            return place
    return None


def _spoken(settings: Settings) -> str:
    """ "home, work or my notes": the names, for people."""
    *others, last = settings.vaults
    return f"{', '.join(others)} or {last}" if others else last


def _for_good(settings: Settings) -> str:
    return "vaultbot vaults use NAME" if settings.vaults else "vaultbot init"
