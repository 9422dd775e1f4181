"""The daemon's beginning and end, as seen from outside: start it in the background, and stop it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import IO

from vaultbot.client import Client, error_kinds, find
from vaultbot.errors import AlreadyRunning, NotRunning, VaultbotError
from vaultbot.paths import LEAST_ROOM, START_AGAIN, StatePaths, disk_full, room
from vaultbot.runtime import is_locked, read_runtime

_START_S = 180.0
_STOP_S = 10.0


def find_or_start(
    state: StatePaths, *, arguments: Sequence[str], start: bool, on_start: Callable[[], None] = lambda: None
) -> Client:
    """The vault's daemon; started in the background when none runs.

    `arguments` are the daemon's command line after `serve`. Raises NotRunning when none runs and `start` is False, and
    what the daemon itself complained of when it could not start.
    """
    client = find(state)
    if client is not None:
        return client
    if not start:
        raise NotRunning("no daemon runs for this vault; start one with: vaultbot start")
    on_start()
    state.create()
    with tempfile.TemporaryFile(dir=state.root) as complaints:
        process = _spawn(arguments, complaints)
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            client = find(state)
            if client is not None:
                if os.name == "posix" and client.runtime.pid != process.pid:
                    process.terminate()  # Somebody else was faster, and ours must not take over when theirs ends.
                return client
            code = process.poll()
            if code == AlreadyRunning.exit_code:
                # Somebody else's daemon is about to answer, or about to end.
                if not is_locked(state):
                    process = _spawn(arguments, complaints)
            elif code is not None:
                raise _failed_start(code, complaints, state)
            time.sleep(0.05)
    raise VaultbotError(f"the daemon did not start within {_START_S:.0f} s; see {state.log}")


def await_daemon(state: StatePaths, *, gave_up: Callable[[], bool]) -> Client:
    """The daemon that a service manager has just started, as soon as it answers.

    Raises VaultbotError when the manager `gave_up`, or when it takes too long.
    """
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        client = find(state)
        if client is not None:
            return client
        if gave_up():
            break
        time.sleep(0.2)
    raise VaultbotError("the service was started and no daemon answers; see: vaultbot service logs")


def _spawn(arguments: Sequence[str], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    # -P: no module is imported from the folder that we happen to be in.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "vaultbot", "serve", "--background", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        start_new_session=True,
    )


def _failed_start(code: int, complaints: IO[bytes], state: StatePaths) -> VaultbotError:
    complaints.seek(0)
    lines = [line for line in complaints.read().decode(errors="replace").splitlines() if line.strip()]
    if not lines and room(state.root) < LEAST_ROOM:  # There was none for a complaint, either.
        return disk_full(state.root, then=START_AGAIN)
    said = lines[-1].removeprefix("error: ") if lines else f"the daemon could not start (exit code {code})"
    kinds = {kind.exit_code: kind for kind in error_kinds(VaultbotError)}
    return kinds.get(code, VaultbotError)(said) if code != VaultbotError.exit_code else VaultbotError(said)


def stop(state: StatePaths) -> bool:
    """End the vault's daemon and wait until it has; one that is still starting is ended as soon as it can be.

    False when none was running. Raises VaultbotError when it does not end.
    """
    if find(state) is None and not is_locked(state):
        return False
    ended: int | None = None  # the process that was told to end
    until = time.monotonic() + _START_S
    while is_locked(state):
        running = read_runtime(state)
        if ended is not None and running is not None and running.pid != ended:
            return True  # It has ended, and somebody has started another one.
        if ended is None and (client := find(state)) is not None:
            ended = client.runtime.pid
            until = time.monotonic() + _STOP_S
            with contextlib.suppress(ProcessLookupError):
                os.kill(ended, signal.SIGTERM)
        if time.monotonic() > until:
            pid = f" (pid {ended})" if ended else ""
            raise VaultbotError(f"the daemon{pid} does not end; see {state.log}")
        time.sleep(0.05)
    return True
