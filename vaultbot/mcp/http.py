"""`/mcp`: the MCP server over streamable HTTP, within the daemon and behind its guard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vaultbot.mcp.door import AppDoor

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.types import ASGIApp, Receive, Scope, Send


class McpApp:
    """The ASGI app. The SDK is loaded by the first request, for most daemons never have one.

    `app` is the API's, without its guard; `vault` is the vault's name for the assistant. `hosts` and `origins` are
    those that the guard lets in: the SDK checks them once more.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        vault: str,
        hosts: Callable[[], Sequence[str]],
        origins: Callable[[], Sequence[str]],
    ) -> None:
        self._app = app
        self._vault = vault
        self._hosts = hosts
        self._origins = origins
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: asyncio.Task[None] | None = None
        self._starting: asyncio.Lock | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if self._manager is None or self._running is None or self._running.done():
                self._manager = await self._start()
        await self._manager.handle_request(_called_json(scope), receive, send)

    async def _start(self) -> StreamableHTTPSessionManager:
        manager = await asyncio.to_thread(self._make)  # Other requests go on while the SDK is imported.
        ready = asyncio.Event()

        async def run() -> None:
            async with manager.run():
                ready.set()
                await asyncio.Event().wait()  # until the server's loop ends, and this task with it

        self._running = asyncio.create_task(run())
        await ready.wait()
        return manager

    def _make(self) -> StreamableHTTPSessionManager:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
        from mcp.server.transport_security import TransportSecuritySettings

        from vaultbot.mcp.server import make_server

        logging.getLogger("mcp").setLevel(logging.CRITICAL)  # Its errors may quote what was asked.
        return StreamableHTTPSessionManager(
            make_server(AppDoor(self._app), vault=self._vault),
            stateless=True,  # It reads: there is nothing to keep, and a daemon that ends loses no session.
            security_settings=TransportSecuritySettings(
                enable_dns_rebinding_protection=True,
                allowed_hosts=list(self._hosts()),
                allowed_origins=list(self._origins()),
            ),
        )


def _called_json(scope: Scope) -> Scope:
    """The guard lets in JSON, and no body at all; of one that is not called JSON the SDK complains in plain text."""
    others = [header for header in scope["headers"] if header[0] != b"content-type"]
    return {**scope, "headers": [*others, (b"content-type", b"application/json")]}
