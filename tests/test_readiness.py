"""What a service manager hears of the daemon, on a real socket."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import Machine, machine_in
from vaultbot.readiness import Readiness


@contextlib.contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    """A service manager's ear at a file, or at an abstract address ("@name")."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.settimeout(60)
        ear.bind(address.replace("@", "\0", 1))
        yield ear


def heard(ear: socket.socket) -> list[str]:
    return ear.recv(4096).decode().split("\n")


def heard_until(ear: socket.socket, line: str) -> list[str]:
    """Everything up to the message with this line."""
    lines: list[str] = []
    while line not in lines:
        lines += heard(ear)
    return lines


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
def test_readiness_is_said_once_and_a_status_when_it_is_new(tmp_path: Path, abstract: bool) -> None:
    address = f"@vaultbot-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with manager(address) as ear:
        readiness = Readiness({"NOTIFY_SOCKET": address})
        readiness.tell("opening\nthe index", ready=False)
        assert heard(ear) == ["EXTEND_TIMEOUT_USEC=60000000", "STATUS=opening the index"]
        readiness.tell("ready", ready=True)
        assert heard(ear) == ["READY=1", "STATUS=ready"]
        readiness.tell("ready", ready=True)
        readiness.tell("indexing", ready=False)
        assert heard(ear) == ["STATUS=indexing"]
        readiness.stopping()
        assert heard(ear) == ["STOPPING=1"]


def test_a_manager_that_watches_hears_of_a_sound_daemon_every_time(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with manager(address) as ear:
        watched = Readiness({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())})
        watched.tell("ready", ready=True)
        watched.tell("ready", ready=True)
        assert [heard(ear), heard(ear)] == [["READY=1", "STATUS=ready", "WATCHDOG=1"], ["WATCHDOG=1"]]

        not_this_process = Readiness({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"})
        not_this_process.tell("ready", ready=True)
        assert heard(ear) == ["READY=1", "STATUS=ready"]


def test_a_child_process_cannot_speak_for_the_daemon() -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "LANG": "C"}

    Readiness(environ)

    assert environ == {"LANG": "C"}


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "/nowhere/at/all"])
def test_without_a_manager_nothing_is_said_and_nothing_fails(address: str) -> None:
    readiness = Readiness({"NOTIFY_SOCKET": address})

    readiness.tell("ready", ready=True)
    readiness.stopping()

    assert readiness.ready


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        machine.write("Kimchi.md", "Cabbage, salt and time.")
        yield machine


def test_a_daemon_is_ready_when_its_index_can_answer_and_says_when_it_ends(machine: Machine, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with manager(address) as ear, machine.serve(indexed=False, NOTIFY_SOCKET=address) as daemon:
        heard_until(ear, "READY=1")
        assert machine.paths_found("cabbage") == ["Kimchi.md"]
        daemon.terminate()
        heard_until(ear, "STOPPING=1")


def test_a_daemon_of_an_empty_vault_is_ready_too(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with machine_in(tmp_path) as machine, manager(address) as ear:
        with machine.serve(indexed=False, NOTIFY_SOCKET=address):
            lines = heard_until(ear, "READY=1")
        assert any(line.startswith("STATUS=") for line in lines)
