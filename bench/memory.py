"""How much memory the daemon and the language model's process take, before and after the first question (Linux).

    python -m bench.memory --notes 500
    python -m bench.memory --vault ~/Notes

Resident memory counts the pages of files that are mapped, such as the model, which the system takes back when it needs
them; "own" is what it cannot take back.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.daemon import running_daemon
from bench.machine import machine
from bench.vaults import measured_vault, note_files, vault_arguments
from vaultbot.client import Client

_PROC = Path("/proc")
_SETTLE_S = 3.0
_QUESTIONS = 30


def main() -> None:
    given = vault_arguments(__doc__).parse_args()
    if not (_PROC / "self" / "status").exists():
        raise SystemExit("memory is read from /proc, which this system does not have")
    print(machine())
    with measured_vault(given.vault, notes=given.notes) as root, running_daemon(root) as client:
        status = client.get("/api/status")
        print(f"vault: {given.vault or 'made by bench.vaults'}, {status['notes']} notes, {status['chunks']} passages\n")
        print(f"{'MiB':36}{'resident':>10}{'own':>8}{'peak':>8}")
        time.sleep(_SETTLE_S)
        _print_memory(client.runtime.pid, "idle, vault indexed")
        client.get("/api/search", {"q": "what is in here?"})
        _print_memory(client.runtime.pid, "after a search")
        answer = _asked(client, root)
        time.sleep(_SETTLE_S)
        _print_memory(client.runtime.pid, "after a question")
        print(f"\n{answer['question']} {answer['tokens']['completion']} tokens by {answer['model'] or 'no model'}")


def _asked(client: Client, root: Path) -> Any:
    """The first answer that the model had a part in: a weak match is answered in quotes alone, without it."""
    for file in note_files(root)[:_QUESTIONS]:
        answer = client.post("/api/ask", {"question": f"what is {file.stem}?"})
        if answer["tokens"]["completion"]:
            break
    return answer


def _print_memory(daemon: int, when: str) -> None:
    for name, pid in (("daemon", daemon), *(("model's process", child) for child in _children(daemon))):
        values = _status(pid)
        sizes = (int(values[key].split()[0]) / 1024 for key in ("VmRSS", "RssAnon", "VmHWM"))
        print(
            f"{when + ': ' + name:36}"
            + "".join(f"{size:{width}.0f}" for size, width in zip(sizes, (10, 8, 8), strict=True))
        )


def _children(pid: int) -> list[int]:
    found = []
    for tasks in (_PROC / str(pid) / "task").glob("*/children"):
        found += [int(child) for child in tasks.read_text().split()]
    return found


def _status(pid: int) -> dict[str, str]:
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


if __name__ == "__main__":
    main()
