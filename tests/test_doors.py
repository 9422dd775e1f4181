"""One daemon with the starter models, and every kind of client at its door."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import ollama
import openai
import pytest
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.cli.machine import Machine, machine_in
from vaultbot.client import Client

QUESTION = "What is a sourdough starter fed with?"
FED = "A sourdough starter is fed with flour and water every day."
SOURCES = "\n\n**Sources**\n1. [[Bread/Sourdough#Starter|Sourdough › Starter]]"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, exports: Path) -> Iterator[Machine]:
    environment = {"VAULTBOT_SERVER_OLLAMA_COMPAT": "true"}
    with machine_in(tmp_path_factory.mktemp("doors"), environment=environment) as machine:
        machine.home.mkdir(mode=0o700)
        (machine.home / "cache").symlink_to(exports)
        machine.write("Bread/Sourdough.md", f"# Starter\n\n{FED}\n")
        machine.write("Kimchi.md", "Cabbage, salt and time. See [[Sourdough]].\n")
        assert machine.vaultbot("start").code == 0
        yield machine


@pytest.fixture
def daemon(machine: Machine) -> Client:
    return machine.client()


@pytest.fixture
def api(daemon: Client) -> Any:
    key = daemon.headers["Authorization"].removeprefix("Bearer ")
    return openai.OpenAI(base_url=f"{daemon.address}/v1", api_key=key, max_retries=0)


def test_openais_library_gets_the_same_answer_as_the_api_whole_and_streamed(api: Any, daemon: Client) -> None:
    asked = daemon.post("/api/ask", {"question": QUESTION})
    messages = [{"role": "user", "content": QUESTION}]

    whole = api.chat.completions.create(model="vaultbot", messages=messages)
    chunks = list(api.chat.completions.create(model="vaultbot", messages=messages, stream=True))

    text = whole.choices[0].message.content
    assert text.startswith(f"{FED} [1]")
    assert text.endswith(SOURCES)
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == text
    assert whole.vaultbot["citations"] == asked["citations"]
    assert whole.vaultbot["model"] == asked["model"] is not None


def test_openais_library_gets_the_bare_model_and_its_vectors(api: Any) -> None:
    assert [model.id for model in api.models.list()] == ["vaultbot", "vaultbot-raw", "vaultbot-embed"]
    messages = [{"role": "system", "content": "Answer in one word."}, {"role": "user", "content": "Say hello."}]

    said = api.chat.completions.create(model="vaultbot-raw", messages=messages, max_tokens=12)
    assert said.choices[0].message.content.strip()
    assert 0 < said.usage.completion_tokens <= 12

    texts = ["Bread is baked.", "A loaf comes out of the oven.", "Stars are far away."]
    packed = api.embeddings.create(model="vaultbot-embed", input=texts)
    plain = api.embeddings.create(model="vaultbot-embed", input=texts, encoding_format="float")
    vectors = np.array([one.embedding for one in packed.data])
    assert vectors.shape == (3, 384)
    assert np.array_equal(vectors, np.array([one.embedding for one in plain.data]))
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_ollamas_library_gets_the_same(daemon: Client) -> None:
    client = ollama.Client(host=daemon.address)

    said = client.chat("vaultbot", messages=[{"role": "user", "content": QUESTION}])
    assert (said.message.content or "").startswith(f"{FED} [1]")
    assert (said.message.content or "").endswith(SOURCES)
    assert len(client.embed("vaultbot-embed", "Bread").embeddings[0]) == 384
    shown = client.show("vaultbot-raw")
    assert (shown.modelinfo or {})["vaultbot.context_length"] == 4096


def test_an_assistant_gets_the_same_by_both_ways_of_mcp(machine: Machine, daemon: Client) -> None:
    command = StdioServerParameters(
        command=sys.executable, args=["-P", "-m", "vaultbot", "mcp", "--vault", str(machine.vault)], env=machine.env()
    )

    async def ask(client: McpClient) -> str:
        result = await client.call_tool("ask", {"question": QUESTION})
        return str(result.content[0].text)  # type: ignore[union-attr]

    async def ask_both() -> list[str]:
        http = httpx2.AsyncClient(headers=daemon.headers)
        by_http = McpClient(streamable_http_client(f"{daemon.address}/mcp", http_client=http))
        async with http, by_http, McpClient(command) as by_stdio:
            return [await ask(by_http), await ask(by_stdio)]

    for text in asyncio.run(ask_both()):
        assert f"{FED} [1]" in text
        assert "[[Bread/Sourdough#Starter|Sourdough › Starter]]" in text


def test_the_log_names_routes_and_quotes_neither_question_nor_note(machine: Machine, daemon: Client, api: Any) -> None:
    api.chat.completions.create(model="vaultbot", messages=[{"role": "user", "content": f"{QUESTION} zanzibar"}])

    log = machine.state.log.read_text(encoding="utf-8")
    assert "POST /v1/chat/completions 200" in log
    assert "zanzibar" not in log
    assert "flour" not in log
    assert daemon.headers["Authorization"].removeprefix("Bearer ") not in log
