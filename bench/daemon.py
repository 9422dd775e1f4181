"""A real daemon to measure: started by the command line, in a home of its own, ended when the block ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from vaultbot.client import Client, find
from vaultbot.launcher import stop
from vaultbot.paths import state_paths


@contextmanager
def running_daemon(vault: Path) -> Iterator[Client]:
    """The client of a daemon that has indexed the vault, in a home of its own."""
    with home_of_its_own():
        state = state_paths(vault)
        try:
            subprocess.run([*vaultbot("start"), "--vault", str(vault)], check=True, stdout=subprocess.DEVNULL)
            client = find(state)
            assert client is not None
            yield client
        finally:
            stop(state)


@contextmanager
def home_of_its_own() -> Iterator[None]:
    """Until the block ends, VAULTBOT_HOME is a new empty folder."""
    with TemporaryDirectory(prefix="vaultbot-bench-") as home:
        # Our own children look for the same daemon.
        os.environ.update(VAULTBOT_HOME=home, VAULTBOT_SERVER_PORT="0")
        yield


def vaultbot(*arguments: str) -> list[str]:
    """The command line of `vaultbot` with the Python that runs this."""
    return [sys.executable, "-m", "vaultbot", *arguments]
