"""What vaultbot has made on this machine, outside every vault: where it is, how large, and how it is taken away.

Only what stands in the lists below is deleted. Where something else lies among it, nothing is.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vaultbot.errors import VaultbotError
from vaultbot.paths import (
    COPY_PREFIX,
    DROPPED_SUFFIX,
    StatePaths,
    cache_folder,
    config_folder,
    remove_whole,
    state_folder,
)

_STATE_NAME = re.compile(rf".+-[0-9a-f]{{10}}(?:{re.escape(DROPPED_SUFFIX)})?")
_MODEL = re.compile(r".+\.gguf|\..+\.part")
_SETTINGS = "config.toml"


@dataclass(frozen=True, slots=True)
class Belonging:
    """A folder or file of vaultbot's."""

    what: str  #: for people: "index and copies of notes for undo"
    path: Path
    size: int  #: bytes


def states() -> list[StatePaths]:
    """The state of every vault that was ever used."""
    return [StatePaths(folder) for folder in _entries(state_folder() / "vaults") if _STATE_NAME.fullmatch(folder.name)]


def belongings() -> list[Belonging]:
    """Everything, as far as it is there.

    Raises VaultbotError, naming it, when something lies there that vaultbot did not make.
    """
    foreign = sorted(str(path) for path in _foreign())
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise VaultbotError(
            f"vaultbot did not make {', '.join(foreign[:3])}{more}; move that elsewhere, and try again; nothing was "
            "deleted"
        )
    return [
        Belonging(what, path, _size(path))
        for what, path in (
            *(("index, log, decisions, and copies of notes for undo", state.root) for state in states()),
            ("language models that were pulled", state_folder() / "models"),
            ("services as they were registered", state_folder() / "services"),
            ("exported embedding models", cache_folder() / "embedders"),
            ("measured speeds of language models", cache_folder() / "measured"),
            ("settings", config_folder() / _SETTINGS),
        )
        if os.path.lexists(path)
    ]


def delete(things: Iterable[Belonging]) -> None:
    """Delete them, and vaultbot's folders that have become empty. Raises VaultbotError at the first that stays."""
    for thing in things:
        try:
            remove_whole(thing.path)
        except OSError as error:
            raise VaultbotError(
                f"cannot delete {error.filename or thing.path}: {error.strerror}; check its permissions, and try again"
            ) from error
    for folder in (state_folder() / "vaults", cache_folder(), state_folder(), config_folder()):
        try:
            folder.rmdir()
        except OSError:
            continue  # It is gone, or holds what is not vaultbot's.


def _foreign() -> Iterator[Path]:
    """What lies in vaultbot's own folders and does not belong there."""
    for folder in _entries(state_folder() / "vaults"):
        if folder.is_symlink() or not folder.is_dir() or not _STATE_NAME.fullmatch(folder.name):
            yield folder
        else:
            known = _names_of_state()
            yield from (entry for entry in _entries(folder) if not known.fullmatch(entry.name))
    yield from (entry for entry in _entries(state_folder() / "models") if not _MODEL.fullmatch(entry.name))
    for place in (*(state.root for state in states()), *_shared()):
        # Whoever made a link chose where it leads, which may be anywhere.
        if os.path.lexists(place) and (place.is_symlink() or not _is_ours(place)):
            yield place


def _is_ours(path: Path) -> bool:
    return sys.platform == "win32" or path.lstat().st_uid == os.getuid()


def _shared() -> tuple[Path, ...]:
    return (state_folder() / "models", cache_folder() / "embedders", cache_folder() / "measured")


def _names_of_state() -> re.Pattern[str]:
    """The names in a vault's state folder: those of `StatePaths`, with the endings of SQLite, logs and new files, and
    those of copies that a killed process left."""
    here = StatePaths(Path())
    properties = (getattr(here, name) for name, value in vars(StatePaths).items() if isinstance(value, property))
    names = "|".join(sorted(re.escape(path.name) for path in properties))
    return re.compile(rf"(?:{names})(?:[-.].+)?|{COPY_PREFIX}.+")


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _size(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(entry.lstat().st_size for entry in path.rglob("*") if not entry.is_dir() or entry.is_symlink())
