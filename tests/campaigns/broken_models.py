"""Broken model files, and a model's process that is killed at random moments

Each file is a small model of which up to four random bytes are changed, half of them in its header, and each is asked
a question. In every tenth trial the starter's process is killed at a random moment of a question, and asked again.
One daemon (`vaultbot serve`) runs all the while, and is asked for its health ten times a second.

Proves: no file and no kill ended the daemon; /health answered all the while; who had asked was told, with quotes in
place of the model's answer; a whole model answered after.

Does not prove: that a file made by somebody who knows llama.cpp's weaknesses only crashes it. The model's process has a
scrubbed environment and no way to write into the vault, but is no full sandbox.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from bench.daemon import running_daemon
from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.gguf_files import scripted_model
from vaultbot.client import Client
from vaultbot.errors import ModelInvalid
from vaultbot.models.starter import starter_chat_model

_QUESTION = "How many days does kimchi ferment at room temperature?"
_NOTE = "# Kimchi\n\nKimchi ferments for five days at room temperature, in a jar that is not quite full.\n"
_LONG = "\n\n".join(
    f"Jar {n} of kimchi ferments for {n} days in the cellar behind the garden house." for n in range(60)
)
_CHANGES = 4  # bytes at most
_HEADER = 6000  # bytes at the start, where the settings and the shapes are
_KILL_EVERY = 10


@dataclass
class Story:
    """What happened in one trial."""

    untold: list[str] = field(default_factory=list)
    health_s: list[float] = field(default_factory=list)


@contextlib.contextmanager
def start(folder: Path) -> Iterator[Try]:
    vault = folder / "vault"
    vault.mkdir()
    (vault / "Kimchi.md").write_text(f"{_NOTE}\n{_LONG}\n", encoding="utf-8")
    os.environ.update(VAULTBOT_EMBEDDING_MODEL="none", VAULTBOT_MODEL_PATH="none")
    # Words alone are weak evidence, and here the model is to be asked in any case.
    os.environ.update(VAULTBOT_RETRIEVAL_REFUSE_BELOW="0", VAULTBOT_RETRIEVAL_CAUTION_BELOW="0")
    whole = scripted_model(folder / "whole.gguf", ["Kimchi", " ferments", " for", " five", " days", "."])
    with running_daemon(vault) as client:
        pid = client.get("/api/status")["pid"]

        def attempt(number: int, rng: random.Random) -> Outcome:
            story = Story()
            with watched(client, story):
                if number % _KILL_EVERY == _KILL_EVERY - 1:
                    outcome = _killed(client, folder, story, number, rng)
                else:
                    outcome = _mutant(client, whole, story, number, rng)
            if client.get("/api/status")["pid"] != pid:
                story.untold.append("the daemon is another process")
            return Outcome(outcome, tuple(story.untold), {}, {"/health in s": max(story.health_s, default=0.0)})

        yield attempt


@contextlib.contextmanager
def watched(client: Client, story: Story, *, every_s: float = 0.1) -> Iterator[None]:
    """Ask /health all the while."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            began = time.perf_counter()
            connection = HTTPConnection("127.0.0.1", client.runtime.port, timeout=60)
            with contextlib.closing(connection):
                connection.request("GET", "/health")
                assert connection.getresponse().status == 200
            story.health_s.append(time.perf_counter() - began)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _mutant(client: Client, whole: Path, story: Story, number: int, rng: random.Random) -> str:
    """Ask a broken model, and then a whole one."""
    mutant = bytearray(whole.read_bytes())
    for _ in range(rng.randint(1, _CHANGES)):
        mutant[rng.randrange(_HEADER if number % 2 else len(mutant))] = rng.randrange(256)
    path = whole.with_name(f"mutant-{number}.gguf")
    path.write_bytes(mutant)
    outcome = _asked(client, path, story)
    path.unlink()
    if number % _KILL_EVERY == 0 and _asked(client, whole, story) != "answers":
        story.untold.append("the whole model does not answer after all that")
    return f"a broken model {outcome}"


def _killed(client: Client, folder: Path, story: Story, number: int, rng: random.Random) -> str:
    """Kill the starter's process at a random moment of a question about a long note, and ask again."""
    starter = starter_chat_model()
    assert starter is not None
    # Of each model's processes two may die, so each is a model of its own.
    path = folder / f"starter-{number}.gguf"
    path.symlink_to(starter)
    moment = rng.uniform(0, 1.0)
    if rng.random() < 0.5:  # One that is loaded already: somewhere in the answer.
        _asked(client, path, story)
        began = time.perf_counter()
        _asked(client, path, story)
        moment = rng.uniform(0, 1.2 * (time.perf_counter() - began))
    phase = _killed_in_a_question(client, path, story, moment)
    if _asked(client, path, story) != "answers":
        story.untold.append(f"{path.name} does not answer after a kill while {phase}")
    path.unlink()
    return f"killed while {phase}"


def _killed_in_a_question(client: Client, path: Path, story: Story, moment: float) -> str:
    """Ask, kill the process after a moment; what it was doing."""
    before, over = [""], threading.Event()
    daemon = client.get("/api/status")["pid"]

    def kill() -> None:
        over.wait(moment)
        while not (child := _model_process(daemon)) and not over.is_set():
            time.sleep(0.005)
        if child:
            before[0] = _how_far(child)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
                while _lives(child):  # It takes a moment to die.
                    time.sleep(0.005)

    killer = threading.Thread(target=kill)
    killer.start()
    answer = client.post("/api/ask", {"question": _QUESTION, "model": str(path)})
    over.set()
    killer.join()
    if "SIGKILL" not in " ".join(answer["warnings"]):
        if not answer["tokens"]["completion"]:
            story.untold.append(f"{path.name}: nothing said and no reason: {answer['warnings']}")
        return "resting"
    if before[0]:
        return before[0]
    return "reading" if answer["timings_ms"]["first_token"] is None else "writing"


def _lives(child: int) -> bool:
    """Also as long as one of its threads is on its way out, which holds the pipes open."""
    with contextlib.suppress(OSError, IndexError):
        state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in ("Z", "X") or len(list(Path(f"/proc/{child}/task").iterdir())) > 1
    return False


def _how_far(child: int) -> str:
    """What a process that holds no weights yet is doing; "" for one that does."""
    with contextlib.suppress(OSError):
        maps = Path(f"/proc/{child}/maps").read_text()
        return "starting" if "libllama" not in maps else "loading" if ".gguf" not in maps else ""
    return "starting"


def _asked(client: Client, path: Path, story: Story) -> str:
    """How a question to this model ended, in a word or two."""
    try:
        answer = client.post("/api/ask", {"question": _QUESTION, "model": str(path)})
    except ModelInvalid as error:
        if path.name not in str(error):
            story.untold.append(f"{path.name}: {error}")
        return "is refused from its header"
    told = [warning for warning in answer["warnings"] if path.name in warning or path.stem in warning]
    if not answer["sentences"]:
        story.untold.append(f"{path.name}: no quotes, {answer['answer']}")
    if answer["tokens"]["completion"]:
        return "answers"
    if not told:
        story.untold.append(f"{path.name}: nothing said and no reason: {answer['warnings']}")
        return "silent"
    return "crashes" if "crashed" in told[0] else "is refused by llama.cpp"


def _model_process(daemon: int) -> int | None:
    """The daemon's child that holds a model."""
    for task in Path(f"/proc/{daemon}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                if b"llama_cpp.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return int(child)
    return None


CAMPAIGN = Campaign("G-11", __doc__, whole=5000, sample=3, start=start)
