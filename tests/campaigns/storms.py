"""Storms: every note of a large vault is changed, three times within seconds

As a checkout or a sync program does it: all 10,000 notes are switched to another text, back, and to the other again, in
turns put in place by a rename, deleted and written anew, or written in place. Somebody searches all the time. In every
second storm the daemon is held up meanwhile (SIGSTOP), so that the system's queue of events runs over and most are
lost. Nobody asks the daemon for anything but searches and its status. The first trial is a small one. The daemon is a
process of its own with all its own waits and sizes, and an embedder that costs nothing.

Proves: the daemon got done without a command or a new start; its looks through the vault came one after the other, at
most four after the last change; each search was answered, and with one of the note's two texts, never a mixture; where
notes were put in place by a rename each was found at every moment; the index was then that of a clean build. How much
memory it took, how long searches took, and how often a note was not found that was read while it was empty, is told.

Does not prove: how fast searches are on a machine that does nothing else, for the storm itself takes a core. Of real
sync programs none was at hand.
"""

from __future__ import annotations

import http.client
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.forks import in_a_fork
from tests.campaigns.real_daemon import first_run, memory_mb, running
from tests.campaigns.upkeep import differences, unchanged
from tests.index.crash_child import dump
from vaultbot.client import Client, find
from vaultbot.errors import VaultbotError
from vaultbot.paths import StatePaths

_NOTES = 10_000
_FEW = 200  # of the first trial
_FLIPS = 3
_EVERY_S = 3.0  # a flip
_CALM_SEARCHES = 200
_PAUSE_S = 0.02  # between two searches
_SETTLES_WITHIN_S = 1800.0
_QUIET_S = 3.0  # longer than any wait of the daemon for the next event
_DUMPED_WITHIN_S = 900.0
#: The one under way at the last change, the one that waits, those woken by events that the system tells late, and the
#: second look at what was missing.
_MOST_LOOKS_AFTER = 4
_WORDS = """harbour ledger theorem orchard violin glacier notebook lantern vaccine sonata beehive estuary tariff kettle
archive enzyme telescope market bridge server novel library sensor puppet charter meadow canvas census sketch fungus
neuron queue""".split()


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    def attempt(number: int, rng: random.Random) -> Outcome:
        place = folder / f"trial {number}"
        place.mkdir()
        try:
            how = list(_WAYS)[number // 2 % len(_WAYS)]
            return _storm(place, rng, notes=_NOTES if number else _FEW, how=how, held_up=number % 2 == 1)
        finally:
            shutil.rmtree(place)

    yield attempt


def _storm(place: Path, rng: random.Random, *, notes: int, how: str, held_up: bool) -> Outcome:
    vault, state = place / "vault", StatePaths(place / "state")
    texts = {branch: {_file(vault, number): _text(number, branch) for number in range(notes)} for branch in "ab"}
    for file, text in texts["a"].items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    with running(vault, state, cheap=True) as process:
        client = find(state)
        assert client is not None
        first_run(client)
        calm = Searches(client, notes, rng)
        for _ in range(_CALM_SEARCHES):
            calm.search()
        busy = Searches(client, notes, rng, always_found=how == _BY_RENAME)
        wrong, figures = _through(client, busy, texts, how=how, held_up=held_up)
        with unchanged(vault) as harm:
            process.send_signal(signal.SIGTERM)
            if code := process.wait(60):
                wrong.append(f"the daemon ended with {code}")
            wrong += differences(_dumped(state), _clean(vault, StatePaths(place / "clean")))
    held = ", the daemon held up meanwhile" if held_up else ""
    counts = {"files changed": notes * _FLIPS, "searches": len(busy.took_ms)}
    figures |= {**_times("calm", calm.took_ms), **_times("storm", busy.took_ms)}
    return Outcome(f"{notes:,} notes {how}{held}", (*calm.wrong, *busy.wrong, *wrong, *harm), counts, figures)


def _through(
    client: Client, busy: Searches, texts: Mapping[str, Mapping[Path, str]], *, how: str, held_up: bool
) -> tuple[list[str], dict[str, float]]:
    """Make the storm and wait until the daemon has nothing to do: what was wrong, and the figures."""
    pid = client.runtime.pid
    before, memory = _metrics(client), memory_mb(pid)
    _forget_peak(pid)
    began = time.monotonic()
    if held_up:
        os.kill(pid, signal.SIGSTOP)
        _flip_all(texts, how)
        os.kill(pid, signal.SIGCONT)
    else:
        with busy.going_on():
            _flip_all(texts, how)
    last, after_last = time.monotonic(), _metrics(client)
    with busy.going_on():
        settled = _settled(client, within_s=_SETTLES_WITHIN_S)
    wrong: list[str] = []
    now = _metrics(client)
    looks, looking_s = (now[name] - before[name] for name in ("looks", "looking"))
    if settled is None:
        wrong.append(f"the index does not get done: {client.get('/api/status')['message']}")
        settled = time.monotonic()
    if looking_s > time.monotonic() - began + 1:
        wrong.append(f"{looks:.0f} looks took {looking_s:.1f} s together, so some ran at once")
    if (late := now["looks"] - after_last["looks"]) > _MOST_LOOKS_AFTER:
        wrong.append(f"{late:.0f} looks after the last change")
    return wrong, {
        "changing took s": last - began,
        "done s after the last change": settled - last,
        "looks": looks,
        "looks after the last change": late,
        "events told": now["told"] - before["told"],
        "MB before": memory,
        "MB at most": memory_mb(pid, "VmHWM"),
        "MB afterwards": memory_mb(pid),
        "not found for a moment": float(busy.not_found),
    }


# ── the notes ──────────────────────────────────────────────────────────────────────────────────────────────────


def _file(vault: Path, number: int) -> Path:
    return vault / f"Area {number % 100}" / f"Topic {number}.md"


def _text(number: int, branch: str) -> str:
    """The word `steady…` is in it whatever the branch, and each paragraph names the branch."""
    rng = random.Random(f"{number} {branch}")
    parts = [f"# Topic {number}", f"The steady{number} of [[Topic {number + 1}]] is in branch{branch}."]
    parts += [f"In branch{branch} the {' '.join(rng.choices(_WORDS, k=25))}." for _ in range(4)]
    return "\n\n".join(parts) + "\n"


def _in_place(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _deleted_and_written(file: Path, text: str) -> None:
    file.unlink()
    file.write_text(text, encoding="utf-8")


def _renamed_into_place(file: Path, text: str) -> None:
    aside = file.with_name(f".{file.name}.tmp")
    aside.write_text(text, encoding="utf-8")
    aside.replace(file)


_BY_RENAME = "put in place by a rename"
_WAYS: Mapping[str, Callable[[Path, str], None]] = {
    _BY_RENAME: _renamed_into_place,
    "deleted and written anew": _deleted_and_written,
    "written in place": _in_place,
}


def _flip_all(texts: Mapping[str, Mapping[Path, str]], how: str) -> None:
    """Write them, by branch: the second, the first, the second."""
    began = time.monotonic()
    for flip in range(_FLIPS):
        time.sleep(max(0.0, began + flip * _EVERY_S - time.monotonic()))
        for file, text in texts["ba"[flip % 2]].items():
            _WAYS[how](file, text)


# ── who searches ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Searches:
    """Somebody who looks for one note after the other, and what came of it."""

    client: Client
    notes: int
    rng: random.Random
    always_found: bool = True
    took_ms: list[float] = field(default_factory=list)
    not_found: int = 0
    wrong: list[str] = field(default_factory=list)

    def search(self) -> None:
        number = self.rng.randrange(self.notes)
        began = time.monotonic()
        try:
            hits = self.client.get("/api/search", {"q": f"steady{number}"})["hits"]
        except VaultbotError as error:
            self.wrong.append(f"a search was not answered: {error}")
            return
        self.took_ms.append(1000 * (time.monotonic() - began))
        texts = [hit["text"] for hit in hits if hit["title"] == f"Topic {number}"]
        if not texts:
            self.not_found += 1
            if self.always_found:
                self.wrong.append(f"Topic {number} was not found for a moment")
        elif ("brancha" in texts[0]) == ("branchb" in texts[0]):
            self.wrong.append(f"Topic {number} was told as {texts[0]!r:.300}")

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Until the block ends."""
        enough = threading.Event()

        def search_on() -> None:
            while not enough.wait(_PAUSE_S):
                self.search()

        thread = threading.Thread(target=search_on)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()


def _times(when: str, took_ms: list[float]) -> dict[str, float]:
    cuts = quantiles(took_ms, n=20)
    return {f"{when}: search ms": median(took_ms), f"{when}: p95 ms": cuts[-1], f"{when}: slowest ms": max(took_ms)}


# ── the daemon ─────────────────────────────────────────────────────────────────────────────────────────────────


def _settled(client: Client, *, within_s: float) -> float | None:
    """When the daemon had nothing to do any more and went on so; None when that did not come."""
    until, since, looks = time.monotonic() + within_s, time.monotonic(), -1.0
    while time.monotonic() < until:
        status, now = client.get("/api/status"), _metrics(client)
        if status["state"] != "ready" or status["lag_s"] or now["looks"] != looks:
            since, looks = time.monotonic(), now["looks"]
        elif time.monotonic() - since > _QUIET_S:
            return since
        time.sleep(0.1)
    return None


def _metrics(client: Client) -> dict[str, float]:
    """Of all looks through the vault their number and seconds; the events that the system told."""
    with closing(http.client.HTTPConnection("127.0.0.1", client.runtime.port, timeout=120)) as connection:
        connection.request("GET", "/metrics", headers=client.headers)
        lines = connection.getresponse().read().decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    names = {
        "looks": "vaultbot_index_run_seconds_count",
        "looking": "vaultbot_index_run_seconds_sum",
        "told": "vaultbot_watcher_events",
    }
    return {short: float(values[name]) for short, name in names.items()}


def _forget_peak(pid: int) -> None:
    """From here on VmHWM is the most memory since now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _clean(vault: Path, state: StatePaths) -> dict[str, Any]:
    """What an index of this vault says that has seen no storm."""
    with running(vault, state, cheap=True) as process:
        client = find(state)
        assert client is not None
        first_run(client)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    return _dumped(state)


def _dumped(state: StatePaths) -> dict[str, Any]:
    return in_a_fork(lambda: dump(state.root, 1), limit_s=_DUMPED_WITHIN_S).result()


CAMPAIGN = Campaign("G-17", __doc__, whole=20, sample=1, start=start)
