"""How soon a daemon answers after `vaultbot start`: by words, and by meaning.

    python -m bench.start [--vault PATH | --notes 6500] [--rounds 5]

First over a vault that has no index, while it is being made; then, with the whole index, after each of several starts.
An answer is a search that finds a note; by meaning, one that asks for meaning alone.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bench.daemon import home_of_its_own, vaultbot
from bench.machine import machine
from bench.vaults import measured_vault, vault_arguments
from vaultbot.client import Client, find
from vaultbot.errors import VaultbotError
from vaultbot.launcher import stop
from vaultbot.paths import state_paths

_WAYS = {"by words": "lexical", "by meaning": "dense"}


def main() -> None:
    """Measure and print."""
    parser = vault_arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=5, help="starts with the whole index")
    arguments = parser.parse_args()
    print(machine())
    with measured_vault(arguments.vault, notes=arguments.notes) as root, home_of_its_own():
        state, query = state_paths(root), _query(root)
        try:
            began = time.perf_counter()
            print(f"without an index, first answer {_told(_started(root, query))}", flush=True)
            subprocess.run([*vaultbot("index"), "--vault", str(root)], check=True, stdout=subprocess.DEVNULL)
            print(f"the whole index after {time.perf_counter() - began:.0f} s", flush=True)
            rounds = []
            for _ in range(arguments.rounds):
                stop(state)
                rounds.append(_started(root, query))
            median = {way: statistics.median(one[way] for one in rounds) for way in _WAYS}
            print(f"with the whole index, medians of {len(rounds)} starts: first answer {_told(median)}")
        finally:
            stop(state)


def _query(root: Path) -> str:
    """The commonest words of the notes' names: whichever notes are read first, some of them have one."""
    words = Counter(word for note in root.rglob("*.md") for word in note.stem.split() if len(word) > 3)
    return " ".join(word for word, _ in words.most_common(8))


def _started(root: Path, query: str) -> Mapping[str, float]:
    """Seconds from the start until the first answer of each kind."""
    began = time.perf_counter()
    subprocess.Popen([*vaultbot("start"), "--vault", str(root)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took: dict[str, float] = {}
    while len(took) < len(_WAYS):
        client = find(state_paths(root))
        for way, mode in _WAYS.items():
            if client and way not in took and _finds(client, query, mode):
                took[way] = time.perf_counter() - began
        time.sleep(0.05)
    return took


def _finds(client: Client, query: str, mode: str) -> bool:
    try:
        return bool(client.get("/api/search", {"q": query, "mode": mode, "limit": 1})["hits"])
    except VaultbotError:  # It is not ready for that yet.
        return False


def _told(took: Mapping[str, float]) -> str:
    return ", ".join(f"{way} {seconds:.1f} s" for way, seconds in took.items())


if __name__ == "__main__":
    main()
