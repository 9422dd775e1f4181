from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from starlette.types import Message

from tests.api.wire import HOST, JSON, PORT, RIGHT, TOKEN, Notebook, call, scope_of
from vaultbot.api.guard import Guard

CHUNKED = ("transfer-encoding", "chunked")


def length(n: int | str) -> tuple[str, str]:
    return ("content-length", str(n))


def test_a_question_arrives_whole_however_it_was_cut() -> None:
    notebook = Notebook()
    guard = Guard(notebook, token=TOKEN, port=PORT)
    question = '{"question": "Was ist ein Übersetzer?"}'.encode()

    whole = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, length(len(question))], [question])
    pieces = [question[:30], question[30:31], question[31:], b""]
    cut = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, CHUNKED], pieces)

    assert (whole.status, cut.status) == (200, 200)
    assert notebook.asked == [question, question]


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_understood(kind: str) -> None:
    headers = [HOST, RIGHT, ("content-type", kind), length(2)]

    assert call(Guard(Notebook(), token=TOKEN, port=PORT), "POST", "/api/ask", headers, [b"{}"]).status == 200


@pytest.mark.parametrize(
    "kinds",
    [
        [],
        [""],
        ["text/plain"],
        ["application/x-www-form-urlencoded"],
        ["multipart/form-data; boundary=x"],
        ["application/jsonp"],
        ["text/plain, application/json"],
        ["text/plain; application/json"],
        ["application/json", "text/plain"],
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "GET"])
def test_what_a_form_could_send_is_refused(method: str, kinds: list[str]) -> None:
    notebook = Notebook()
    guard = Guard(notebook, token=TOKEN, port=PORT)
    headers = [HOST, RIGHT, *(("content-type", kind) for kind in kinds), length(2)]

    reply = call(guard, method, "/api/ask", headers, [b"{}"])

    assert (reply.status, reply.slug) == (415, "unsupported-media")
    assert notebook.asked == []


@pytest.mark.parametrize("headers", [[], [length(0)], [length(0), ("content-type", "text/plain")]])
def test_a_post_without_a_body_is_fine(headers: list[tuple[str, str]]) -> None:
    notebook = Notebook()
    guard = Guard(notebook, token=TOKEN, port=PORT)

    assert call(guard, "POST", "/api/undo", [HOST, RIGHT, *headers]).status == 200
    assert notebook.asked == [b""]


def test_a_body_said_to_be_too_large_is_not_read() -> None:
    guard = Guard(Notebook(), token=TOKEN, port=PORT)

    reply = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, length(256 * 1024 + 1)], [])

    assert (reply.status, reply.slug) == (413, "too-large")
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize("stated", [CHUNKED, length(5)])
def test_a_body_is_counted_while_it_arrives(stated: tuple[str, str]) -> None:
    notebook = Notebook()
    guard = Guard(notebook, token=TOKEN, port=PORT, max_body_bytes=10)

    fits = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, stated], [b"12345", b"67890"])
    over = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, stated], [b"12345", b"67890", b"1"] + [b""] * 9)

    assert (fits.status, over.status, over.slug) == (200, 413, "too-large")
    assert over.headers["connection"] == "close"
    assert notebook.asked == [b"1234567890"]


@pytest.mark.parametrize(
    "headers",
    [
        [length("")],
        [length("-1")],
        [length("+2")],
        [length("0x2")],
        [length("2.0")],
        [length("2, 2")],
        [length("²")],
        [length("9" * 400)],
        [length(2), length(2)],
        [length(2), length(3)],
        [length(2), CHUNKED],
    ],
)
def test_a_length_that_can_be_read_in_two_ways_is_refused(headers: list[tuple[str, str]]) -> None:
    notebook = Notebook()
    guard = Guard(notebook, token=TOKEN, port=PORT)

    reply = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, *headers], [b"{}"])

    assert (reply.status, reply.slug) == (400, "bad-request")
    assert reply.headers["connection"] == "close"
    assert notebook.asked == []


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    guard = Guard(Notebook(), token=TOKEN, port=PORT, body_seconds=0.02)

    reply = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, length(20)], [])

    assert (reply.status, reply.slug) == (408, "too-slow")
    assert reply.headers["connection"] == "close"


def test_a_client_that_leaves_while_it_sends_gets_no_answer_and_asks_nothing() -> None:
    notebook = Notebook()
    guard = Guard(notebook, token=TOKEN, port=PORT)
    sent: list[Message] = []
    messages: Iterator[Message] = iter(
        [{"type": "http.request", "body": b'{"que', "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(guard(scope_of("POST", "/api/ask", [HOST, RIGHT, JSON, CHUNKED]), receive, send))

    assert sent == []
    assert notebook.asked == []


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (nested(32), 200),
        (nested(33), 422),
        (b"[" * 100_000, 422),
        (b'{"a":' * 33 + b"1" + b"}" * 33, 422),
        (json.dumps({"question": "[" * 100}).encode(), 200),
        (json.dumps({"question": '"' + "[" * 100}).encode(), 200),
        (json.dumps({"question": "\\" + "[" * 100 + "\\"}).encode(), 200),
        (b"[" + b"[]," * 500 + b"1]", 200),
    ],
)
def test_lists_in_lists_are_refused_when_they_go_too_deep(body: bytes, status: int) -> None:
    guard = Guard(Notebook(), token=TOKEN, port=PORT)

    assert call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, length(len(body))], [body]).status == status


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_without_end_is_refused_and_its_name_within_a_text_is_not(number: str) -> None:
    guard = Guard(Notebook(), token=TOKEN, port=PORT)
    number_body, text_body = f'{{"score": [{number}]}}'.encode(), f'{{"question": "\\"{number}"}}'.encode()

    refused = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, length(len(number_body))], [number_body])
    asked = call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, length(len(text_body))], [text_body])

    assert (refused.status, refused.slug, asked.status) == (422, "invalid-request", 200)


@pytest.mark.parametrize("piece", [b'"', b'\\"', b'"\\', b"\\", b"[]", b'"["', b"]["])
def test_no_body_makes_the_depth_check_slow(piece: bytes) -> None:
    body = piece * (256 * 1024 // len(piece))
    guard = Guard(Notebook(), token=TOKEN, port=PORT)

    # The five seconds of `call` are exceeded by far if a start is tried again at every place.
    assert call(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, length(len(body))], [body]).status == 200
