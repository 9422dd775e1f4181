"""A person's machine for a test: a vault, a home for vaultbot's state, and the real command line."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaultbot.client import Client, find
from vaultbot.paths import StatePaths, state_paths

#: Words alone, so that a daemon is up in a second.
NO_MODELS = {"VAULTBOT_EMBEDDING_MODEL": "none", "VAULTBOT_MODEL_PATH": "none"}

_OWN = ("VAULTBOT_", "XDG_", "NO_COLOR", "PYTHONIOENCODING", "COLUMNS")


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on standard error."""
        assert self.err.startswith("error: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("error: ").strip()


@dataclass(frozen=True)
class Machine:
    """`folder` holds everything; nothing else of the real machine is seen or touched."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(NO_MODELS))

    @property
    def vault(self) -> Path:
        return self.folder / "Notes"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def state(self) -> StatePaths:
        return StatePaths(self.home / "vaults" / state_paths(self.vault).root.name)

    def write(self, path: str, text: str) -> Path:
        file = self.vault / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def env(self, **more: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        own = {"VAULTBOT_HOME": str(self.home), "VAULTBOT_SERVER_PORT": "0"}
        return {**inherited, **own, **self.environment, **more}

    def popen(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """`vaultbot` with these words and variables, without the vault's name."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "vaultbot", *arguments],
            env=self.env(**more),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *arguments: str, **more: str) -> Ran:
        """The same, until it has ended."""
        with self.popen(*arguments, **more) as process:
            out, err = process.communicate(timeout=120)
        return Ran(process.returncode, out, err)

    def vaultbot(self, *arguments: str, **more: str) -> Ran:
        """A command about the vault."""
        return self.run("--vault", str(self.vault), *arguments, **more)

    @contextlib.contextmanager
    def serve(self, *arguments: str, indexed: bool = True, **more: str) -> Iterator[subprocess.Popen[str]]:
        """A daemon in the foreground, for the length of a `with`; `indexed` after it has looked through the vault."""
        process = self.popen("serve", "--vault", str(self.vault), *arguments, **more)
        try:
            until(lambda: find(self.state) is not None or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            if indexed:
                until(lambda: self.client().get("/api/status")["state"] not in ("starting", "indexing"))
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.communicate(timeout=30)
            finally:
                process.kill()

    def client(self) -> Client:
        client = find(self.state)
        assert client is not None
        return client

    def paths_found(self, query: str) -> list[str]:
        return [hit["path"] for hit in self.client().get("/api/search", {"q": query})["hits"]]


def until(happened: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for something; generous, because it says whether and not how fast."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.03)


@contextlib.contextmanager
def machine_in(folder: Path, *, environment: Mapping[str, str] = NO_MODELS) -> Iterator[Machine]:
    """A machine with an empty vault; its daemon is ended with it."""
    machine = Machine(folder, dict(environment))
    machine.vault.mkdir(parents=True)
    try:
        yield machine
    finally:
        if machine.vault.is_dir():
            machine.vaultbot("stop")


def fingerprint(folder: Path) -> str:
    """Every byte, name, mode and time of a folder, as one number."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        digest.update(f"{path.relative_to(folder)} {info.st_mode} {info.st_mtime_ns}\n".encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()
