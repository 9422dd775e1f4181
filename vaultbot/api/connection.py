"""A connection: what must be true of it before there is a request that the guard could look at.

Uvicorn waits for ever for the head of a request and says in plain text what is wrong with one. Here a head has a time,
and every refusal is a problem document with the headers of all others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any
from uuid import uuid4

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from vaultbot.api.errors import MEDIA_TYPE, respond
from vaultbot.api.guard import ON_EVERY_ANSWER
from vaultbot.api.limits import CONNECTIONS, HEAD_SECONDS
from vaultbot.api.problems import problem


class Connection(H11Protocol):
    """Uvicorn's connection with a time for the head of each request, and our words for what it cannot read."""

    head_seconds = HEAD_SECONDS
    most_connections = CONNECTIONS

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has come."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            self.app = _too_many
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """A piece of a request has come."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._head is None and self.timeout_keep_alive_task is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody has left."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """What came is no request."""
        hint = getattr(sys.exc_info()[1], "error_status_hint", 400)
        if hint == 431:
            self._refuse(431, "headers-too-large", "The request has too many headers", "Its head is too long.")
        else:
            self._refuse(400, "bad-request", "The request cannot be read", "It is no request of HTTP/1.1.")

    def _wait_for_head(self) -> None:
        self._head = self.loop.call_later(self.head_seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _too_slow(self) -> None:
        self._head = None
        if self.conn.trailing_data[0]:
            detail = f"The head of a request must arrive within {self.head_seconds:g} seconds."
            self._refuse(408, "too-slow", "The request took too long", detail)
        else:  # Nobody has said anything.
            self.transport.close()

    def _refuse(self, status: int, slug: str, title: str, detail: str) -> None:
        document = problem(status, slug, title, detail, uuid4().hex)
        content = json.dumps(document).encode()
        headers = {**ON_EVERY_ANSWER, "content-type": MEDIA_TYPE, "connection": "close"}
        # An answer may be under way already: then there is nothing to be said.
        with contextlib.suppress(h11.LocalProtocolError):
            head = h11.Response(status_code=status, headers=[*headers.items(), ("content-length", str(len(content)))])
            for event in (head, h11.Data(content), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


async def _too_many(scope: Scope, receive: Receive, send: Send) -> None:
    document: dict[str, Any] = problem(
        503, "queue-full", "Too many at once", "Too many connections are open; close some.", uuid4().hex
    )
    headers = {**ON_EVERY_ANSWER, "connection": "close", "retry-after": "5"}
    await respond(document, headers, path=scope["path"])(scope, receive, send)
