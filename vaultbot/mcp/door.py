"""The way from the MCP server to the notes: the routes of the HTTP API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urlencode

from vaultbot.errors import VaultbotError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Scope


class Door(Protocol):
    """Asks the daemon. A refusal is a VaultbotError with the daemon's words. Cancelling ends the work soon."""

    async def get(self, path: str, params: Mapping[str, object]) -> Any:
        """The JSON answer to a GET."""

    async def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The JSON answer to a POST."""


def with_params(path: str, params: Mapping[str, object]) -> str:
    """The path with its parameters; those that are None are left out."""
    given = {name: value for name, value in params.items() if value is not None}
    query = urlencode(given, doseq=True, errors="replace")
    return f"{path}?{query}" if query else path


def note_path(note: str) -> str:
    """The route of a note."""
    return f"/api/notes/{quote(note, errors='replace')}"


class AppDoor:
    """Asks the app in this very process, behind its guard: the guard has let the MCP request in already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def get(self, path: str, params: Mapping[str, object]) -> Any:
        """The JSON answer to a GET."""
        return await self._call("GET", with_params(path, params), b"")

    async def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The JSON answer to a POST."""
        return await self._call("POST", path, json.dumps(body).encode())

    async def _call(self, method: str, target: str, body: bytes) -> Any:
        path, _, query = target.partition("?")
        scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": [(b"content-type", b"application/json")],
        }
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        status, answer = 0, bytearray()

        async def receive() -> Message:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()  # Nobody leaves: whoever gives up cancels the call itself.
            raise AssertionError

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                answer.extend(message.get("body", b""))

        try:
            await self._app(scope, receive, send)
        except Exception:
            if not answer:  # Starlette raises an error again that its handler has answered.
                raise
        page = json.loads(bytes(answer))
        if status >= 400:
            raise VaultbotError(str(page.get("detail") or page.get("title")))
        return page
