from __future__ import annotations

import asyncio
import http.client
import json
import logging
import re
import socket

import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from tests.api.wire import HOST, JSON, OBSIDIAN, PORT, RIGHT, TOKEN, Notebook, Pairs, call, scope_of, served
from vaultbot.api.guard import Guard

HARDENING = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "x-dns-prefetch-control": "off",
}


def guard_of(app: object = None) -> Guard:
    return Guard(app or Notebook(), token=TOKEN, port=PORT)  # type: ignore[arg-type]


REQUESTS: list[tuple[int, str, Pairs]] = [
    (200, "GET", [HOST, RIGHT, OBSIDIAN]),
    (204, "OPTIONS", [HOST, OBSIDIAN]),
    (401, "GET", [HOST, OBSIDIAN]),
    (405, "PUT", [HOST, RIGHT, OBSIDIAN]),
    (413, "POST", [HOST, RIGHT, OBSIDIAN, JSON, ("content-length", "99999999")]),
    (415, "POST", [HOST, RIGHT, OBSIDIAN, ("content-length", "2")]),
    (421, "GET", [("host", "evil.test"), RIGHT, OBSIDIAN]),
]


@pytest.mark.parametrize(("status", "method", "headers"), REQUESTS)
def test_every_answer_has_its_headers_and_can_be_read_by_the_plugin(status: int, method: str, headers: Pairs) -> None:
    reply = call(guard_of(), method, headers=headers)

    assert reply.status == status
    assert {name: reply.headers[name] for name in HARDENING} == HARDENING
    assert "camera=()" in reply.headers["permissions-policy"]
    assert re.fullmatch("[0-9a-f]{32}", reply.headers["x-request-id"])
    assert reply.headers.getlist("access-control-allow-origin") == ["app://obsidian.md"]
    if status >= 400:
        assert reply.json()["instance"] == reply.headers["x-request-id"]


def test_the_app_cannot_open_an_answer_to_every_page() -> None:
    async def careless(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "public",
            "X-Frame-Options": "ALLOWALL",
        }
        await PlainTextResponse("notes", headers=headers)(scope, receive, send)

    reply = call(guard_of(careless))

    assert "access-control-allow-origin" not in reply.headers
    assert reply.headers.getlist("cache-control") == ["no-store"]
    assert reply.headers.getlist("x-frame-options") == ["DENY"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "HEAD", "PROPFIND", "get"])
def test_other_methods_are_refused(method: str) -> None:
    reply = call(guard_of(), method, headers=[HOST, RIGHT])

    assert (reply.status, reply.slug) == (405, "method-not-allowed")
    assert reply.headers["allow"] == "GET, POST, DELETE, OPTIONS"


def test_health_answers_to_head_as_well() -> None:
    assert call(guard_of(), "HEAD", "/health", [HOST]).status == 200


@pytest.mark.parametrize("path", ["http://127.0.0.1:8765/api/status", "*", "", "evil.test:443"])
def test_a_request_line_must_name_a_path(path: str) -> None:
    reply = call(guard_of(), path=path)

    assert (reply.status, reply.slug) == (400, "bad-request")


@pytest.mark.parametrize("extra", [[("x-a", "b")] * 70, [("x-a", "b" * 17_000)]])
def test_a_heap_of_headers_is_refused(extra: Pairs) -> None:
    reply = call(guard_of(), headers=[HOST, RIGHT, *extra])

    assert (reply.status, reply.slug) == (431, "headers-too-large")


def test_the_port_may_become_known_after_the_guard_is_made() -> None:
    bound: list[int] = []
    guard = Guard(Notebook(), token=TOKEN, port=lambda: bound[0])
    bound.append(4321)

    assert call(guard, headers=[("host", "localhost:4321"), RIGHT]).status == 200
    assert call(guard).status == 421


def test_a_websocket_is_closed_and_never_reaches_the_app() -> None:
    notebook = Notebook()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {**scope_of("GET", "/api/ask", [HOST, RIGHT]), "type": "websocket"}
    asyncio.run(guard_of(notebook)(scope, receive, send))

    assert [message["type"] for message in sent] == ["websocket.close"]
    assert notebook.asked == []


def test_an_app_that_fails_tells_the_number_of_the_request_and_nothing_of_the_note(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("my diary says: she left")

    reply = call(guard_of(failing), headers=[HOST, RIGHT, OBSIDIAN])

    assert (reply.status, reply.slug) == (500, "internal")
    assert reply.headers["access-control-allow-origin"] == "app://obsidian.md"
    assert reply.headers["x-request-id"] in caplog.text
    assert "ValueError in " in caplog.text
    assert "diary" not in reply.body.decode() + caplog.text


def test_an_app_that_fails_in_the_middle_leaves_the_answer_unfinished(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError

    reply = call(guard_of(failing))

    assert (reply.status, reply.body) == (200, b"half")
    assert caplog.text.count("ValueError") == 1


def test_the_access_log_has_one_line_for_each_request_and_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vaultbot.access")
    app = FastAPI()

    @app.get("/api/notes/{path:path}")
    def note(path: str) -> str:
        return path

    guard = guard_of(app)
    found = call(guard, path="/api/notes/Secret plan.md?q=whisper")
    call(guard, path="/no\r\nwhere?q=whisper", headers=[HOST, RIGHT])
    call(guard, path="/api/status?token=whisper", headers=[HOST, ("authorization", "Bearer whisper")])

    assert found.status == 200
    call(guard, path="/api/notes/Secret plan.md", headers=[HOST])

    first, second, third, fourth = (record.getMessage() for record in caplog.records)
    request_id = found.headers["x-request-id"]
    assert re.fullmatch(rf"GET /api/notes/\{{path:path\}} 200 \d+\.\d ms {request_id}", first)
    assert second.startswith("GET /… 404 ")
    assert third.startswith("GET /api/status 401 ")
    assert fourth.startswith("GET /api/notes/… 401 ")
    for secret in (TOKEN, "whisper", "Secret"):
        assert secret not in caplog.text


def test_a_wrong_token_is_refused_before_any_of_fifty_megabytes_is_read() -> None:
    notebook = Notebook()
    with (
        served(lambda port: Guard(notebook, token=TOKEN, port=port)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=10) as client,
    ):
        head = (
            f"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer wrong\r\n"
            "Content-Type: application/json\r\nContent-Length: 50000000\r\nExpect: 100-continue\r\n\r\n"
        )
        client.sendall(head.encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nconnection: close\r\n" in answer
    assert b"token-required" in answer
    assert notebook.asked == []


def test_after_a_short_refused_question_the_connection_goes_on() -> None:
    notebook = Notebook()
    with served(lambda port: Guard(notebook, token=TOKEN, port=port)) as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        question = json.dumps({"question": "Why?"})
        answers = []
        for token in ("wrong", TOKEN):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            client.request("POST", "/api/ask", question, headers)
            answer = client.getresponse()
            answers.append((answer.status, answer.getheader("connection")))
            answer.read()
        client.close()

    assert answers == [(401, None), (200, None)]
    assert notebook.asked == [question.encode()]
