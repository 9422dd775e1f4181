"""How a vault's daemon and its clients find each other: the lock, the runtime file and the token."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from vaultbot import faults
from vaultbot.errors import AlreadyRunning, VaultbotError
from vaultbot.paths import START_AGAIN, StatePaths, disk_full, says_full

_LOCK_TRIES = 20
_LOCK_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the runtime file says of the daemon that is running."""

    pid: int
    port: int
    vault: str
    version: str
    ends_when_idle: bool
    name: str | None = None  #: of the vault in the settings, or None


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
            None if values.get("name") is None else str(values["name"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_runtime(state: StatePaths, runtime: Runtime) -> None:
    """Tell clients where the daemon is, for the owner's eyes only."""
    write_private(state.runtime, json.dumps(asdict(runtime)))


@contextmanager
def hold_lock(state: StatePaths) -> Iterator[None]:
    """Hold the vault's state for as long as the block runs. A killed process leaves no lock behind.

    What the runtime file says of an earlier holder is removed.
    Raises AlreadyRunning when another process holds it, VaultbotError when the state folder cannot be used.
    """
    try:
        descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise state.unusable(error) from error
    try:
        if not _lock_soon(descriptor):
            running = read_runtime(state)
            where = f" (pid {running.pid}, port {running.port})" if running else ""
            raise AlreadyRunning(
                f"vaultbot is already running for this vault{where}; see: vaultbot status, or end it: vaultbot stop"
            )
        state.runtime.unlink(missing_ok=True)
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)


@contextmanager
def hold_file(file: Path, *, at_most_s: float) -> Iterator[bool]:
    """Hold a lock file for as long as the block runs; False when another process kept it for `at_most_s`."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        until = time.monotonic() + at_most_s
        while not (held := _try_lock(descriptor, shared=False)) and time.monotonic() < until:
            time.sleep(_LOCK_PAUSE_S)
        yield held
    finally:
        os.close(descriptor)


def _lock_soon(descriptor: int) -> bool:
    # Whoever asks `is_locked` holds the lock for a moment, and must not be taken for a daemon.
    for _ in range(_LOCK_TRIES):
        if _try_lock(descriptor, shared=False):
            return True
        time.sleep(_LOCK_PAUSE_S)
    return False


def is_locked(state: StatePaths) -> bool:
    """Whether a daemon holds the vault's state at this moment."""
    try:
        descriptor = os.open(state.lock, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def read_token(state: StatePaths) -> str:
    """The vault's bearer token.

    Raises VaultbotError when there is none, when others may read the file, or when it holds something else.
    """
    try:
        descriptor = os.open(state.token, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
            if sys.platform != "win32" and stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
                raise VaultbotError(f"others may read {state.token}; delete it, and the next start makes a new one")
            token = file.read().strip()
    except OSError as error:
        raise VaultbotError(
            f"cannot read {state.token}: {error.strerror}; delete it, and the next start makes a new one"
        ) from error
    if len(token) < 32 or not token.isascii():
        raise VaultbotError(f"{state.token} holds no token; delete it, and the next start makes a new one")
    return token


def make_token(state: StatePaths) -> str:
    """The same, made of 256 random bits when there is none. For the holder of the lock. Raises as `read_token`."""
    if not os.path.lexists(state.token):
        write_private(state.token, _new_token())
    return read_token(state)


class Token:
    """The vault's bearer token, which may be changed while its daemon runs. `keep` puts a new one into the file."""

    def __init__(self, value: str, *, keep: Callable[[str], None] = lambda _value: None) -> None:
        self.value = value
        self._keep = keep
        self._changing = threading.Lock()

    def rotate(self) -> None:
        """Have another one from now on. Raises VaultbotError when it cannot be kept, and then the old one stays."""
        with self._changing:
            value = _new_token()
            self._keep(value)
            self.value = value


def token_of(state: StatePaths) -> Token:
    """The vault's token with its file. For the holder of the lock. Raises as `read_token`."""
    return Token(make_token(state), keep=lambda value: write_private(state.token, value))


def renew_token(state: StatePaths) -> None:
    """Have another token for the next daemon, whatever became of the one before. For the holder of the lock."""
    write_private(state.token, _new_token())


def _new_token() -> str:
    import secrets

    return secrets.token_urlsafe(32)


def write_private(path: Path, text: str) -> None:
    """Put the file there whole, for the owner's eyes only. One process writes it: the holder of the lock."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        faults.point("runtime.before-replace")
        temporary.replace(path)
    except OSError as error:
        if says_full(error):
            raise disk_full(path.parent, then=START_AGAIN) from error
        raise VaultbotError(f"cannot write {path}: {error.strerror}; change the folder's permissions") from error


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, *, shared: bool) -> bool:  # noqa: ARG001
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def forget_runtime(state: StatePaths, *, pid: int) -> None:
    """Remove the runtime file, if it is this process's."""
    running = read_runtime(state)
    if running is not None and running.pid == pid:
        with contextlib.suppress(OSError):
            Path(state.runtime).unlink()


def is_challenge(text: str) -> bool:
    """Whether `text` is a challenge: 32 hexadecimal digits."""
    return re.fullmatch(r"[0-9a-fA-F]{32}", text) is not None


def prove(token: str, port: int, challenge: str) -> str:
    """The proof, 64 hexadecimal digits, that whoever listens on `port` knows `token`.

    Another user of the machine may have taken the port first. So a client sends a fresh challenge, compares
    the proof with its own, and sends the token only then. The port is in it: a proof got elsewhere is of no
    use.
    """
    return hmac.new(token.encode(), f"vaultbot-v1:{port}:{challenge}".encode(), hashlib.sha256).hexdigest()
