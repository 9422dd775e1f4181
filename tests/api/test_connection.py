"""Bytes that are no request, or take too long to become one, at a real socket."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator

import pytest

from tests.api.wire import TOKEN, Notebook, served
from tests.cli.machine import until
from vaultbot.api.connection import Connection
from vaultbot.api.guard import ON_EVERY_ANSWER, Guard


@contextlib.contextmanager
def served_notebook(notebook: Notebook | None = None) -> Iterator[int]:
    with served(lambda port: Guard(notebook or Notebook(), token=TOKEN, port=port)) as port:
        yield port


def exchange(port: int, *pieces: bytes, ends: bool = False) -> bytes:
    """All that comes back until the server hangs up."""
    told = b""
    # Who is refused in the middle of what it sends may find the line cut behind the answer.
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client, contextlib.suppress(ConnectionError):
        for piece in pieces:
            client.sendall(piece)
        if ends:
            client.shutdown(socket.SHUT_WR)
        while piece := client.recv(65536):
            told += piece
    return told


def problem_in(answer: bytes) -> tuple[int, str, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    document = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % document["status"])
    return document["status"], document["type"].removeprefix("/problems/"), head.lower()


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /caf\xc3\xa9 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n no: folding\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA\x00B: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\na: b\x00c\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    ],
)
def test_what_is_no_request_gets_a_problem_document_like_everything_else(sent: bytes) -> None:
    with served_notebook() as port:
        status, slug, head = problem_in(exchange(port, sent, ends=True))

    assert (status, slug) in {(400, "bad-request"), (501, "bad-request")}
    assert b"connection: close" in head
    for name, value in ON_EVERY_ANSWER.items():
        assert f"{name}: {value}".lower().encode() in head


def test_a_head_without_end_is_cut_off() -> None:
    with served_notebook() as port:
        status, slug, _ = problem_in(exchange(port, b"GET / HTTP/1.1\r\n", b"a: %b" % (b"b" * 257 * 1024)))

    assert (status, slug) == (431, "headers-too-large")


def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "head_seconds", 0.2)
    with served_notebook() as port:
        assert problem_in(exchange(port, b"GET / HTTP/1.1\r\nHost: 127"))[:2] == (408, "too-slow")
        assert exchange(port) == b""  # Who says nothing hears nothing.


def test_the_next_head_on_a_kept_connection_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "head_seconds", 0.3)
    with served_notebook() as port, socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port
        client.sendall(request)
        told = b""
        while not told.endswith(b"done"):
            told += client.recv(65536)
        client.sendall(request[:30])
        told = b"".join(iter(lambda: client.recv(65536), b""))

    assert problem_in(told)[:2] == (408, "too-slow")


def test_a_request_that_takes_long_to_answer_is_not_taken_for_a_slow_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "head_seconds", 0.1)
    notebook = Notebook()
    with served_notebook(notebook) as port, socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        head = (
            f"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        )
        client.sendall(head.encode())
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(20)
        client.sendall(b"{}")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")

    assert notebook.asked == [b"{}"]


def test_garbage_behind_a_request_harms_nobody_else() -> None:
    with served_notebook() as port:
        request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port
        told = exchange(port, request + b"\x00garbage\r\n\r\n", ends=True)
        assert told.startswith(b"HTTP/1.1 200 ")
        assert exchange(port, request, ends=True).startswith(b"HTTP/1.1 200 ")


def test_more_connections_than_there_may_be_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "most_connections", 3)
    with served_notebook() as port, contextlib.ExitStack() as kept:
        request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % port
        silent = [kept.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(3)]
        status, slug, head = problem_in(exchange(port, request))
        assert (status, slug) == (503, "queue-full")
        assert b"retry-after: " in head

        silent[0].close()
        until(lambda: exchange(port, request).startswith(b"HTTP/1.1 200 "))


@pytest.mark.parametrize("attempt", range(5))
def test_who_sends_too_much_hears_so_before_the_line_is_cut(attempt: int) -> None:
    lines = [
        b"POST /api/ask HTTP/1.1", b"Host: 127.0.0.1:%d", b"Authorization: Bearer " + TOKEN.encode(),
        b"Content-Type: application/json", b"Content-Length: 8000000", b"", b"",
    ]  # fmt: skip
    told = b""
    with served_notebook() as port, socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"\r\n".join(lines) % port)
        for _ in range(80):
            client.sendall(b" " * 100_000)
        while piece := client.recv(65536):  # Not one connection is reset.
            told += piece

    assert problem_in(told)[:2] == (413, "too-large")


def test_who_has_sent_all_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultbot.api.body._LINGER_SECONDS", 60.0)
    with served_notebook() as port:
        head = [
            b"POST /api/ask HTTP/1.1", b"Host: 127.0.0.1:%d" % port, b"Authorization: Bearer " + TOKEN.encode(),
            b"Content-Type: application/json", b"Transfer-Encoding: chunked", b"", b"",
        ]  # fmt: skip
        told = exchange(port, b"\r\n".join(head) + b"5\r\n[NaN]\r\n0\r\n\r\n")  # Within twenty seconds.

    assert problem_in(told)[:2] == (422, "invalid-request")
