"""The processes of vaultbot and their memory, as the system tells it: /proc on Linux, ps on other Unixes.

Windows tells nothing this way.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
#: What a child is for, by the module in its command line.
_CHILDREN = {
    "vaultbot.adapters.llama_cpp": "llama.cpp",
    "onnx_export_child": "export of the embedding model",
    "pdf_child": "PDF reader",
}


@dataclass(frozen=True, slots=True)
class Process:
    """A process and what it takes."""

    name: str  #: "daemon", "llama.cpp"
    pid: int
    memory: int  #: bytes that are in the machine's memory now


def processes(pid: int | None = None, *, name: str = "daemon") -> tuple[Process, ...]:
    """This process or another, as `name`, and all its descendants."""
    pid = pid or os.getpid()
    family = dict(_by_proc(pid) if _PROC.joinpath("self/status").exists() else _by_ps(pid))
    return tuple(
        Process(name if one == pid else _named(command), one, memory) for one, (memory, command) in family.items()
    )


def _named(command: str) -> str:
    return next((words for module, words in _CHILDREN.items() if module in command), Path(command.split(" ")[0]).name)


def _by_proc(pid: int) -> Iterator[tuple[int, tuple[int, str]]]:
    place = _PROC / str(pid)
    try:
        found = re.search(r"^VmRSS:\s+(\d+) kB", place.joinpath("status").read_text(), re.MULTILINE)
        command = place.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        children = [task.joinpath("children").read_text() for task in place.joinpath("task").iterdir()]
    except OSError:  # It has just ended.
        return
    if found:
        yield pid, (int(found[1]) * 1024, command)
    for child in sorted(int(one) for line in children for one in line.split()):
        yield from _by_proc(child)


def _by_ps(pid: int) -> Iterator[tuple[int, tuple[int, str]]]:
    try:
        told = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,rss=,command="],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=5,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return
    family = {pid}
    rows = [line.split(None, 3) for line in told.splitlines()]
    for own, parent, memory, *command in sorted(rows, key=lambda row: int(row[0])):
        if int(own) in family or int(parent) in family:
            family.add(int(own))
            if not " ".join(command).startswith("ps -A"):
                yield int(own), (int(memory) * 1024, " ".join(command))
