from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message

from tests.api.wire import HOST, OBSIDIAN, PORT, RIGHT, TOKEN, call, scope_of, served
from vaultbot.api.guard import Guard
from vaultbot.api.sse import BUFFERED_EVENTS, HEARTBEAT, EventStream, event
from vaultbot.errors import ModelCrashed

GENEROUS = 10.0


def frames(body: bytes) -> list[tuple[str, object]]:
    """The events of a stream, as a client reads them."""
    found = []
    for frame in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in frame.split("\n") if line and not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def nobody_leaves() -> None:
    raise AssertionError("the client did not leave")


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda x: st.lists(x) | st.dictionaries(texts, x))
)
def test_any_answer_is_one_event_of_two_lines(data: object) -> None:
    frame = event("token", data)

    assert frame.endswith(b"\n\n")
    assert frame.count(b"\n") == 3
    assert b"\r" not in frame
    assert frames(frame) == [("token", data)]


def test_a_file_name_that_is_not_unicode_does_not_break_the_stream() -> None:
    assert frames(event("citation", {"path": "caf\udce9.md"})) == [("citation", {"path": "caf?.md"})]


@pytest.mark.parametrize("name", ["", "a\nb", "a\rdata: x", "a\n"])
def test_an_event_cannot_be_smuggled_in_by_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        event(name, {})


def test_an_answer_arrives_event_by_event_and_in_order() -> None:
    events = [("token", {"text": f"word {i}"}) for i in range(300)]
    stream = EventStream(iter(events), on_disconnect=nobody_leaves)

    reply = call(Guard(stream, token=TOKEN, port=PORT), headers=[HOST, RIGHT, OBSIDIAN])

    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["x-accel-buffering"] == "no"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["access-control-allow-origin"] == "app://obsidian.md"
    assert "content-length" not in reply.headers
    assert frames(reply.body) == events


def test_a_model_that_crashes_ends_the_stream_with_the_problem() -> None:
    def events() -> Iterator[tuple[str, object]]:
        yield "token", {"text": "Bread"}
        raise ModelCrashed("the model's process ended; ask again")

    stream = EventStream(events(), on_disconnect=nobody_leaves)
    reply = call(Guard(stream, token=TOKEN, port=PORT))

    first, (name, problem) = frames(reply.body)
    assert first == ("token", {"text": "Bread"})
    assert name == "error"
    assert problem == {
        "type": "/problems/model-crashed",
        "title": "The model crashed",
        "status": 503,
        "detail": "the model's process ended; ask again",
        "instance": reply.headers["x-request-id"],
    }


def test_an_unforeseen_error_ends_the_stream_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    closed = threading.Event()

    def events() -> Iterator[tuple[str, object]]:
        try:
            yield "score", float("nan")
        finally:
            closed.set()

    reply = call(EventStream(events(), on_disconnect=nobody_leaves))

    ((name, problem),) = frames(reply.body)
    assert (name, problem["status"]) == ("error", 500)  # type: ignore[index]
    assert "failed: ValueError in " in caplog.text
    assert closed.is_set()


def test_a_model_that_thinks_for_long_is_heard_to_be_alive() -> None:
    def events() -> Iterator[tuple[str, object]]:
        yield "meta", {}
        time.sleep(0.3)
        yield "done", {}

    stream = EventStream(events(), on_disconnect=nobody_leaves, heartbeat_seconds=0.02)
    reply = call(stream)

    meta, done = event("meta", {}), event("done", {})
    assert reply.body.startswith(meta + HEARTBEAT)
    assert reply.body.endswith(HEARTBEAT + done)
    assert reply.body.replace(HEARTBEAT, b"") == meta + done


class Words:
    """An endless answer: it counts its words, and knows when it was closed."""

    def __init__(self, *, pause: Callable[[], object]) -> None:
        self.count = 0
        self.closed = threading.Event()
        self._pause = pause

    def events(self) -> Iterator[tuple[str, object]]:
        try:
            while True:
                self._pause()
                self.count += 1
                yield "token", {"text": "word " * 20}
        finally:
            self.closed.set()


def test_a_client_that_reads_slowly_slows_the_model_down() -> None:
    words = Words(pause=lambda: None)
    left = threading.Event()

    async def ask() -> int:
        reads = asyncio.Event()

        async def receive() -> Message:
            await reads.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Future()

        stream = EventStream(words.events(), on_disconnect=left.set)
        asking = asyncio.ensure_future(stream(scope_of("GET", "/", []), receive, send))
        while words.count < BUFFERED_EVENTS:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        drawn = words.count
        reads.set()
        await asking
        return drawn

    # One more is on its way to the client.
    assert asyncio.run(asyncio.wait_for(ask(), GENEROUS)) <= BUFFERED_EVENTS + 1
    assert left.is_set()
    assert words.closed.wait(GENEROUS)


def test_a_client_that_reads_nothing_is_cut_off() -> None:
    words = Words(pause=lambda: None)
    left = threading.Event()

    async def receive() -> Message:
        return await asyncio.Future()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Future()

    stream = EventStream(words.events(), on_disconnect=left.set, stall_seconds=0.05)
    asyncio.run(asyncio.wait_for(stream(scope_of("GET", "/", []), receive, send), GENEROUS))

    assert left.is_set()
    assert words.closed.wait(GENEROUS)


def guarded(stream: EventStream) -> Callable[[int], ASGIApp]:
    return lambda port: Guard(stream, token=TOKEN, port=port)


def listen(port: int) -> socket.socket:
    """A client that has read the first words."""
    client = socket.create_connection(("127.0.0.1", port), timeout=GENEROUS)
    head = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    client.sendall(head.encode())
    read = b""
    while b"event: token" not in read:
        read += client.recv(4096)
    return client


def test_when_the_client_leaves_the_model_is_told_and_the_answer_closed() -> None:
    told = threading.Event()
    # The second word takes a minute, unless somebody tells the model to stop.
    words = Words(pause=lambda: words.count and told.wait(60))
    stream = EventStream(words.events(), on_disconnect=told.set)

    with served(guarded(stream)) as port:
        listen(port).close()

        assert told.wait(GENEROUS)
        assert words.closed.wait(GENEROUS)


def test_when_the_client_leaves_an_answer_that_cannot_be_hurried_ends_after_its_present_word() -> None:
    words = Words(pause=lambda: time.sleep(0.01))
    stream = EventStream(words.events(), on_disconnect=lambda: None)

    with served(guarded(stream)) as port:
        listen(port).close()

        assert words.closed.wait(GENEROUS)


def test_when_the_server_ends_the_answer_ends_too() -> None:
    words = Words(pause=lambda: time.sleep(0.01))
    told = threading.Event()
    stream = EventStream(words.events(), on_disconnect=told.set)

    with served(guarded(stream)) as port:
        client = listen(port)

    assert told.is_set()
    assert words.closed.wait(GENEROUS)
    client.close()
