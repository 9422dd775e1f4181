"""A hundred questions, five hundred hang-ups, sixteen starts

In turns: a hundred clients ask at the same moment; five hundred ask for a streamed answer and hang up after a random
number of tokens, each followed by a whole question; sixteen processes run `vaultbot start` for one vault at once.

Proves: every one of the hundred got an answer or the refusal "queue-full", nine at least an answer, and nothing else;
questions went on being answered after every hang-up; of sixteen starts one daemon came, and all sixteen said so, those
that came late as "already running"; when a trial had settled, the daemon held no more files and threads than after a
first burst that is not counted, and of the catalog's no more than its few readers and the writer need.

Does not prove: how fast (bench/reaction.py), nor anything about clients on another machine, which vaultbot has none of.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from bench.daemon import running_daemon, vaultbot
from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.real_daemon import memory_mb
from tests.gguf_files import scripted_model
from vaultbot.client import Client, find
from vaultbot.errors import AlreadyRunning
from vaultbot.index.connections import KEPT
from vaultbot.launcher import stop
from vaultbot.paths import state_paths
from vaultbot.runtime import read_runtime

_AT_ONCE = 100
_PLACES = 9
_HANG_UPS = 500
_STARTS = 16
#: Connections that are kept alive close after 5 seconds, worker threads end with the first request after 10 idle ones.
_SETTLES_WITHIN_S = 20.0
_QUESTION = "What is in kimchi?"
_NOTE = "# Kimchi\n\nKimchi is made of cabbage, salt and radish. It ferments for five days at room temperature.\n"


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    vault = folder / "vault"
    vault.mkdir()
    (vault / "Kimchi.md").write_text(_NOTE * 20, encoding="utf-8")
    model = scripted_model(folder / "m.gguf", ["Kimchi", " is", " made", " of", " cabbage", "."])
    os.environ.update(VAULTBOT_EMBEDDING_MODEL="none", VAULTBOT_MODEL_PATH=str(model))
    os.environ.update(VAULTBOT_RETRIEVAL_REFUSE_BELOW="0", VAULTBOT_RETRIEVAL_CAUTION_BELOW="0")
    with running_daemon(vault) as client:
        pid = int(client.get("/api/status")["pid"])
        _hundred(client)  # Opens what is kept open: the catalog's readers, the model, a few threads.
        most = _settled(client, Counter())
        # How many of the readers a burst opens is chance; the writer is one more.
        most |= Counter(dict.fromkeys(("catalog.db", "catalog.db-wal"), KEPT + 1))

        def attempt(number: int, rng: random.Random) -> Outcome:
            if number % 3 == 2:
                return _starts(folder / f"starts {number}")
            what, wrong, counts = _hundred(client) if number % 3 == 0 else _hang_ups(client, rng)
            if _asked(client) != 200:
                wrong.append("nobody is answered any more")
            if client.get("/api/status")["pid"] != pid:
                wrong.append("the daemon is another process")
            held = _settled(client, most)
            if more := held - most:
                wrong.append(f"more than after the first burst and the catalog's readers: {dict(more)}")
            figures = {
                "files": float(held.total() - held["threads"]),
                "threads": float(held["threads"]),
                "RSS in MB": memory_mb(pid),
            }
            return Outcome(what, tuple(wrong), counts, figures)

        yield attempt


def _hundred(client: Client) -> tuple[str, list[str], dict[str, int]]:
    with ThreadPoolExecutor(_AT_ONCE) as people:
        statuses = Counter(people.map(lambda _: _asked(client), range(_AT_ONCE)))
    wrong = []
    if set(statuses) - {200, 503} or sum(statuses.values()) != _AT_ONCE:
        wrong.append(f"other answers than 200 and 503: {dict(statuses)}")
    if statuses[200] < _PLACES:
        wrong.append(f"only {statuses[200]} were answered")
    return "a hundred at once", wrong, {f"asked at once: {status}": count for status, count in statuses.items()}


def _asked(client: Client) -> int:
    """The status of a question's answer; a refusal must say that the queue is full."""
    with closing(http.client.HTTPConnection("127.0.0.1", client.runtime.port, timeout=120)) as connection:
        connection.request("POST", "/api/ask", json.dumps({"question": _QUESTION}), client.headers)
        response = connection.getresponse()
        body = json.loads(response.read())
        if response.status == 503:
            assert body["type"] == "/problems/queue-full", body
        return response.status


def _hang_ups(client: Client, rng: random.Random) -> tuple[str, list[str], dict[str, int]]:
    wrong, counts = [], Counter[str]()
    for _ in range(_HANG_UPS):
        events = client.events("POST", "/api/ask", {"question": _QUESTION, "stream": True})
        seen = 0
        for seen, _ in enumerate(events, 1):
            if seen > rng.randrange(12):
                break
        events.close()
        counts["hung up after a few events"] += 1
        if _asked(client) != 200:
            wrong.append(f"the question after a hang-up at event {seen} is not answered")
    return "hang-ups", wrong, counts


def _starts(place: Path) -> Outcome:
    """Sixteen at once, in a home of their own."""
    vault = place / "vault"
    vault.mkdir(parents=True)
    (vault / "Kimchi.md").write_text(_NOTE, encoding="utf-8")
    env = {**os.environ, "VAULTBOT_HOME": str(place / "home")}
    starts = [
        subprocess.Popen(
            [*vaultbot("start"), "--vault", str(vault)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for _ in range(_STARTS)
    ]
    said = [process.communicate(timeout=280)[1].decode() for process in starts]
    codes = Counter(process.returncode for process in starts)
    wrong = [] if codes[0] else ["no start ended well"]
    home = os.environ["VAULTBOT_HOME"]
    os.environ["VAULTBOT_HOME"] = env["VAULTBOT_HOME"]
    try:
        state = state_paths(vault)
        client = find(state)
        if client is None:
            wrong.append("no daemon runs")
        there = f"already running for this vault (pid {client.runtime.pid}, port " if client else ""
        for process, text in zip(starts, said, strict=True):
            if process.returncode and not (process.returncode == AlreadyRunning.exit_code and there in text):
                wrong.append(f"a start ended with {process.returncode}: {text}")
        daemons = _daemons_of(vault)
        if len(daemons) != 1:
            wrong.append(f"{len(daemons)} daemons run: {daemons}")
        stop(state)
        if read_runtime(state) is not None:
            wrong.append("a daemon left its file behind")
    finally:
        os.environ["VAULTBOT_HOME"] = home
    return Outcome("sixteen starts", tuple(wrong), {"starts": _STARTS, "came late": codes[AlreadyRunning.exit_code]})


def _daemons_of(vault: Path) -> list[int]:
    """The processes that serve this vault, once those that came too late have ended."""
    until = time.monotonic() + 30
    while True:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if b"serve" in words and os.fsencode(vault) in words:
                    found.append(int(process.name))
        if len(found) <= 1 or time.monotonic() > until:
            return found
        time.sleep(0.1)


def _held(pid: int) -> Counter[str]:
    """What it has open, by the names of the files, and its threads."""
    held = Counter(threads=len(os.listdir(f"/proc/{pid}/task")))  # noqa: PTH208
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # It has just been closed.
            held[link.readlink().name.partition(":[")[0]] += 1
    return held


def _settled(client: Client, most: Counter[str]) -> Counter[str]:
    """The same as soon as it is no more than `most`, or when everything has had the time to close."""
    pid = client.runtime.pid
    until = time.monotonic() + _SETTLES_WITHIN_S
    while not _held(pid) <= most and time.monotonic() < until:
        time.sleep(1)
        client.get("/api/status")  # Idle threads end only when a request comes.
    return _held(pid)


CAMPAIGN = Campaign("G-12", __doc__, whole=60, sample=1, start=start)
