"""What a daemon does with broken model files, and with a model's process that is killed at any moment.

    python -m bench.mutants
    python -m bench.mutants --files 400 --kills 40 --seed 2

Each file is a small model of which up to four random bytes are changed, half of them in its header. Each is asked a
question. Then the starter's process is killed at random moments of questions. It exits with 1 when the daemon was
another process at the end than at the beginning, or somebody was not told, or a healthy model did not answer after.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.daemon import running_daemon
from bench.machine import machine
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


@dataclass
class Story:
    """What happened."""

    outcomes: Counter[str] = field(default_factory=Counter)
    untold: list[str] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    health_s: list[float] = field(default_factory=list)

    @property
    def went_well(self) -> bool:
        """One daemon all along, and everybody was told."""
        return len(self.pids) == 1 and not self.untold


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


def ask_mutants(client: Client, folder: Path, story: Story, *, files: int, seed: int) -> None:
    """Ask so many broken models."""
    whole = scripted_model(folder / "whole.gguf", ["Kimchi", " ferments", " for", " five", " days", "."])
    data, rng = whole.read_bytes(), random.Random(seed)
    for number in range(files):
        mutant = bytearray(data)
        for _ in range(rng.randint(1, _CHANGES)):
            place = rng.randrange(_HEADER if number % 2 else len(data))
            mutant[place] = rng.randrange(256)
        path = folder / f"mutant-{number}.gguf"
        path.write_bytes(mutant)
        story.outcomes[_asked(client, path, story)] += 1
        story.pids.add(client.get("/api/status")["pid"])
        path.unlink()
    if _asked(client, whole, story) != "answers":
        story.untold.append("the whole model does not answer after all that")


def kill_processes(client: Client, folder: Path, story: Story, *, kills: int, seed: int) -> None:
    """Kill the starter's process at random moments of a question about a long note, and ask again."""
    starter, rng = starter_chat_model(), random.Random(seed)
    assert starter is not None
    _asked(client, starter, story)
    began = time.perf_counter()
    _asked(client, starter, story)
    length_s = time.perf_counter() - began
    for number in range(kills):
        # Of each model's processes two may die, so each is a model of its own.
        path = folder / f"starter-{number}.gguf"
        path.symlink_to(starter)
        if number % 2:
            _asked(client, path, story)
        moment = rng.uniform(0, 1.2 * length_s) if number % 2 else rng.uniform(0, 1.0)
        phase = _killed_in_a_question(client, path, story, moment)
        story.outcomes[f"killed while {phase}"] += 1
        if _asked(client, path, story) != "answers":
            story.untold.append(f"{path.name} does not answer after a kill while {phase}")
        story.pids.add(client.get("/api/status")["pid"])


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


def campaign(folder: Path, *, files: int, kills: int, seed: int) -> Story:
    """Everything, with a vault and models in this folder."""
    vault, story = folder / "vault", Story()
    vault.mkdir()
    (vault / "Kimchi.md").write_text(f"{_NOTE}\n{_LONG}\n", encoding="utf-8")
    os.environ.update(VAULTBOT_EMBEDDING_MODEL="none", VAULTBOT_MODEL_PATH="none")
    # Words alone are weak evidence, and here the model is to be asked in any case.
    os.environ.update(VAULTBOT_RETRIEVAL_REFUSE_BELOW="0", VAULTBOT_RETRIEVAL_CAUTION_BELOW="0")
    with running_daemon(vault) as client:
        story.pids.add(client.get("/api/status")["pid"])
        with watched(client, story):
            ask_mutants(client, folder, story, files=files, seed=seed)
            if kills:
                kill_processes(client, folder, story, kills=kills, seed=seed)
        story.pids.add(client.get("/api/status")["pid"])
    return story


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(machine())
    began = time.perf_counter()
    with TemporaryDirectory(prefix="vaultbot-bench-") as folder:
        story = campaign(Path(folder).resolve(), files=given.files, kills=given.kills, seed=given.seed)
    for outcome, count in sorted(story.outcomes.items()):
        print(f"{count:5}  {outcome}")
    waits = sorted(story.health_s)
    print(
        f"/health, {len(waits)} times in {time.perf_counter() - began:.0f} s: {median(waits) * 1e3:.1f} ms, 99 in "
        f"a hundred within {waits[len(waits) * 99 // 100] * 1e3:.1f} ms, at most {waits[-1] * 1e3:.1f} ms"
    )
    print(f"the daemon's process: {'the same all along' if len(story.pids) == 1 else f'NOT the same: {story.pids}'}")
    for words in story.untold:
        print(f"NOT WELL: {words}")
    sys.exit(0 if story.went_well else 1)


if __name__ == "__main__":
    main()
