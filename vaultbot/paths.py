"""Where vaultbot keeps things: one config folder, and one state folder per vault. Never inside the vault.

`VAULTBOT_HOME` moves everything into one folder; otherwise the system's own places are used (platformdirs).
"""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from vaultbot.errors import VaultbotError


def config_folder() -> Path:
    """The folder of `config.toml`."""
    if home := os.environ.get("VAULTBOT_HOME"):
        return Path(home).expanduser()
    from platformdirs import user_config_path

    return user_config_path("vaultbot", appauthor=False)


def state_folder() -> Path:
    """The folder that holds every vault's state."""
    if home := os.environ.get("VAULTBOT_HOME"):
        return Path(home).expanduser()
    from platformdirs import user_data_path

    return user_data_path("vaultbot", appauthor=False)


@dataclass(frozen=True, slots=True)
class StatePaths:
    """The files of one vault's state, all under `root` (mode 0700)."""

    root: Path

    @property
    def catalog(self) -> Path:
        """The SQLite file that records what was read."""
        return self.root / "catalog.db"

    @property
    def vectors(self) -> Path:
        """Chroma's folder, rebuilt from the catalog at any doubt."""
        return self.root / "vectors"

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
    def log(self) -> Path:
        """The daemon's log. Names notes and never quotes them."""
        return self.root / "daemon.log"

    def create(self) -> None:
        """Make the folder, for the owner only.

        Raises VaultbotError when it cannot be made, or when others could read it.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if sys.platform != "win32":
                self.root.chmod(0o700)
                owner = self.root.stat().st_uid
                if owner != os.getuid():
                    raise VaultbotError(
                        f"{self.root} belongs to another user (uid {owner}); set VAULTBOT_HOME to a folder of your own"
                    )
        except OSError as error:
            raise VaultbotError(
                f"cannot use the state folder {self.root}: {error.strerror}; "
                "set VAULTBOT_HOME to a folder you can write to"
            ) from error


def state_paths(vault: Path) -> StatePaths:
    """The state of the vault at `vault`: one folder per real path, named for people and unique for the machine."""
    real = os.path.realpath(vault)
    digest = hashlib.blake2b(os.fsencode(real), digest_size=5).hexdigest()
    readable = "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(real).name)[:40] or "vault"
    return StatePaths(state_folder() / "vaults" / f"{readable}-{digest}")
