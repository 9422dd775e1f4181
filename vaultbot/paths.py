"""Where vaultbot keeps things: one config folder, one state folder per vault, and a cache. Never inside the vault.

`VAULTBOT_HOME` moves everything into one folder; otherwise the system's own places are used (platformdirs).
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vaultbot.errors import ConfigError, DiskFull, VaultbotError

#: Begins the name of a folder with a copy of the index, to be looked at; only a kill leaves one behind.
COPY_PREFIX = "doctor-"
#: Ends the name of a state that is about to be deleted, for another has taken its place.
DROPPED_SUFFIX = ".dropped"
#: Below this a disk counts as full: SQLite and Chroma need room to work in.
LEAST_ROOM = 16 * 1024 * 1024
_A_FEW_PAGES = 64 * 1024
_GOES_ON = "and indexing goes on by itself within a minute. Nothing was lost"
#: The end of the message when it does not even start.
START_AGAIN = "and start it again: vaultbot start"


def config_folder() -> Path:
    """The folder of `config.toml`."""
    if home := os.environ.get("VAULTBOT_HOME"):
        return absolute(home)
    from platformdirs import user_config_path

    return user_config_path("vaultbot", appauthor=False)


def state_folder() -> Path:
    """The folder that holds every vault's state."""
    if home := os.environ.get("VAULTBOT_HOME"):
        return absolute(home)
    from platformdirs import user_data_path

    return user_data_path("vaultbot", appauthor=False)


def embedder_cache(vault: Path | None = None) -> Path:
    """The folder of exported embedding models, which all vaults share and which can be deleted at any time.

    Raises ConfigError when it would be inside `vault`.
    """
    return cache_folder(vault) / "embedders"


def measurements(vault: Path | None = None) -> Path:
    """The folder of what was measured of language models on this machine, which can be deleted at any time.

    Raises ConfigError when it would be inside `vault`.
    """
    return cache_folder(vault) / "measured"


def cache_folder(vault: Path | None = None) -> Path:
    """The folder of what all vaults share and can be made again. Raises ConfigError when it would be inside `vault`."""
    if home := os.environ.get("VAULTBOT_HOME"):
        place = absolute(home) / "cache"
    else:
        from platformdirs import user_cache_path

        place = user_cache_path("vaultbot", appauthor=False)
    if vault is not None:
        _refuse_inside(place, os.path.realpath(vault))
    return place


def models_folder() -> Path:
    """The folder of the language models that were pulled, which all vaults share."""
    return state_folder() / "models"


def absolute(path: str | os.PathLike[str], *, base: str | os.PathLike[str] = "") -> Path:
    """The path from `base`, or from the folder one is in; "~" is the home folder. Links are left as they are."""
    return Path(os.path.abspath(os.path.join(base, os.path.expanduser(path))))  # noqa: PTH100, PTH111, PTH118


@dataclass(frozen=True, slots=True)
class StatePaths:
    """The files of one vault's state, all under `root` (mode 0700)."""

    root: Path

    @property
    def catalog(self) -> Path:
        """The SQLite file that records what was read."""
        return self.root / "catalog.db"

    @property
    def suspect(self) -> Path:
        """There once the catalog could not be read back: the next start replaces it. Says where that was met."""
        return self.root / "catalog.suspect"

    @property
    def vectors(self) -> Path:
        """Chroma's folder, rebuilt from the catalog at any doubt."""
        return self.root / "vectors"

    @property
    def next_vectors(self) -> Path:
        """The same for another embedding model, until it has taken over."""
        return self.root / "vectors.next"

    @property
    def vector_owner(self) -> Path:
        """A random number by which a Chroma server keeps this vault's vectors apart from all others."""
        return self.root / "chroma.owner"

    @property
    def prompt(self) -> Path:
        """What the language model has read last, in its own form; mode 0600."""
        return self.root / "prompt.state"

    @property
    def lock(self) -> Path:
        """Held for the daemon's life."""
        return self.root / "lock"

    @property
    def runtime(self) -> Path:
        """Port, pid and start id of the running daemon; mode 0600."""
        return self.root / "daemon.json"

    @property
    def token(self) -> Path:
        """The bearer token; mode 0600."""
        return self.root / "token"

    @property
    def owner(self) -> Path:
        """Which vault the state is of; mode 0600."""
        return self.root / "vault.json"

    @property
    def service(self) -> Path:
        """The options that its service was installed with; mode 0600."""
        return self.root / "service.json"

    @property
    def log(self) -> Path:
        """The daemon's log. Names notes and never quotes them."""
        return self.root / "daemon.log"

    @property
    def decisions(self) -> Path:
        """The SQLite file of what was accepted and dismissed."""
        return self.root / "decisions.db"

    @property
    def ranking(self) -> Path:
        """What was learned of the vault's links, to rank suggestions; it can be deleted at any time."""
        return self.root / "ranking.json"

    @property
    def edits(self) -> Path:
        """The journal of edits made in the vault, and the notes as they were before."""
        return self.root / "edits"

    def create(self) -> None:
        """Make the folder, for the owner only.

        Raises VaultbotError when it cannot be made, or when others could read it.
        """
        try:
            # Every folder on the way, for their names would tell of the vault; `parents=True` gives them no mode.
            for folder in reversed((self.root, *self.root.parents)):
                if not folder.is_dir():
                    folder.mkdir(mode=0o700, exist_ok=True)
            if sys.platform != "win32":
                self.root.chmod(0o700)
                owner = self.root.stat().st_uid
                if owner != os.getuid():
                    raise VaultbotError(
                        f"{self.root} belongs to another user (uid {owner}); set VAULTBOT_HOME to a folder of your own"
                    )
        except OSError as error:
            raise self.unusable(error) from error

    def unusable(self, error: OSError) -> VaultbotError:
        """The error for a state folder that the system does not let us use."""
        return VaultbotError(
            f"cannot use the state folder {self.root}: {error.strerror}; set VAULTBOT_HOME to a folder you can write to"
        )


def state_paths(vault: Path) -> StatePaths:
    """The state of the vault at `vault`: one folder per real path, named for people and unique for the machine.

    Raises ConfigError when it would be inside the vault, where nothing is ever written.
    """
    real = os.path.realpath(vault)
    place = state_folder()
    _refuse_inside(place, real)
    digest = hashlib.blake2b(os.fsencode(real), digest_size=5).hexdigest()
    readable = "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(real).name)[:40] or "vault"
    return StatePaths(place / "vaults" / f"{readable}-{digest}")


def _refuse_inside(place: Path, real_vault: str) -> None:
    if Path(os.path.realpath(place)).is_relative_to(real_vault):
        raise ConfigError(f"vaultbot's own folder {place} is inside the vault; set VAULTBOT_HOME to a folder elsewhere")


def remove_whole(path: Path) -> None:
    """Remove what lies there, if anything: a folder with all that is in it, a file, or a link and not what it leads to.

    Raises OSError.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def says_full(error: BaseException) -> bool:
    """Whether it is the error of a full disk."""
    full_database = isinstance(error, sqlite3.OperationalError) and "full" in str(error)
    return full_database or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT))


@contextmanager
def telling_full_disk(folder: Path) -> Iterator[None]:
    """What the block cannot write because the folder's disk is full is raised as DiskFull."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if says_full(error) or room(folder) < _A_FEW_PAGES:  # SQLite also says "unable to open", or "disk I/O error".
            raise disk_full(folder, then=START_AGAIN) from error
        raise


def room(folder: Path) -> int:
    """The bytes that are free on the folder's disk; plenty where that cannot be told."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return sys.maxsize


def disk_full(folder: Path, *, needed: int = LEAST_ROOM, then: str = _GOES_ON) -> DiskFull:
    """The error for a disk that has no room for about so many bytes; `then` says what happens when it has."""
    needed_mb = max(needed, LEAST_ROOM) // 1024**2 + 1
    return DiskFull(
        f"the disk with {folder} is full: {room(folder) // 1024**2:,} MB are free, and about {needed_mb:,} MB are "
        f"needed; free some space, {then}"
    )
