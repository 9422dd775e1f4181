"""The memory of processes, asked of the real system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaultbot import processes as module
from vaultbot.processes import processes

_CHILD = "data = bytearray(64 << 20); data[::4096] = b'x' * len(data[::4096]); print('ready', flush=True); input()"


@pytest.mark.parametrize("way", ["proc", "ps"])
def test_a_process_is_told_with_its_children_and_what_they_take(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "ps":
        monkeypatch.setattr(module, "_PROC", Path("/nowhere"))
    with subprocess.Popen(
        # The last word is not read: it makes the command line that of llama.cpp's process.
        [sys.executable, "-c", _CHILD, "vaultbot.adapters.llama_cpp.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        told = {one.pid: one for one in processes()}
        child.communicate("\n")

    assert told[os.getpid()].name == "daemon"
    assert told[os.getpid()].memory > 10_000_000
    assert told[child.pid].name == "llama.cpp"
    assert told[child.pid].memory > 64 << 20


def test_a_process_that_has_ended_takes_nothing() -> None:
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)

    assert processes(int(child.stdout)) == ()
