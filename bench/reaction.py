"""How soon the daemon notices and obeys: a saved note is found, a SIGTERM ends it.

    python -m bench.reaction [--vault PATH | --notes N] [--rounds 10]

The promises: found within two seconds of the last write on an idle vault, ended within five seconds.
"""

from __future__ import annotations

import os
import signal
import statistics
import time
from pathlib import Path

from bench.daemon import running_daemon
from bench.machine import machine
from bench.vaults import measured_vault, vault_arguments
from vaultbot.client import Client, find
from vaultbot.paths import state_paths


def main() -> None:
    """Measure and print."""
    parser = vault_arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=10, help="notes saved")
    arguments = parser.parse_args()
    print(machine())
    with measured_vault(arguments.vault, notes=arguments.notes) as root, running_daemon(root) as client:
        found = [_seconds_until_found(root, client, f"zyx{n}word") for n in range(arguments.rounds)]
        print(
            f"saved note found after: p50 {statistics.median(found):.2f} s, at most {max(found):.2f} s (promised: 2 s)"
        )
        print(f"SIGTERM to end: {_seconds_until_ended(root, client):.2f} s (promised: 5 s)")


def _seconds_until_found(root: Path, client: Client, word: str) -> float:
    (root / f"{word}.md").write_text(f"A new note about {word}.\n", encoding="utf-8")
    written = time.perf_counter()
    while not any(hit["title"] == word for hit in client.get("/api/search", {"q": word})["hits"]):
        time.sleep(0.02)
    took = time.perf_counter() - written
    time.sleep(1)  # The vault is idle again.
    return took


def _seconds_until_ended(root: Path, client: Client) -> float:
    began = time.perf_counter()
    os.kill(client.runtime.pid, signal.SIGTERM)
    while find(state_paths(root)) is not None or Path(f"/proc/{client.runtime.pid}").exists():
        time.sleep(0.02)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
