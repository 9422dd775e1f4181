"""How a vault's daemon and its clients find each other: the lock, the runtime file and the token."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from vaultbot.errors import AlreadyRunning, VaultbotError
from vaultbot.paths import StatePaths


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the runtime file says of the daemon that is running."""

    pid: int
    port: int
    vault: str
    version: str
    ends_when_idle: bool


def read_runtime(state: StatePaths) -> Runtime | None:
    """The running daemon, as far as the file tells; it may have died since."""
    try:
        values = json.loads(state.runtime.read_text(encoding="utf-8"))
        return Runtime(
            int(values["pid"]),
            int(values["port"]),
            str(values["vault"]),
            str(values["version"]),
            bool(values["ends_when_idle"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_runtime(state: StatePaths, runtime: Runtime) -> None:
    """Tell clients where the daemon is, for the owner's eyes only."""
    temporary = state.runtime.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(runtime), file)
    temporary.replace(state.runtime)


@contextmanager
def hold_lock(state: StatePaths) -> Iterator[None]:
    """Hold the vault's state for as long as the block runs. A killed process leaves no lock behind.

    Raises AlreadyRunning when another process holds it.
    """
    descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if not _try_lock(descriptor):
            running = read_runtime(state)
            where = f" (pid {running.pid}, port {running.port})" if running else ""
            raise AlreadyRunning(
                f"vaultbot is already running for this vault{where}; see: vaultbot status, or end it: vaultbot stop"
            )
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def is_locked(state: StatePaths) -> bool:
    """Whether a daemon holds the vault's state at this moment."""
    try:
        descriptor = os.open(state.lock, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def read_token(state: StatePaths) -> str:
    """The vault's bearer token; made at the first call, 256 random bits.

    Raises VaultbotError when others may read the file.
    """
    with contextlib.suppress(FileExistsError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(state.token, flags, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
    descriptor = os.open(state.token, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, encoding="ascii") as file:
        if sys.platform != "win32" and stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            raise VaultbotError(f"others may read {state.token}; delete it, and vaultbot makes a new one")
        token = file.read().strip()
    if len(token) < 32:
        raise VaultbotError(f"{state.token} holds no token; delete it, and vaultbot makes a new one")
    return token


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def forget_runtime(state: StatePaths, *, pid: int) -> None:
    """Remove the runtime file, if it is this process's."""
    running = read_runtime(state)
    if running is not None and running.pid == pid:
        with contextlib.suppress(OSError):
            Path(state.runtime).unlink()
