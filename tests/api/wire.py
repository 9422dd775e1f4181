"""Requests to an app without a server, and a server for what only a real connection shows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vaultbot.api.connection import Connection

PORT = 8765
TOKEN = "k3Jq9mX2vB7nR5tY8wZ1cF4hL6pS0dG-aEuIoQxVbNk"
HOST = ("host", f"127.0.0.1:{PORT}")
RIGHT = ("authorization", f"Bearer {TOKEN}")
JSON = ("content-type", "application/json")
OBSIDIAN = ("origin", "app://obsidian.md")

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def slug(self) -> str:
        """Of the problem document."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json()["status"] == self.status
        return str(self.json()["type"]).removeprefix("/problems/")


class Notebook:
    """An app that remembers the bodies it was asked with."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message.get("more_body"):
                break
        self.asked.append(body)
        await PlainTextResponse("done")(scope, receive, send)


def scope_of(method: str, path: str, headers: Pairs) -> Scope:
    """The scope a server makes of a request; the path may have a query."""
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }


async def call_async(app: ASGIApp, method: str, path: str, headers: Pairs, chunks: Sequence[bytes]) -> Reply:
    left: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": more > 0}
        for more, chunk in zip(range(len(chunks) - 1, -1, -1), chunks, strict=True)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope_of(method, path, headers), receive, send)
    start, *rest = sent
    body = b"".join(message["body"] for message in rest)
    return Reply(start["status"], Headers(raw=start["headers"]), body)


def call(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/api/status",
    headers: Pairs = (HOST, RIGHT),
    chunks: Sequence[bytes] = (b"",),
) -> Reply:
    """One request, answered within five seconds. The body comes in chunks; then the client waits."""
    return asyncio.run(asyncio.wait_for(call_async(app, method, path, headers, chunks), 5))


@contextlib.contextmanager
def served(app_on: Callable[[int], ASGIApp]) -> Iterator[int]:
    """A server on a free port of this machine, for the length of a `with`; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app_on(port),
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="off",
        http=Connection,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while thread.is_alive() and not server.started:
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
