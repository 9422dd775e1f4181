"""`/mcp` behind the guard, with the SDK's own client and by hand."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.api.test_app import SOURDOUGH, Waiting, app_of
from tests.api.wire import HOST, JSON, OBSIDIAN, RIGHT, TOKEN, Reply, call, served
from tests.cli.machine import until
from tests.conftest import VaultBuilder

T = TypeVar("T")

CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "search", "arguments": {"query": "starter"}},
}
ACCEPT = ("accept", "application/json, text/event-stream")


@pytest.fixture
def bakery(vault: VaultBuilder) -> VaultBuilder:
    vault.write("Bread/Sourdough.md", SOURDOUGH)
    vault.index()
    return vault


def using(
    vault: VaultBuilder,
    what: Callable[[Client], Awaitable[T]],
    *,
    mode: Literal["auto", "legacy"] = "auto",
    patience_s: float = 5,
) -> T:
    """What `what` does with a client of the vault's `/mcp`, which hangs up after so long without an answer."""

    async def run(port: int) -> T:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=patience_s) as http:
            transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                return await what(client)

    with served(lambda port: app_of(vault, port)) as port:
        return asyncio.run(run(port))


def post(vault: VaultBuilder, *headers: tuple[str, str], body: object = CALL) -> Reply:
    content = json.dumps(body).encode()
    return call(
        app_of(vault), "POST", "/mcp", [JSON, ACCEPT, ("content-length", str(len(content))), *headers], [content]
    )


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_sdks_client_lists_calls_and_reads(bakery: VaultBuilder, mode: Literal["auto", "legacy"]) -> None:
    async def all_of_it(client: Client) -> tuple[list[str], str, str, str]:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        found = await client.call_tool("search", {"query": "starter"})
        asked = await client.call_tool("ask", {"question": "What is a starter fed with?"})
        (resource,) = (await client.list_resources()).resources
        (read,) = (await client.read_resource(str(resource.uri))).contents
        return tools, found.content[0].text, asked.content[0].text, read.text  # type: ignore[union-attr]

    tools, found, asked, read = using(bakery, all_of_it, mode=mode)

    assert tools == ["search", "ask", "read_note", "related", "backlinks", "suggest_links"]
    assert "Bread/Sourdough.md:6" in found
    assert "[[Bread/Sourdough#Starter|Sourdough › Starter]]" in asked
    assert read == SOURDOUGH


def test_ten_at_once_are_answered(bakery: VaultBuilder) -> None:
    async def at_once(client: Client) -> list[Any]:
        return await asyncio.gather(*(client.call_tool("search", {"query": "starter"}) for _ in range(60)))

    assert all("Bread/Sourdough.md" in result.content[0].text for result in using(bakery, at_once, patience_s=60))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_who_leaves_stops_the_model(bakery: VaultBuilder, mode: Literal["auto", "legacy"]) -> None:
    bakery.close()
    bakery.model = waiting = Waiting()
    bakery.index()

    async def leave(client: Client) -> None:
        asking = asyncio.create_task(client.call_tool("ask", {"question": "What is a starter fed with?"}))
        while not waiting.began.is_set():
            await asyncio.sleep(0.02)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        while not waiting.stopped.is_set():
            await asyncio.sleep(0.02)

    using(bakery, leave, mode=mode)

    until(lambda: bakery.assistant._asks._value == 9)


def test_a_call_without_ceremony_is_answered(bakery: VaultBuilder) -> None:
    with served(lambda port: app_of(bakery, port)) as port:
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
        response = httpx2.post(f"http://127.0.0.1:{port}/mcp", json=CALL, headers=headers)

    assert response.status_code == 200
    assert "Bread/Sourdough.md" in response.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([HOST], 401),
        ([HOST, ("authorization", "Bearer wrong")], 401),
        ([("host", "evil.test:8765"), RIGHT], 421),
        ([HOST, RIGHT, ("origin", "https://evil.test")], 403),
        ([HOST, RIGHT, ("origin", "null")], 403),
        ([HOST, RIGHT, ("sec-fetch-site", "cross-site")], 403),
    ],
)
def test_the_guard_stands_before_it(bakery: VaultBuilder, headers: list[tuple[str, str]], status: int) -> None:
    reply = post(bakery, *headers)

    assert (reply.status, bool(reply.slug)) == (status, True)


def test_a_page_of_obsidian_may_ask(bakery: VaultBuilder) -> None:
    reply = call(app_of(bakery), "OPTIONS", "/mcp", [HOST, OBSIDIAN])

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (204, "app://obsidian.md")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_are_no_sessions_to_listen_to_or_to_end(bakery: VaultBuilder, method: str) -> None:
    assert call(app_of(bakery), method, "/mcp", [HOST, RIGHT, ACCEPT]).status == 405


@pytest.mark.parametrize("body", [[], "x", {}, {"jsonrpc": "2.0"}, {"jsonrpc": "2.0", "id": 1, "method": "nonsense"}])
def test_nonsense_is_answered_and_does_no_harm(bakery: VaultBuilder, body: object) -> None:
    with served(lambda port: app_of(bakery, port)) as port:
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
        response = httpx2.post(f"http://127.0.0.1:{port}/mcp", json=body, headers=headers)
        again = httpx2.post(f"http://127.0.0.1:{port}/mcp", json=CALL, headers=headers)

    assert response.status_code < 500
    assert again.status_code == 200


@pytest.mark.parametrize("headers", [[], [("content-type", "text/plain")], [JSON]])
def test_a_request_without_a_body_is_answered_in_the_protocols_own_form(
    bakery: VaultBuilder, headers: list[tuple[str, str]]
) -> None:
    with served(lambda port: app_of(bakery, port)) as port:
        right = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
        response = httpx2.post(f"http://127.0.0.1:{port}/mcp", headers={**right, **dict(headers)})

    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("Parse error")


def test_the_daemon_does_without_the_sdk_until_somebody_comes() -> None:
    code = "import sys, vaultbot.daemon; print([m for m in ('mcp', 'mcp_types', 'httpx2') if m in sys.modules])"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"
