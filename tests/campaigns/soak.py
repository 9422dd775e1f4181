"""A daemon over a long time

With changes every two seconds, and ten minutes without anything to do. The first trial leaves a daemon (`vaultbot
serve`, with the starter's embedding model and no language model loaded) alone for ten minutes, and measures its
processor time and memory. Every other trial is a minute in which a note is changed every two seconds, a new one is
searched for every ten, and the catalog is compared with the vault at the end.

Proves: in the time that was soaked, memory and open files did not grow from the first minute to the last beyond what
the report says; every change was found; the catalog was that of the vault after every minute.

Does not prove: what a month does. Run `make campaign ONLY=G-13 SECONDS=86400` before a release.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.vaults import make_vault
from tests.campaigns.busy_vault import change
from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import in_a_fork
from tests.campaigns.real_daemon import differences_of_catalog, first_run, memory_mb, running
from vaultbot.client import Client, find
from vaultbot.launcher import stop
from vaultbot.paths import StatePaths, state_paths

_NOTES = 200
_EVERY_S = 2.0
_MINUTE_S = 60.0
_IDLE_S = 600.0
_FOUND_WITHIN_S = 60.0


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    os.environ.update(VAULTBOT_HOME=str(folder / "home"), VAULTBOT_SERVER_PORT="0", VAULTBOT_MODEL_PATH="none")
    vault = folder / "vault"
    make_vault(vault, notes=_NOTES)
    state = state_paths(vault)
    with running(vault, state) as process:
        client = find(state)
        assert client is not None
        first_run(client)

        def attempt(number: int, rng: random.Random) -> Outcome:
            if number == 0:
                return _idle(process.pid)
            return _busy(client, vault, state, process.pid, rng)

        yield attempt
        stop(state)


def _idle(pid: int) -> Outcome:
    before = _cpu_s(pid)
    time.sleep(_IDLE_S)
    share = (_cpu_s(pid) - before) / _IDLE_S
    figures = {"idle: % of one core": 100 * share, "idle: RSS in MB": memory_mb(pid), "idle: files": float(_files(pid))}
    return Outcome("ten idle minutes", (), {}, figures)


def _busy(client: Client, vault: Path, state: StatePaths, pid: int, rng: random.Random) -> Outcome:
    until, changes, found_s = time.monotonic() + _MINUTE_S, 0, []
    wrong: list[str] = []
    while time.monotonic() < until:
        began = time.monotonic()
        if changes % 5 == 4:
            found_s.append(_found_after(client, vault, rng, wrong))
        else:
            change(vault, rng)
        changes += 1
        _thin_out(vault, rng)
        time.sleep(max(0.0, began + _EVERY_S - time.monotonic()))
    client.post("/api/index", {"wait": True})
    wrong += in_a_fork(lambda: tuple(differences_of_catalog(vault, state))).result()
    figures = {"RSS in MB": memory_mb(pid), "files": float(_files(pid)), "found after s": max(found_s, default=0.0)}
    return Outcome("a busy minute", tuple(wrong), {"changes": changes}, figures)


def _found_after(client: Client, vault: Path, rng: random.Random, wrong: list[str]) -> float:
    """Seconds until a new note is found."""
    word = f"w{rng.randrange(10**9)}"
    (vault / f"{word}.md").write_text(f"# Fresh\n\nThe word is {word}.\n", encoding="utf-8")
    began = time.monotonic()
    while f"{word}.md" not in [hit["path"] for hit in client.get("/api/search", {"q": word})["hits"]]:
        if time.monotonic() - began > _FOUND_WITHIN_S:
            wrong.append(f"{word}.md is not found a minute after it was saved")
            break
        time.sleep(0.05)
    return time.monotonic() - began


def _thin_out(vault: Path, rng: random.Random) -> None:
    """The vault stays about as large, so that memory says something."""
    notes = sorted(vault.rglob("*.md"))
    for file in rng.sample(notes, max(0, len(notes) - _NOTES)):
        file.unlink()


def _cpu_s(pid: int) -> float:
    """Of the process and its children that have ended."""
    values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in values[11:15]) / os.sysconf("SC_CLK_TCK")


def _files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208


CAMPAIGN = Campaign("G-13", __doc__, whole=1440, sample=0, start=start)
