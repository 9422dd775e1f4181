"""Services for tests, and programs in the place of a system's own that write down how they are called."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from vaultbot.service.service import Service

SNAPSHOTS = Path(__file__).parent.parent / "snapshots"

#: Everything that a folder's name can hold and a file format may stumble over.
AWKWARD = '/users/ada/100% of $HOME & "Ada\'s" <notes>; #1 \\ ノート'


def service(vault: str = "/users/ada/Notes", **more: str) -> Service:
    state = Path("/users/ada/.local/share/vaultbot/vaults/Notes-0123456789")
    return Service(
        "vaultbot-Notes-0123456789",
        Path(vault),
        ("/opt/vaultbot/bin/python", "-P", "-m", "vaultbot", "serve", "--background", "--vault", vault),
        writable=(state, Path("/users/ada/.cache/vaultbot"), Path(vault)),
        log=state / "daemon.log",
        environment=more,
    )


def assert_is_the_snapshot(content: bytes, name: str) -> None:
    """Written anew by UPDATE_SNAPSHOTS=1."""
    file = SNAPSHOTS / name
    if "UPDATE_SNAPSHOTS" in os.environ:
        file.write_bytes(content)
    assert content == file.read_bytes()


@dataclass(frozen=True)
class Programs:
    """A folder of programs for PATH, and what they were called with."""

    folder: Path

    def add(self, name: str, body: str = "") -> None:
        """A program that writes down its arguments and then runs `body`, which may use `words` and `here`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        program = self.folder / name
        program.write_text(
            f"#!{sys.executable} -P\n"
            "import pathlib, sys\n"
            "words, here = sys.argv[1:], pathlib.Path(__file__).parent\n"
            f"with (here / 'called').open('a') as called: print({name!r}, *words, sep='\\t', file=called)\n{body}",
            encoding="utf-8",
        )
        program.chmod(0o755)

    def called(self) -> list[list[str]]:
        """The calls since the last look."""
        record = self.folder / "called"
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        record.unlink(missing_ok=True)
        return [line.split("\t") for line in lines]

    def words(self) -> list[str]:
        """The same, each call as one text."""
        return [" ".join(call) for call in self.called()]
