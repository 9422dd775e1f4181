"""A sample of what the campaigns do at length: tests/api/fuzzing.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.fuzzing import Told, ask_as_described, exchanged, send_bytes
from tests.cli.machine import Machine, machine_in
from vaultbot.client import Client

EXAMPLES = 8  #: of each operation, right ones and wrong ones


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine_in(tmp_path_factory.mktemp("fuzzing")) as machine:
        machine.write("Note.md", "# Starter\n\nA starter is fed with flour. See [[Other]].\n")
        machine.write("Folder/Other.md", "The starter of another note.\n")
        with machine.serve():
            yield machine


@pytest.fixture
def daemon(machine: Machine) -> Client:
    return machine.client()


def test_no_request_that_fits_the_description_or_misses_it_meets_an_error_of_ours(daemon: Client) -> None:
    told = ask_as_described(daemon.address, daemon.token, examples=EXAMPLES)

    assert told.wrong == []
    assert {200, 401, 404, 422} <= told.statuses.keys()
    assert sum(told.statuses.values()) > 20 * EXAMPLES
    assert daemon.get("/api/status")["state"] == "ready"


def test_no_bytes_at_the_socket_harm_the_daemon_or_get_past_the_token(machine: Machine, daemon: Client) -> None:
    told = send_bytes(daemon.runtime.port, count=400)

    assert told.wrong == []
    assert {200, 400, 421} <= told.statuses.keys()
    assert {401, 429} & told.statuses.keys()  # Ten of the test before may have gone without the token in this minute.
    assert daemon.get("/api/status")["state"] == "ready"
    assert "Traceback" not in machine.state.log.read_text(encoding="utf-8")


def test_an_answer_that_takes_a_moment_is_heard_and_judged(daemon: Client) -> None:
    port = daemon.runtime.port

    answer = exchanged(port, f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())

    assert b'"status":"ok"' in answer


def test_the_judge_knows_right_from_wrong() -> None:
    told = Told()
    told.add("a", 500, "application/problem+json", b"{}", let_in=True)
    told.add("b", 404, "text/plain", b"not found", let_in=True)
    told.add("c", 200, "application/json", b"{}", let_in=False)
    told.add("d", 200, "application/json", b"{}", let_in=True)

    assert [wrong[0] for wrong in told.wrong] == ["a", "b", "c"]
