"""Daemons killed at random times while their vault changes

Every trial takes a daemon whose index is up to date, or is yet to be made, does a dozen random things to the vault
while it follows, and sends SIGKILL at a random time; more happens to the vault while no daemon runs. The next daemon
is left alone until it is done, and ended as a person would. One trial in twenty is `vaultbot serve` with the starter's
embedding model; in the others the daemon is a fork, with HTTP, watcher, SQLite and Chroma, and an embedder that costs
nothing.

Proves: no such kill left an index that says anything else than a clean build; no vector that had been kept was made
again; no command was needed; no byte of the vault was changed.

Does not prove: anything about power loss. SIGKILL leaves to the system what was written, a lost power does not; for
that vaultbot relies on SQLite, and drives were not tested.
"""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.campaigns.busy_vault import change, make_vault
from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import in_a_fork
from tests.campaigns.real_daemon import RealDaemons, first_run, kept_vectors
from tests.campaigns.upkeep import ForkedDaemon, clean_build, differences, unchanged
from tests.index.crash_child import dump

_REAL_EVERY = 20
_FIRST_EVERY = 5  # an index that is yet to be made
_CHANGES = 12


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    rng = random.Random("the vault of all kills")
    vault, state = folder / "vault", folder / "state"
    make_vault(vault, rng)
    usual_s = _followed(vault, state)
    real: list[RealDaemons] = []  # made when the first is wanted: it loads the model

    def attempt(number: int, rng: random.Random) -> Outcome:
        if number % _REAL_EVERY == _REAL_EVERY - 1:
            if not real:
                real.append(RealDaemons(folder / "real"))
            return real[0].killed(rng)
        place = folder / f"trial {number}"
        shutil.copytree(vault, place / "vault", symlinks=True)
        first = number % _FIRST_EVERY == 0
        if not first:
            shutil.copytree(state, place / "state")
            _recognise(place / "vault", place / "state")
        outcome = _killed(place / "vault", place / "state", rng, usual_s=usual_s, first=first)
        shutil.rmtree(place)
        return outcome

    yield attempt


def _followed(vault: Path, state: Path) -> float:
    """Make the index of before; how long a daemon takes from its start."""
    began = time.monotonic()
    daemon = ForkedDaemon(vault, state)
    first_run(daemon.client())
    took_s = time.monotonic() - began
    assert daemon.end(signal.SIGTERM) == 0
    return took_s


def _recognise(vault: Path, state: Path) -> None:
    """Let a copied index take a copied vault for the one it knows: a copy at once changed much is rightly refused."""
    there = vault.stat()
    with closing(sqlite3.connect(state / "catalog.db")) as db, db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'identity'", (f"{there.st_dev}:{there.st_ino}",))


def _killed(vault: Path, state: Path, rng: random.Random, *, usual_s: float, first: bool) -> Outcome:
    daemon = ForkedDaemon(vault, state)
    moments = sorted(rng.uniform(0, 2 * usual_s) for _ in range(_CHANGES))
    kill_at = rng.uniform(0, 2 * usual_s)
    began = time.monotonic()
    for moment in (one for one in moments if one < kill_at):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        change(vault, rng)
    time.sleep(max(0.0, began + kill_at - time.monotonic()))
    was = _state_of(state)
    daemon.end(signal.SIGKILL)
    for _ in (one for one in moments if one >= kill_at):
        change(vault, rng)
    kept = kept_vectors(state / "catalog.db")
    with unchanged(vault) as wrong:
        began = time.monotonic()
        healing = ForkedDaemon(vault, state)
        embedded = first_run(healing.client())
        healed_s = time.monotonic() - began
        if code := healing.end(signal.SIGTERM):
            wrong.append(f"the next daemon ended with {code}")
        said = in_a_fork(lambda: dump(state, 1)).result()
        wrong.extend(differences(said, clean_build(vault, state.with_name("clean"))))
        needed = len(kept_vectors(state / "catalog.db") - kept)
        if embedded > needed:
            wrong.append(f"{embedded} texts were embedded, {needed} had no vector")
    return Outcome("first index" if first else "changes", tuple(wrong), {was: 1}, {"healed in s": healed_s})


def _state_of(state: Path) -> str:
    """How far the daemon was that is about to die."""
    if not (state / "daemon.json").exists():
        return "killed before it answered"
    with closing(sqlite3.connect(state / "catalog.db")) as db:
        waiting = db.execute("SELECT count(*) FROM outbox").fetchone()[0]
    return "killed with vectors on their way to Chroma" if waiting else "killed between or while it read"


CAMPAIGN = Campaign("G-2", __doc__, whole=1000, sample=2, start=start)
