"""What a vault's service was installed with, so that it can be installed again, for another folder or port."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from vaultbot.paths import StatePaths
from vaultbot.runtime import write_private


@dataclass(frozen=True, slots=True)
class InstallOptions:
    """The options of `vaultbot service install`, but for the vault's."""

    port: int | None = None
    read_only: bool = False
    config: str | None = None  #: an absolute path
    verbose: bool = False

    def command(self, vault: Path) -> str:
        """The line that installs such a service for this vault, for a shell."""
        words = ["vaultbot", "service", "install", "--vault", str(vault)]
        if self.port is not None:
            words += ["--port", str(self.port)]
        if self.read_only:
            words.append("--read-only")
        if self.config is not None:
            words += ["--config", self.config]
        if self.verbose:
            words.append("--verbose")
        return shlex.join(words)


def remember_options(state: StatePaths, options: InstallOptions) -> None:
    """Write them down. Raises VaultbotError when the file cannot be written."""
    write_private(state.service, json.dumps(asdict(options)))


def options_of(state: StatePaths) -> InstallOptions:
    """As they were written down; those of a plain installation when they were not, as by earlier versions."""
    try:
        return InstallOptions(**json.loads(state.service.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return InstallOptions()
