"""SIGTERM in any phase: the daemon ends well and soon, and the next one has the index of a clean build."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.chat_server import Line, chat_server
from tests.cli.machine import Machine, machine_in, until
from tests.embedding_server import Reply, embedding_server, embeds
from vaultbot.errors import ShuttingDown, VaultbotError
from vaultbot.runtime import is_locked, read_runtime

NOTES = 12

#: What it takes at most is five seconds; the rest is for a machine that has other things to do.
ENDS_WITHIN_S = 30


def fill(machine: Machine) -> Machine:
    for number in range(NOTES):
        text = f"# Dough {number}\n\nThe word w{number} stands here, beside [[Dough {(number + 1) % NOTES}]].\n"
        note = machine.write(f"Bread/Dough {number}.md", f"{text}\nDough {(number + 2) % NOTES} is not linked.\n")
        os.utime(note, (1_700_000_000, 1_700_000_000))  # Into a note that somebody has just saved nothing is written.
    return machine


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        yield fill(machine)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The index of the same notes, made without a fault."""
    with machine_in(tmp_path_factory.mktemp("clean")) as machine:
        with fill(machine).serve():
            pass
        return index_of(machine)


def index_of(machine: Machine) -> dict[str, list[Any]]:
    """What a catalog says, without numbers and times, which differ."""
    asked = {
        "notes": "SELECT path, title, hash, lines FROM note",
        "links": "SELECT path, raw, target FROM link JOIN note ON note.id = note",
        "chunks": "SELECT chunk.id, path, view, ordinal, start_line, end_line, text, context, text_hash FROM chunk "
        "JOIN note ON note.id = note",
        "passages": "SELECT id, p.* FROM passage_terms p JOIN chunk ON chunk.rowid = p.rowid",
        "note terms": "SELECT path, note_terms.* FROM note_terms JOIN note ON note.id = note_terms.rowid",
    }
    with closing(sqlite3.connect(machine.state.catalog)) as catalog:
        assert catalog.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {name: sorted(catalog.execute(query)) for name, query in asked.items()}


def vectors_lacking(machine: Machine) -> int:
    with closing(sqlite3.connect(machine.state.catalog)) as catalog:
        lacking = "SELECT count(*) FROM chunk WHERE text_hash NOT IN (SELECT text_hash FROM vector)"
        return int(catalog.execute(lacking).fetchone()[0]) + len(catalog.execute("SELECT * FROM outbox").fetchall())


def ended(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=ENDS_WITHIN_S)
    return process.returncode


def has_stopped(process: subprocess.Popen[str]) -> bool:
    """Whether it has come to the point where it stops."""
    seen = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT)
    assert seen is None or seen.si_code == os.CLD_STOPPED, process.communicate()
    return seen is not None


def assert_nothing_is_left(machine: Machine) -> None:
    assert not is_locked(machine.state)
    assert read_runtime(machine.state) is None


@pytest.mark.parametrize("module", ["typer", "uvicorn"])  # for any command, and for the daemon alone
def test_sigterm_while_it_is_imported(machine: Machine, module: str) -> None:
    (machine.folder / f"{module}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n")
    path = os.pathsep.join([str(machine.folder), os.environ.get("PYTHONPATH", "")])

    with machine.popen("serve", "--vault", str(machine.vault), PYTHONPATH=path) as process:
        until(lambda: has_stopped(process))
        code = ended(process)

    assert code == 0
    assert not machine.state.root.exists()


@pytest.mark.parametrize(
    "point",
    [
        "schema.half-made:stop:1",  # the catalog is made, nothing serves yet
        "runtime.before-replace:stop:3",  # it has just begun to serve
        "listing.folder:stop:2",
        "catalog.half-inserted:stop:3",
    ],
)
def test_sigterm_while_it_starts_or_indexes(machine: Machine, clean: dict[str, list[Any]], point: str) -> None:
    with machine.popen("serve", "--vault", str(machine.vault), VAULTBOT_FAULT=point) as process:
        until(lambda: has_stopped(process))
        code = ended(process)

    assert code == 0
    assert_nothing_is_left(machine)
    with machine.serve():
        assert machine.client().get("/api/status")["notes"] == NOTES
    assert index_of(machine) == clean


def test_sigterm_while_texts_are_embedded(machine: Machine, clean: dict[str, list[Any]]) -> None:
    asked_for_w3, go_on = threading.Event(), threading.Event()

    def answer(request: dict[str, Any]) -> Reply:
        if any("w3" in text for text in request["input"]):
            asked_for_w3.set()
            go_on.wait(60)
        return embeds()(request)

    with embedding_server() as server:
        server.answer = answer
        own = {"VAULTBOT_EMBEDDING_BASE_URL": server.address, "VAULTBOT_EMBEDDING_REMOTE_MODEL": "hash"}
        own["VAULTBOT_EMBEDDING_MODEL"] = "auto"
        with machine.popen("serve", "--vault", str(machine.vault), **own) as process:
            assert asked_for_w3.wait(60)
            code = ended(process)
        go_on.set()

        assert code == 0
        assert_nothing_is_left(machine)
        with machine.serve(indexed=True, **own):
            pass
    assert index_of(machine) == clean
    assert vectors_lacking(machine) == 0


# Ends that never come to an end: while open answers are waited for, and after that.
STUCK = {
    "answers": """
import asyncio, uvicorn
async def shutdown(self, sockets=None):
    print("stuck", flush=True)
    await asyncio.sleep(3600)
uvicorn.Server.shutdown = shutdown
""",
    "watcher": """
import time
from vaultbot.vault.watcher import VaultWatcher
def stop(self):
    print("stuck", flush=True)
    time.sleep(3600)
VaultWatcher.stop = stop
""",
}


@pytest.mark.parametrize("where", list(STUCK))
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once_what_the_first_cannot(
    machine: Machine, clean: dict[str, list[Any]], where: str, second: signal.Signals
) -> None:
    (machine.folder / "sitecustomize.py").write_text(STUCK[where])
    path = os.pathsep.join([str(machine.folder), os.environ.get("PYTHONPATH", "")])
    with machine.serve(indexed=True, PYTHONPATH=path) as daemon:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.stdout is not None
        assert any(line.strip() == "stuck" for line in daemon.stdout)
        time.sleep(0.5)  # One that comes sooner is the same.
        daemon.send_signal(second)
        assert daemon.wait(ENDS_WITHIN_S) == 0

    assert_nothing_is_left(machine)
    with machine.serve():
        pass
    assert index_of(machine) == clean


def test_two_signals_in_the_same_moment_are_one(machine: Machine) -> None:
    with machine.serve(indexed=True) as daemon:
        daemon.send_signal(signal.SIGINT)
        code = ended(daemon)

    assert code == 0
    assert_nothing_is_left(machine)
    assert machine.state.log.read_text().rstrip().endswith("ended")


def test_sigterm_while_an_answer_is_streamed(machine: Machine, clean: dict[str, list[Any]]) -> None:
    begun = threading.Event()

    def begins(_: dict[str, Any], line: Line) -> None:
        line.head()
        line.says("The word w3")
        begun.set()
        line.gate.wait(60)

    with chat_server() as server:
        server.play = begins
        own = {"VAULTBOT_MODEL_BASE_URL": server.address, "VAULTBOT_MODEL_REMOTE_MODEL": "some-model"}
        with machine.serve(indexed=True, VAULTBOT_MODEL_PATH="auto", **own) as daemon:
            events = machine.client().events("POST", "/api/ask", {"question": "Where does w3 stand?", "stream": True})
            assert next(events)[0] == "sources"
            assert begun.wait(60)
            code = ended(daemon)
            with pytest.raises(ShuttingDown):
                list(events)

    assert code == 0
    assert_nothing_is_left(machine)
    assert index_of(machine) == clean


def test_sigterm_while_a_suggestion_is_made(machine: Machine, clean: dict[str, list[Any]]) -> None:
    point = f"vault.reading:stop:{NOTES + 1}"  # Each note was read once, to be indexed.
    with machine.serve(VAULTBOT_FAULT=point) as daemon, ThreadPoolExecutor() as people:
        asked = people.submit(machine.client().get, "/api/suggestions", {"note": "Bread/Dough 3.md"})
        until(lambda: has_stopped(daemon))
        assert not asked.done()
        code = ended(daemon)
        with suppress(VaultbotError):  # The answer, or that there is none.
            assert asked.result(60)["suggestions"]

    assert code == 0
    assert_nothing_is_left(machine)
    assert index_of(machine) == clean


def test_sigterm_while_a_suggestion_is_written_leaves_a_note_that_can_be_undone(machine: Machine) -> None:
    note = "Bread/Dough 3.md"
    before = (machine.vault / note).read_bytes()
    with machine.serve(VAULTBOT_FAULT="editor.written:stop:1") as daemon, ThreadPoolExecutor() as people:
        [one] = machine.client().get("/api/suggestions", {"note": note, "kind": "mention"})["suggestions"]
        body = {"note": note, "ids": [one["id"]], "sha256": one["sha256"]}
        asked = people.submit(machine.client().post, "/api/suggestions/apply", body)
        until(lambda: has_stopped(daemon))
        code = ended(daemon)
        with suppress(VaultbotError):
            asked.result(60)

    assert code == 0
    assert_nothing_is_left(machine)
    after = (machine.vault / note).read_bytes()
    assert after in (before, before.replace(b"Dough 5", b"[[Dough 5]]"))
    with machine.serve():
        assert after == before or machine.vaultbot("undo").code == 0
    assert (machine.vault / note).read_bytes() == before
    assert [file.name for file in (machine.vault / "Bread").iterdir() if file.suffix != ".md"] == []
