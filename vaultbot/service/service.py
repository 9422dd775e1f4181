"""What a service is to vaultbot, and what a system's service manager must do for it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vaultbot.errors import InvalidRequest, VaultbotError
from vaultbot.paths import StatePaths

_COMMAND_S = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """One vault's daemon, as a service manager is to run it."""

    name: str  #: of letters, digits and "-" of ASCII; unique on the machine
    vault: Path
    command: tuple[str, ...]  #: the program, an absolute path, and its arguments
    writable: tuple[Path, ...]  #: the folders that it may write into
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command of the system did."""

    code: int
    text: str  #: both outputs, without blanks around them


class Manager(Protocol):
    """A system's service manager. Every method but `file` and `written` raises VaultbotError when it fails."""

    name: str  #: for people: "systemd"

    def file(self, name: str) -> Path:
        """Where the service is described. It is installed when this file is there."""

    def written(self, service: Service) -> bytes:
        """What stands in that file. Raises InvalidRequest where a path cannot be written there."""

    def check(self) -> None:
        """Raises VaultbotError, with what to do instead, where the manager does not run."""

    def install(self, service: Service) -> None:
        """Write the file, have the service started at every login, and start it."""

    def uninstall(self, name: str) -> None:
        """End the service and take away everything that `install` made; also where the manager does not run."""

    def start(self, name: str) -> None:
        """Start it, unless it runs."""

    def stop(self, name: str) -> None:
        """End it until the next login, or until it is started."""

    def gave_up(self, name: str) -> bool:
        """Whether it has failed since it was last started, as far as the manager tells."""

    def state(self, name: str) -> str:
        """How it is, in the manager's own words."""


def service_name(state: StatePaths) -> str:
    """The name of a vault's service: after its state folder, in letters that every system bears."""
    readable = state.root.name.rpartition("-")[0]
    plain = unicodedata.normalize("NFKD", readable).encode("ascii", "ignore").decode()
    kept = re.sub("[^A-Za-z0-9]+", "-", plain).strip("-")
    # Of the whole path: with another VAULTBOT_HOME, the same vault has another service.
    digest = hashlib.blake2b(os.fsencode(os.path.realpath(state.root)), digest_size=5).hexdigest()
    return "-".join(part for part in ("vaultbot", kept, digest) if part)


def installed(state: StatePaths) -> tuple[Manager, str] | None:
    """The service of a vault, as its manager and its name; None where there is none."""
    try:
        manager = manager_of()
    except VaultbotError:
        return None
    name = service_name(state)
    return (manager, name) if manager.file(name).exists() else None


def manager_of(platform: str = sys.platform) -> Manager:
    """This system's service manager. Raises VaultbotError where there is none that vaultbot knows."""
    if platform == "linux":
        from vaultbot.service.systemd import Systemd

        return Systemd()
    if platform == "darwin":
        from vaultbot.service.launchd import Launchd

        return Launchd()
    if platform == "win32":
        from vaultbot.service.task_scheduler import TaskScheduler

        return TaskScheduler()
    raise VaultbotError(f"services are not known on {platform}; have your system run at login: vaultbot start")


def say(words: Sequence[str]) -> Said:
    """Run a command of the system. Raises VaultbotError when it is not there or does not end."""
    program = shutil.which(words[0])
    if program is None:
        raise VaultbotError(f"this system has no {words[0]}; without a service, run: vaultbot start")
    # Its words are looked at, and translated ones could not be.
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        ran = subprocess.run(
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise VaultbotError(f"{words[0]} did not end within {_COMMAND_S:.0f} s; see: vaultbot service logs") from error
    return Said(ran.returncode, (ran.stdout + ran.stderr).decode(errors="replace").strip())


def must(words: Sequence[str]) -> str:
    """The same for a command that has to work; what it said. Raises VaultbotError with that when it fails."""
    said = say(words)
    if said.code:
        last = said.text.splitlines()[-1] if said.text else f"exit code {said.code}"
        raise VaultbotError(f"{' '.join(words)}: {last}; see: vaultbot service logs")
    return said.text


def check_text(service: Service) -> None:
    """Raises InvalidRequest for a path that no service's file can hold: with a line break, or of no valid text."""
    texts = [*service.command, *map(str, service.writable), str(service.log), *service.environment.values()]
    for text in texts:
        if any(unicodedata.category(c) in ("Cc", "Cs") or c in "\u2028\u2029\ufffe\uffff" for c in text):
            raise InvalidRequest(
                f"{text!r} has a character that no service can be given; rename that folder, or run: vaultbot start"
            )


def write(file: Path, content: bytes) -> None:
    """Put the file there as a whole, for the owner to change alone."""
    new = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(content)
        new.chmod(0o600)
        new.replace(file)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise VaultbotError(f"cannot write {file}: {error.strerror}; check the folder's permissions") from error


def remove(file: Path, *, folders: int) -> None:
    """Take the file away, and up to so many folders above it that have become empty."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise VaultbotError(f"cannot delete {file}: {error.strerror}; check the folder's permissions") from error
    for folder in list(file.parents)[:folders]:
        try:
            folder.rmdir()
        except OSError:
            return
