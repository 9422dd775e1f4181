"""The way to the daemon, against servers that answer as they should not."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaultbot.api.problems import problem_of
from vaultbot.client import Client, error_of, find
from vaultbot.errors import InvalidRequest, ModelInvalid, NotRunning, QueueFull, VaultbotError, VaultMissing
from vaultbot.paths import StatePaths
from vaultbot.runtime import Runtime, hold_lock, make_token, prove, write_runtime

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


TOKEN = "t" * 43


@contextlib.contextmanager
def answering(answer: bytes, *, proves: bool = True) -> Iterator[tuple[Client, list[bytes]]]:
    """A server that says the same to everybody and hangs up, a client of it, and what it was asked.

    Before that it proves that it knows the token, unless it does not.
    """
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        asked.append(connection.recv(65536))
                        if proves and (challenge := re.search(rb"Challenge: ([0-9a-f]{32})", asked[-1])):
                            proof = json.dumps({"proof": prove(TOKEN, port, challenge[1].decode())}).encode()
                            connection.sendall(JSON + b"Content-Length: %d\r\n\r\n%b" % (len(proof), proof))
                            asked[-1] = connection.recv(65536)
                        connection.sendall(answer)
                        connection.shutdown(socket.SHUT_WR)

        threading.Thread(target=serve, daemon=True).start()
        yield Client(Runtime(1, port, "/notes", "1", False), TOKEN), asked
        listener.shutdown(socket.SHUT_RDWR)


def test_parameters_that_are_none_are_left_out_and_others_are_escaped() -> None:
    with answering(JSON + b"Content-Length: 2\r\n\r\n[]") as (client, asked):
        assert client.get("/api/search", {"q": "a&b=ü \udcff", "limit": None}) == []

    assert asked[0].startswith(b"GET /api/search?q=a%26b%3D%C3%BC+%3F HTTP/1.1\r\n")
    assert b"Authorization: Bearer " + b"t" * 43 in asked[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        JSON + b"Content-Length: 500\r\n\r\n{",
        JSON + b"Content-Length: 9\r\n\r\nnot json!",
        JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_daemon_that_breaks_off_is_said_not_to_answer(answer: bytes) -> None:
    with answering(answer) as (client, _), pytest.raises(NotRunning, match="the daemon does not answer"):
        client.get("/api/status")


def test_a_refusal_that_is_no_problem_document_still_is_an_error() -> None:
    with (
        answering(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy") as (client, _),
        pytest.raises(VaultbotError, match="the daemon answered 503"),
    ):
        client.get("/api/status")


def test_events_come_one_by_one_and_comments_are_passed_over() -> None:
    told = b': still here\n\nevent: sources\ndata: {"a": 1}\n\nevent: delta\ndata: {"b": "\xc3\xbc"}\n\n'
    with answering(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + told) as (client, _):
        assert list(client.events("GET", "/api/events")) == [("sources", {"a": 1}), ("delta", {"b": "ü"})]


def test_an_error_event_is_raised_as_what_it_is() -> None:
    told = b'event: error\ndata: {"type": "/problems/queue-full", "detail": "nine wait"}\n\n'
    with (
        answering(b"HTTP/1.1 200 OK\r\n\r\n" + told) as (client, _),
        pytest.raises(QueueFull, match="nine wait"),
    ):
        list(client.events("POST", "/api/ask", {}))


@pytest.mark.parametrize("kind", [InvalidRequest, ModelInvalid, QueueFull, VaultMissing, VaultbotError])
def test_errors_come_through_http_as_they_were(kind: type[VaultbotError]) -> None:
    back = error_of(problem_of(kind("a fact; the next step"), "1"))

    assert (type(back), str(back)) == (kind, "a fact; the next step")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        JSON + b"Content-Length: 2\r\n\r\n[]",
        JSON + b"Content-Length: 4\r\n\r\nnull",
        JSON + b"Content-Length: 11\r\n\r\n" + b'{"proof":1}',
        JSON + b"Content-Length: 14\r\n\r\n" + '{"proof":"ü"}'.encode(),
    ],
)
def test_whoever_cannot_prove_that_it_knows_the_token_is_no_daemon(tmp_path: Path, answer: bytes) -> None:
    state = StatePaths(tmp_path)
    with hold_lock(state), answering(answer, proves=False) as (client, asked):
        token = make_token(state)
        write_runtime(state, client.runtime)
        with pytest.raises(VaultbotError, match="something else listens on port"):
            find(state)

    assert token.encode() not in b"".join(asked)


def test_who_took_the_port_of_a_daemon_that_has_ended_since_gets_no_token() -> None:
    with answering(JSON + b"Content-Length: 2\r\n\r\n{}", proves=False) as (client, asked):
        for call in (lambda: client.get("/api/status"), lambda: list(client.events("GET", "/api/events"))):
            with pytest.raises(VaultbotError, match="something else listens on port"):
                call()

    assert len(asked) == 2
    assert b"authorization" not in b"".join(asked).lower()


def test_the_token_goes_over_the_connection_that_was_proved_and_over_no_other() -> None:
    closes = JSON + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b"
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        asked.append(connection.recv(65536))
                        challenge = re.search(rb"Challenge: ([0-9a-f]{32})", asked[-1])
                        proof = json.dumps({"proof": prove(TOKEN, port, challenge[1].decode())}) if challenge else "{}"
                        connection.sendall(closes % (len(proof), proof.encode()))

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(NotRunning):
            Client(Runtime(1, port, "/notes", "1", False), TOKEN).get("/api/status")
        listener.shutdown(socket.SHUT_RDWR)

    assert len(asked) == 1
    assert TOKEN.encode() not in asked[0]


def test_a_runtime_file_that_nobody_stands_behind_is_no_daemon(tmp_path: Path) -> None:
    state = StatePaths(tmp_path)
    assert find(state) is None
    with answering(JSON + b"\r\n{}") as (client, asked):
        write_runtime(state, client.runtime)
        state.lock.touch()
        assert find(state) is None
    assert asked == []
