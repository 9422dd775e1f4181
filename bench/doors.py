"""Every client at one running daemon, and what each door adds to the plain API.

First each kind of client asks once: whether it works. Then the same questions come by every way in, one after the
other, in turns: what each way costs.

    python -m bench.doors --vault examples/garden

No language model is asked, so that what is measured is the door and not the model. Each HTTP request has a connection
of its own, save that of the MCP client, which keeps one, as its users do.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx2
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from bench.clients import Came, all_clients
from bench.daemon import running_daemon
from bench.machine import machine
from bench.search import varied_queries
from bench.vaults import measured_vault, vault_arguments
from vaultbot.client import Client

_WARM_UP = 3


@dataclass(frozen=True)
class Took:
    """Milliseconds of one question."""

    first: float  #: to the first byte of the answer
    whole: float


Door = Callable[[str], Awaitable[Took]]


def main() -> None:
    parser = vault_arguments(__doc__)
    parser.add_argument("--questions", type=int, default=30)
    given = parser.parse_args()
    os.environ.update(VAULTBOT_MODEL_PATH="none", VAULTBOT_SERVER_OLLAMA_COMPAT="true")
    print(machine())
    with measured_vault(given.vault, notes=given.notes) as root, running_daemon(root) as client:
        status = client.get("/api/status")
        print(f"{status['notes']} notes, found by: {status['embedder'] or 'words alone'}, no language model")
        questions = [query for query in varied_queries(root, given.questions * 4) if query.endswith("?")]
        _print_clients(all_clients(client, root, questions[0]))
        asyncio.run(_measure(client, root, questions[: given.questions]))


async def _measure(client: Client, root: Path, questions: list[str]) -> None:
    stdio = StdioServerParameters(
        command=sys.executable, args=["-m", "vaultbot", "mcp", "--vault", str(root)], env=dict(os.environ)
    )
    web = httpx2.AsyncClient(headers=client.headers)
    began = time.perf_counter()
    async with web, McpClient(stdio) as by_stdio:
        connected_ms = (time.perf_counter() - began) * 1000
        began = time.perf_counter()
        async with McpClient(streamable_http_client(f"{client.address}/mcp", http_client=web)) as by_http:
            first_mcp_ms = (time.perf_counter() - began) * 1000
            doors = _doors(client, by_http, by_stdio)
            for question in questions[:_WARM_UP]:
                for door in doors.values():
                    await door(question)
            took: dict[str, list[Took]] = {name: [] for name in doors}
            names = list(doors)
            for turn, question in enumerate(questions):
                at = turn % len(names)
                for name in names[at:] + names[:at]:  # Each comes first as often as the others.
                    took[name].append(await doors[name](question))
    _print(took)
    print(
        f"\nvaultbot mcp is ready to be asked after {connected_ms:.0f} ms; the daemon's first MCP client, for whom it"
    )
    print(f"loads the SDK, after {first_mcp_ms:.0f} ms")


def _doors(client: Client, by_http: McpClient, by_stdio: McpClient) -> Mapping[str, Door]:
    def said(question: str, model: str, **more: object) -> dict[str, object]:
        return {"model": model, "messages": [{"role": "user", "content": question}], **more}

    def posting(path: str, body: Callable[[str], Mapping[str, object]]) -> Door:
        async def ask(question: str) -> Took:
            return await asyncio.to_thread(_post, client, path, body(question))

        return ask

    def calling(assistant: McpClient) -> Door:
        async def ask(question: str) -> Took:
            began = time.perf_counter()
            result = await assistant.call_tool("ask", {"question": question})
            assert not result.is_error, result
            took = (time.perf_counter() - began) * 1000
            return Took(took, took)

        return ask

    return {
        "POST /api/ask": posting("/api/ask", lambda q: {"question": q}),
        "POST /api/ask, streamed": posting("/api/ask", lambda q: {"question": q, "stream": True}),
        "/v1/chat/completions": posting("/v1/chat/completions", lambda q: said(q, "vaultbot")),
        "/v1/chat/completions, streamed": posting("/v1/chat/completions", lambda q: said(q, "vaultbot", stream=True)),
        "Ollama's /api/chat": posting("/api/chat", lambda q: said(q, "vaultbot", stream=False)),
        "Ollama's /api/chat, streamed": posting("/api/chat", lambda q: said(q, "vaultbot")),
        "MCP, /mcp": calling(by_http),
        "MCP, vaultbot mcp": calling(by_stdio),
    }


def _post(client: Client, path: str, body: Mapping[str, object]) -> Took:
    content = json.dumps(body).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", client.runtime.port, timeout=60)) as connection:
        began = time.perf_counter()
        connection.request("POST", path, content, client.headers)
        response = connection.getresponse()
        response.read(1)
        first = time.perf_counter()
        response.read()
        whole = time.perf_counter()
        assert response.status == 200, response.status
    return Took((first - began) * 1000, (whole - began) * 1000)


def _print_clients(came: Iterable[Came]) -> None:
    print("\n| client | | ms |\n|---|---|---|")
    for one in came:
        print(f"| {one.client} | {one.outcome} | {f'{one.ms:,.0f}' if one.outcome == 'works' else ''} |", flush=True)


def _print(took: Mapping[str, list[Took]]) -> None:
    plain = next(iter(took.values()))
    print(f"\n{len(plain)} questions, medians; × is that of each question's ratio to POST /api/ask\n")
    print("| door | first byte (streamed: `sources`), ms | whole, ms | added, ms | × |")
    print("|---|---|---|---|---|")
    for name, times in took.items():
        pairs = [(one.whole, api.whole) for one, api in zip(times, plain, strict=True)]
        added = median(one - api for one, api in pairs)
        ratio = median(one / api for one, api in pairs)
        first, whole = median(one.first for one in times), median(one.whole for one in times)
        print(f"| {name} | {first:.1f} | {whole:.1f} | {added:+.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
