"""The daemon as a real process on a free port."""

from __future__ import annotations

import errno
import fcntl
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import termios
import threading
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.cli.machine import Machine, fingerprint, machine_in, until
from tests.gguf_files import scripted_model
from vaultbot.daemon import _listen
from vaultbot.errors import PortInUse, VaultbotError
from vaultbot.runtime import Runtime, hold_lock, is_locked, make_token, read_runtime, read_token, write_runtime


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        machine.write("Bread/Sourdough.md", "# Starter\n\nA sourdough starter is fed with flour and water every day.\n")
        yield machine


def ended(process: subprocess.Popen[str]) -> int:
    """The exit code after SIGTERM. How long it takes is for bench/reaction.py to say."""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    return process.returncode


def children(pid: int) -> list[int]:
    return [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]


def has_unread(pid: int) -> bool:
    """Whether a stopped process was sent something that it has not read yet."""
    total, count = 0, array("i", [0])
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if str(link.readlink()).startswith("pipe:"):
            pipe = os.open(link, os.O_RDONLY | os.O_NONBLOCK)
            fcntl.ioctl(pipe, termios.FIONREAD, count)
            os.close(pipe)
            total += count[0]
    return total > 0


# ── what is seen of it ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_note_is_found_soon_after_it_was_saved_and_again_under_its_new_name_and_no_more_when_deleted(
    machine: Machine,
) -> None:
    with machine.serve():
        machine.write("Kimchi.md", "Cabbage, salt, radish and time.")
        until(lambda: machine.paths_found("radish") == ["Kimchi.md"])

        (machine.vault / "Kimchi.md").rename(machine.vault / "Bread" / "Gimchi.md")
        until(lambda: machine.paths_found("radish") == ["Bread/Gimchi.md"])

        (machine.vault / "Bread" / "Gimchi.md").unlink()
        until(lambda: machine.paths_found("radish") == [])


def test_nothing_of_its_state_can_be_read_by_others_and_not_a_byte_of_the_vault_is_changed(machine: Machine) -> None:
    before = fingerprint(machine.vault)
    with machine.serve():
        machine.vaultbot("ask", "What is a starter fed with?")
        machine.vaultbot("suggest-links", "Sourdough")
        status = machine.vaultbot("status", "--json").json()

    token = Path(status["token_file"])
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
    shared = [path for path in (machine.home, *machine.home.rglob("*")) if path.stat().st_mode & 0o077]
    assert shared == []
    assert fingerprint(machine.vault) == before


def test_the_log_names_requests_and_never_a_question_a_note_or_the_token(machine: Machine) -> None:
    with machine.serve():
        machine.vaultbot("search", "whispered secret flour")
        machine.vaultbot("ask", "Which whispered flour?")
        token = read_token(machine.state)

    log = machine.state.log.read_text()
    assert "GET /api/search 200" in log
    assert all(word not in log for word in ("whispered", "sourdough", "flour and water", token))


def test_a_vault_that_was_renamed_away_is_said_to_be_missing_and_is_still_searched(machine: Machine) -> None:
    with machine.serve():
        away = machine.vault.rename(machine.folder / "Elsewhere")
        machine.client().post("/api/index", {"wait": False})
        until(lambda: machine.vaultbot("status", "--json").json()["state"] == "vault-missing")

        assert "does not exist" in machine.vaultbot("status", "--json").json()["message"]
        assert machine.vaultbot("search", "sourdough", "--json").json()["hits"][0]["path"] == "Bread/Sourdough.md"
        assert machine.vaultbot("index").code == 4

        away.rename(machine.vault)
        until(lambda: machine.vaultbot("status", "--json").json()["state"] == "ready")
        assert machine.paths_found("sourdough") == ["Bread/Sourdough.md"]


def test_a_model_leaves_the_memory_when_nobody_asks_and_the_next_question_loads_it_again(
    machine: Machine, tmp_path: Path
) -> None:
    model = scripted_model(tmp_path / "m.gguf", ["It is fed with flour."])

    def loaded() -> bool:
        return bool(machine.client().get("/api/status")["model_loaded"])

    def answered() -> bool:
        answer = machine.client().post("/api/ask", {"question": "What is a sourdough starter fed with?"})
        return bool(answer["tokens"]["completion"])

    with machine.serve(VAULTBOT_MODEL_PATH=str(model), VAULTBOT_MODEL_IDLE_MINUTES="0.01"):
        assert not loaded()
        for _ in range(2):
            assert answered()
            until(lambda: not loaded())

    assert machine.state.log.read_text().count("m (F32) is not needed and was unloaded") == 2


def test_a_model_that_dies_leaves_the_quotes_and_the_second_time_it_is_given_up(
    machine: Machine, tmp_path: Path
) -> None:
    model = scripted_model(tmp_path / "m.gguf", ["It is fed with flour."])

    def asked() -> Any:
        return machine.client().post("/api/ask", {"question": "What is a sourdough starter fed with?"})

    with machine.serve(VAULTBOT_MODEL_PATH=str(model)) as daemon, ThreadPoolExecutor() as people:
        for warning in ("crashed (SIGKILL", "crashed 2 times (SIGKILL"):
            assert asked()["tokens"]["completion"]
            (child,) = children(daemon.pid)
            os.kill(child, signal.SIGSTOP)
            answer = people.submit(asked)
            until(partial(has_unread, child))
            assert machine.client().get("/health")["status"] == "ok"
            os.kill(child, signal.SIGKILL)

            assert answer.result(60)["sentences"][0]["support"] == "quote"
            assert warning in answer.result()["warnings"][0]

        assert "is not started again" in asked()["warnings"][0]
        status = machine.client().get("/api/status")
        assert status["pid"] == daemon.pid
        assert "is not started again" in status["warnings"][0]


# ── its end ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sigterm_ends_it_and_leaves_neither_lock_nor_runtime_file(machine: Machine) -> None:
    with machine.serve() as daemon:
        assert is_locked(machine.state)
        code = ended(daemon)

    assert code == 0
    assert not is_locked(machine.state)
    assert read_runtime(machine.state) is None


def test_sigterm_while_indexing_loses_nothing_that_was_done(machine: Machine) -> None:
    for number in range(3000):
        machine.write(f"Many/{number}.md", f"# Note {number}\n\nThe word {number} stands in note {number}.\n" * 3)
    with machine.serve(indexed=False) as daemon:
        until(lambda: machine.client().get("/api/status")["notes"] > 0)
        notes = machine.client().get("/api/status")["notes"]
        code = ended(daemon)
    with sqlite3.connect(machine.state.catalog) as catalog:
        kept = catalog.execute("SELECT count(*) FROM note").fetchone()[0]

    assert code == 0
    assert 0 < notes <= kept
    with machine.serve():
        assert machine.client().get("/api/status")["notes"] == 3001


def test_who_watches_the_index_and_who_waits_for_a_run_are_let_go_at_the_end(machine: Machine) -> None:
    with machine.serve() as daemon:
        events = machine.client().events("GET", "/api/events")
        assert next(events)[0] == "status"
        ended(daemon)
        rest = list(events)

    assert all(name == "status" for name, _ in rest)


def test_after_kill_9_it_starts_again_without_any_help(machine: Machine) -> None:
    with machine.serve() as daemon:
        daemon.kill()
    assert read_runtime(machine.state) is not None

    assert machine.vaultbot("search", "sourdough", "--json").json()["hits"]


def test_a_started_daemon_ends_by_itself_when_nobody_asks(machine: Machine) -> None:
    machine.vaultbot("status", VAULTBOT_SERVER_IDLE_MINUTES="0.02")

    until(lambda: not is_locked(machine.state))
    assert read_runtime(machine.state) is None
    assert "nobody has asked" in machine.state.log.read_text()


def test_start_makes_a_daemon_stay_that_would_have_ended(machine: Machine) -> None:
    machine.vaultbot("status")
    first = machine.client().runtime

    started = machine.vaultbot("start", "--json").json()

    second = machine.client().runtime
    assert (first.ends_when_idle, second.ends_when_idle) == (True, False)
    assert second.pid == started["pid"] != first.pid
    assert machine.vaultbot("start").code == 3


# ── one for each vault ─────────────────────────────────────────────────────────────────────────────────────────


def kept(machine: Machine) -> dict[str, tuple[int, bytes]]:
    """What is in the state folder, but for the log, in which the first daemon goes on writing."""
    files = (path for path in machine.state.root.rglob("*") if path.is_file() and path != machine.state.log)
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_a_second_daemon_says_who_is_there_and_touches_nothing(machine: Machine) -> None:
    with machine.serve() as daemon:
        before = kept(machine)
        second = machine.vaultbot("serve")

        assert second.code == 3
        assert f"already running for this vault (pid {daemon.pid}, port " in second.error
        assert kept(machine) == before


def test_the_vault_is_the_same_by_whatever_path_it_is_named(machine: Machine) -> None:
    link = machine.folder / "link"
    link.symlink_to(machine.vault)
    with machine.serve() as daemon:
        assert machine.run("serve", "--vault", str(link)).code == 3
        assert machine.run("status", "--json", "--vault", str(link)).json()["pid"] == daemon.pid


def test_eight_commands_at_once_start_one_daemon(machine: Machine) -> None:
    write_stale_runtime(machine)
    commands = [machine.popen("--vault", str(machine.vault), "status", "--json") for _ in range(8)]
    told = [command.communicate(timeout=60) for command in commands]

    assert [command.returncode for command in commands] == [0] * 8, told
    assert len({json.loads(out)["pid"] for out, _ in told}) == 1
    assert machine.state.log.read_text().count("indexed in") == 1
    assert machine.vaultbot("stop").out == "stopped\n"
    assert not is_locked(machine.state)


def write_stale_runtime(machine: Machine) -> None:
    machine.state.create()
    machine.state.lock.touch()
    write_runtime(machine.state, Runtime(2**22 + 1, 1, str(machine.vault), "0", True))


def test_a_command_right_after_the_end_starts_a_new_daemon(machine: Machine) -> None:
    with machine.serve() as daemon:
        daemon.send_signal(signal.SIGTERM)
        status = machine.vaultbot("status", "--json").json()

    assert status["pid"] != daemon.pid


# ── its port ───────────────────────────────────────────────────────────────────────────────────────────────────


class Thief(BaseHTTPRequestHandler):
    """Sits on the daemon's port and keeps what it is told."""

    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"status": "ok", "proof": "0" * 64}).encode())

    def log_message(self, *_: object) -> None:
        pass


def test_a_program_that_took_the_port_never_sees_the_token(machine: Machine) -> None:
    server = HTTPServer(("127.0.0.1", 0), Thief)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    machine.state.create()
    make_token(machine.state)
    with hold_lock(machine.state):
        write_runtime(machine.state, Runtime(os.getpid(), server.server_port, str(machine.vault), "0", True))
        asked = [machine.vaultbot(*words) for words in (["search", "x"], ["ask", "x"], ["status"], ["stop"])]
    server.shutdown()

    assert [one.code for one in asked] == [1, 1, 1, 1]
    assert f"something else listens on port {server.server_port}" in asked[0].error
    assert len(Thief.seen) >= 4
    assert all("authorization" not in headers for headers in Thief.seen)


def test_a_taken_port_is_named_and_a_daemon_of_ones_own_takes_another(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        served = machine.vaultbot("serve", "--port", port)
        started = machine.vaultbot("start", "--port", port)
        by_itself = machine.vaultbot("status", "--json", VAULTBOT_SERVER_PORT=port)

    assert served.code == started.code == 1
    assert served.error == started.error
    assert f"port {port} is used by another program; choose another with --port" in served.error
    assert by_itself.json()["port"] != int(port)


@pytest.mark.parametrize(
    ("port", "number", "told"),
    [
        (
            80,
            errno.EACCES,
            "port 80 is kept for the system's own services, and you may not use it; choose one from",
        ),
        (9000, errno.EACCES, "the system does not let you use port 9000; choose another with --port"),
        (9000, errno.EADDRNOTAVAIL, "has no address 127.0.0.1 now; switch its loopback interface on"),
        (9000, errno.ENOBUFS, "port 9000 cannot be used: No buffer space available; choose another with --port"),
    ],
)
def test_why_a_port_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch, port: int, number: int, told: str) -> None:
    def refuses(_: socket.socket, place: tuple[str, int]) -> None:
        if place[1] or number == errno.EADDRNOTAVAIL:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", refuses)

    with pytest.raises(VaultbotError, match=re.escape(told)) as said:
        _listen(port, any_port_will_do=False, name=None)
    assert not isinstance(said.value, PortInUse)
    if number != errno.EADDRNOTAVAIL:
        _listen(port, any_port_will_do=True, name=None).close()


def test_it_listens_on_this_machine_alone(machine: Machine) -> None:
    with machine.serve():
        port = machine.client().runtime.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), timeout=5)


def test_its_sockets_send_at_once_what_is_written() -> None:
    with _listen(0, any_port_will_do=False, name=None) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # of its connections too: asyncio turns Nagle's waiting off for it


# ── what it cannot start with ──────────────────────────────────────────────────────────────────────────────────


def test_an_index_of_a_newer_version_is_left_alone(machine: Machine) -> None:
    machine.vaultbot("index")
    machine.vaultbot("stop")
    with sqlite3.connect(machine.state.catalog) as catalog:
        catalog.execute("PRAGMA user_version = 99")

    told = machine.vaultbot("search", "x")

    assert told.code == 6
    assert "made by a newer vaultbot (schema 99" in told.error
    assert machine.vaultbot("serve").code == 6


def test_a_catalog_that_is_garbage_is_put_aside_and_made_again(machine: Machine) -> None:
    machine.vaultbot("index")
    machine.vaultbot("stop")
    machine.state.catalog.write_bytes(b"no database" * 1000)

    assert machine.vaultbot("search", "sourdough", "--json").json()["hits"]
    assert list(machine.state.root.glob("catalog.db.damaged-*"))


def test_a_catalog_that_is_damaged_while_the_daemon_runs_is_told_and_healed_by_the_next_start(machine: Machine) -> None:
    machine.vaultbot("index")
    with closing(sqlite3.connect(machine.state.catalog)) as db, db:
        db.execute("UPDATE chunk SET text = CAST(x'736f7572ff646f756768' AS TEXT)")  # "sour", no letter, "dough"

    told = machine.vaultbot("search", "sourdough")

    assert told.code == 6
    assert "run: vaultbot stop, vaultbot start" in told.error
    status = machine.vaultbot("status")
    assert "the catalog was found to be damaged" in status.out
    assert "sour" not in told.error + status.out + machine.state.log.read_text()
    machine.vaultbot("stop")
    assert machine.vaultbot("search", "sourdough", "--json").json()["hits"]
    assert list(machine.state.root.glob("catalog.db.damaged-*"))


def test_others_may_not_read_the_token_or_nothing_is_told(machine: Machine) -> None:
    machine.vaultbot("index")
    machine.vaultbot("stop")
    machine.state.token.chmod(0o644)

    told = machine.vaultbot("status")

    assert told.code == 1
    assert told.error == f"others may read {machine.state.token}; delete it, and the next start makes a new one"


@pytest.mark.parametrize("point", ["schema.before-commit", "runtime.before-replace"])
def test_a_start_on_a_full_disk_says_so(machine: Machine, point: str) -> None:
    ran = machine.vaultbot("start", VAULTBOT_FAULT=f"{point}:enospc:1")

    assert ran.code == 1
    assert f"the disk with {machine.state.root} is full" in ran.error
