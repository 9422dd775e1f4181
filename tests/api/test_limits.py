"""How much is answered at once and in a minute, and what the rest is told."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tests.api.test_app import SOURDOUGH, Asking, Waiting, app_of
from tests.api.wire import HOST, JSON, PORT, RIGHT, TOKEN, Reply, call, call_async, served
from tests.cli.machine import until
from tests.conftest import VaultBuilder
from tests.fakes import Clock
from vaultbot.api.guard import Guard
from vaultbot.api.limits import ASK, LOOK, SEARCH, STREAMS, Limits, Rate
from vaultbot.api.sse import EventStream


@pytest.mark.parametrize(("a_minute", "each_s"), [(30, 2.0), (300, 0.2)])
def test_a_minutes_worth_at_once_and_then_as_the_minute_goes(a_minute: int, each_s: float) -> None:
    clock = Clock()
    rate = Rate(a_minute, clock=clock)

    assert [rate.take() for _ in range(a_minute)] == [0.0] * a_minute
    assert rate.take() == pytest.approx(each_s)
    clock.now += each_s * 1.001
    assert (rate.take(), rate.take() > 0) == (0.0, True)
    clock.now += 3600
    assert [rate.take() for _ in range(a_minute)] == [0.0] * a_minute
    assert rate.take() > 0


class Slow:
    """An app that answers all who have come when it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await self.go_on.wait()
        await PlainTextResponse("done")(scope, receive, send)


def at_once(method: str, path: str, number: int) -> list[Reply]:
    """The answers to so many requests that do not wait for each other."""

    async def run() -> list[Reply]:
        slow = Slow()
        guard = Guard(Limits(slow, clock=Clock()), token=TOKEN, port=PORT)
        headers = [HOST, RIGHT, JSON, ("content-length", "2")] if method == "POST" else [HOST, RIGHT]
        calls = [
            asyncio.ensure_future(call_async(guard, method, path, headers, [b"{}" if method == "POST" else b""]))
            for _ in range(number)
        ]
        done: set[Any] = set()
        while len(done) + slow.asked < number:
            await asyncio.sleep(0)
            done = {one for one in calls if one.done()}
        slow.go_on.set()
        return await asyncio.gather(*calls)

    return asyncio.run(asyncio.wait_for(run(), 30))


def statuses(replies: list[Reply]) -> dict[int, int]:
    return {status: sum(one.status == status for one in replies) for status in {one.status for one in replies}}


def test_more_searches_at_once_than_a_minute_has_are_told_when_to_come_back() -> None:
    replies = at_once("GET", "/api/search", 400)

    assert statuses(replies) == {200: SEARCH.at_ease + 300, 429: 400 - SEARCH.at_ease - 300}
    refused = next(one for one in replies if one.status == 429)
    assert (refused.slug, refused.headers["retry-after"]) == ("rate-limited", "1")
    assert "more than 300 searches in a minute" in refused.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
def test_clients_of_openai_are_told_so_in_their_own_words(path: str) -> None:
    replies = at_once("POST", path, 400)
    refused = [one for one in replies if one.status == 429]

    if path == "/v1/embeddings":
        assert refused[0].json()["error"]["code"] == "rate_limit_exceeded"
        assert refused[0].headers["retry-after"] == "1"
    else:
        assert refused == []  # The line of questions is full first, and its route says so.


def test_questions_are_counted_up_to_where_the_line_is_full() -> None:
    clock = Clock()

    async def ask(guard: Guard) -> Reply:
        return await call_async(guard, "POST", "/api/ask", [HOST, RIGHT, JSON, ("content-length", "2")], [b"{}"])

    async def run() -> list[list[int]]:
        slow = Slow()
        guard = Guard(Limits(slow, clock=clock), token=TOKEN, port=PORT)
        rounds = []
        for _ in range(6):
            slow.go_on.clear()
            calls = [asyncio.ensure_future(ask(guard)) for _ in range(9)]
            before = slow.asked
            while sum(one.done() for one in calls) + slow.asked - before < 9:
                await asyncio.sleep(0)
            slow.go_on.set()
            rounds.append(sorted(one.status for one in await asyncio.gather(*calls)))
        return rounds

    rounds = asyncio.run(asyncio.wait_for(run(), 30))

    # Each nine have seven that come while two are at work: thirty of them are let in.
    assert rounds[:4] == [[200] * 9] * 4
    assert rounds[4] == [200] * 4 + [429] * 5
    assert rounds[5] == [200] * 2 + [429] * 7
    assert ASK.a_minute == 30


@pytest.mark.parametrize("path", ["/api/search", "/api/ask", "/v1/chat/completions"])
def test_who_waits_for_one_answer_before_asking_the_next_is_never_held_up(path: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("done")(scope, receive, send)

    guard = Guard(Limits(app, clock=Clock()), token=TOKEN, port=PORT)
    method = "GET" if path == "/api/search" else "POST"

    assert {call(guard, method, path).status for _ in range(400)} == {200}


def test_looks_through_the_vault_are_counted_each() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("done")(scope, receive, send)

    clock = Clock()
    guard = Guard(Limits(app, clock=clock), token=TOKEN, port=PORT)

    assert [call(guard, "POST", "/api/index").status for _ in range(LOOK.a_minute)] == [200] * LOOK.a_minute
    refused = call(guard, "POST", "/api/index")
    assert (refused.status, refused.headers["retry-after"]) == (429, "2")
    assert "looks through the vault" in refused.json()["detail"]
    assert call(guard, "GET", "/api/search").status == 200


def test_an_app_that_fails_is_counted_as_ended() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError

    guard = Guard(Limits(app, clock=Clock()), token=TOKEN, port=PORT)

    assert {call(guard, path="/api/search").status for _ in range(350)} == {500}


def test_a_hundred_questions_at_once_are_nine_taken_and_ninety_one_told_to_come_back(vault: VaultBuilder) -> None:
    vault.write("Bread/Sourdough.md", SOURDOUGH)
    vault.model = model = Waiting()
    vault.index()
    with served(lambda port: app_of(vault, port)) as port, ExitStack() as open_ones:
        first = [Asking(port) for _ in range(9)]
        until(lambda: vault.assistant._asks._value == 0)
        rest = [Asking(port, stream=number % 2 == 0) for number in range(91)]
        for one in (*first, *rest):
            open_ones.callback(one.close)
        refused = [one.answer() for one in rest]
        model.go_on.set()
        taken = [one.status() for one in first]

    assert taken == [200] * 9
    assert {(one.status, one.headers["content-type"]) for one in refused} == {(503, "application/problem+json")}
    assert all(int(one.headers["retry-after"]) >= 1 for one in refused)


# ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────


class Endless:
    """A stream that goes on until somebody leaves; and how many have ended."""

    def __init__(self) -> None:
        self.ended = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = threading.Event()
        await EventStream(self._events(left), on_disconnect=left.set)(scope, receive, send)

    def _events(self, left: threading.Event) -> Iterator[tuple[str, object]]:
        try:
            yield "status", {}
            left.wait(60)
        finally:
            self.ended += 1


def test_sixteen_streams_are_open_at_most_and_one_that_is_closed_makes_room() -> None:
    endless = Endless()
    with served(lambda port: Guard(Limits(endless), token=TOKEN, port=port)) as port, ExitStack() as open_ones:

        def stream() -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            open_ones.callback(connection.close)
            connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {TOKEN}"})
            return connection, connection.getresponse()

        streams = [stream() for _ in range(STREAMS)]
        assert {answer.status for _, answer in streams} == {200}

        _, refused = stream()
        assert (refused.status, refused.headers["content-type"]) == (503, "application/problem+json")
        assert (b"/problems/queue-full" in refused.read(), refused.headers["retry-after"]) == (True, "5")
        assert endless.ended == 1  # What was not told has ended as well.

        streams[0][1].close()
        streams[0][0].close()
        until(lambda: endless.ended == 2)
        until(lambda: stream()[1].status == 200)


def test_an_answer_that_does_not_end_is_cut_off_and_says_so() -> None:
    left = threading.Event()

    def events() -> Iterator[tuple[str, object]]:
        yield "delta", {}
        assert left.wait(30)

    reply = call(EventStream(events(), on_disconnect=left.set, longest_seconds=0.05))

    assert b"event: delta\n" in reply.body
    assert reply.body.endswith(b"\n\n")
    assert b'event: error\ndata: {"type":"/problems/took-too-long"' in reply.body
    assert left.is_set()
