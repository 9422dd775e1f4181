"""The routes of Ollama's API, with its own Python library as a client; without the setting they are not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import ollama
import pytest

from tests.api.test_app import SOURDOUGH, Waiting
from tests.api.test_openai import FED
from tests.api.wire import HOST, JSON, OBSIDIAN, PORT, RIGHT, TOKEN, Reply, call, served
from tests.cli.machine import until
from tests.conftest import VaultBuilder
from vaultbot.api.app import create_app
from vaultbot.api.dialects import OLLAMA_PATHS
from vaultbot.api.guard import Guard
from vaultbot.api.routes import Daemon
from vaultbot.runtime import Token
from vaultbot.status import Status

QUESTION = "What is a starter fed with?"
MESSAGES = [{"role": "user", "content": QUESTION}]
SOURCES = "\n\n**Sources**\n1. [[Bread/Sourdough#Starter|Sourdough › Starter]]"


def app_of(vault: VaultBuilder, port: int = PORT, *, ollama_compat: bool = True) -> Guard:
    status = Status("ready", "ready", "Notes", 3, 9, "hash", "scripted", 1, port, "token", "1", 1.0)
    app = create_app(vault.assistant, Daemon(Token(TOKEN), lambda: port, lambda: status), ollama_compat=ollama_compat)
    assert isinstance(app, Guard)
    return app


@pytest.fixture
def bakery(vault: VaultBuilder) -> VaultBuilder:
    vault.write("Bread/Sourdough.md", SOURDOUGH)
    vault.index()
    return vault


@pytest.fixture
def client(bakery: VaultBuilder) -> Iterator[ollama.Client]:
    with served(lambda port: app_of(bakery, port)) as port:
        yield ollama.Client(host=f"http://127.0.0.1:{port}")


def post(vault: VaultBuilder, path: str, body: object, *more: tuple[str, str], compat: bool = True) -> Reply:
    content = json.dumps(body).encode()
    headers = [HOST, JSON, ("content-length", str(len(content))), *more]
    return call(app_of(vault, ollama_compat=compat), "POST", path, headers, [content])


def lines_of(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.decode().splitlines()]


# ── with Ollama's own library, which sends no token ────────────────────────────────────────────────────────────


def test_the_models_are_listed_and_shown(client: ollama.Client) -> None:
    assert [model.model for model in client.list().models] == [
        "vaultbot:latest", "vaultbot-raw:latest", "vaultbot-embed:latest",
    ]  # fmt: skip
    assert len(client.ps().models) == 3
    shown = client.show("vaultbot")
    assert shown.capabilities == ["completion"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["vaultbot.context_length"] == 4096
    embeds = client.show("vaultbot-embed:latest")
    assert (embeds.capabilities, (embeds.modelinfo or {})["vaultbot.embedding_length"]) == (["embedding"], 64)
    with pytest.raises(ollama.ResponseError, match="no such model; choose one of: vaultbot"):
        client.show("llama3")


def test_an_answer_comes_whole_or_line_by_line_and_ends_with_its_times(client: ollama.Client) -> None:
    whole = client.chat("vaultbot", messages=MESSAGES)
    lines = list(client.chat("vaultbot:latest", messages=MESSAGES, stream=True))

    assert (whole.message.content or "").startswith(f"{FED} [1]")
    assert (whole.message.content or "").endswith(SOURCES)
    assert "".join(line.message.content or "" for line in lines) == whole.message.content
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    last = lines[-1]
    assert last.done_reason == "stop"
    for value in (last.total_duration, last.prompt_eval_duration, last.eval_duration, last.eval_count):
        assert isinstance(value, int)
        assert value >= 0


def test_a_single_prompt_is_answered_too(client: ollama.Client) -> None:
    whole = client.generate("vaultbot", QUESTION, system="Be brief.")

    assert (whole.response or "").startswith(FED)
    assert "".join(line.response or "" for line in client.generate("vaultbot", QUESTION, stream=True)) == whole.response
    assert client.generate("vaultbot").done_reason == "load"


def test_the_bare_model_keeps_to_the_length_that_is_asked_for(client: ollama.Client) -> None:
    answer = client.chat("vaultbot-raw", messages=MESSAGES, options={"num_predict": 3, "stop": [""]})

    assert (answer.message.content, answer.done_reason) == ("I have nothing", "length")
    assert client.chat("vaultbot", messages=MESSAGES, format="json").message.content == "I have nothing to say."


def test_vectors_are_made_by_the_new_route_and_the_old(bakery: VaultBuilder, client: ollama.Client) -> None:
    assert bakery.embedder is not None
    wanted = bakery.embedder.embed_documents(["Bread", "Salt"]).tolist()

    assert client.embed("vaultbot-embed", ["Bread", "Salt"]).embeddings == wanted
    assert client.embed("vaultbot-embed", "Bread").embeddings == wanted[:1]
    assert client.embeddings("vaultbot-embed", "Bread").embedding == wanted[0]


def test_what_cannot_be_done_is_told(client: ollama.Client) -> None:
    for refused in (
        lambda: client.chat("llama3", messages=MESSAGES),
        lambda: client.chat("vaultbot", messages=[{"role": "user", "content": "x", "images": ["AAAA"]}]),
        lambda: client.generate("vaultbot", "x", images=["AAAA"]),
        lambda: client.chat("vaultbot", messages=[{"role": "user", "content": " "}]),
        lambda: client.embed("vaultbot", "x"),
        lambda: client.embed("vaultbot-embed", []),
    ):
        with pytest.raises(ollama.ResponseError) as told:
            refused()
        assert told.value.status_code in (400, 404)
        assert told.value.error


def test_what_looks_for_ollama_finds_it(bakery: VaultBuilder) -> None:
    with served(lambda port: app_of(bakery, port)) as port:
        found = httpx.get(f"http://127.0.0.1:{port}/")
        head = httpx.head(f"http://127.0.0.1:{port}/")
        version = httpx.get(f"http://127.0.0.1:{port}/api/version").json()

    assert (found.text, head.status_code) == ("Ollama is running", 200)
    assert version.keys() == {"version"}


# ── on the wire ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_plugins_send_is_answered(bakery: VaultBuilder) -> None:
    bmo = {
        "model": "vaultbot:latest",
        "messages": [{"role": "system", "content": ""}, *MESSAGES],
        "stream": True,
        "keep_alive": None,
        "options": {"temperature": None, "num_predict": -1, "mirostat": 0, "stop": []},
    }
    providers = {"model": "vaultbot:latest", "messages": MESSAGES, "stream": True, "options": None, "think": False}
    for body in (bmo, providers):
        reply = post(bakery, "/api/chat", body, OBSIDIAN)

        assert reply.status == 200
        assert reply.headers["content-type"] == "application/x-ndjson"
        *lines, last = lines_of(reply.body)
        assert "".join(line["message"]["content"] for line in lines).startswith(FED)
        assert (last["done"], last["done_reason"], last["message"]["content"]) == (True, "stop", "")


def test_a_stream_that_breaks_off_ends_with_the_error(bakery: VaultBuilder) -> None:
    bakery.close()
    bakery.model = waiting = Waiting()
    bakery.index()
    with served(lambda port: app_of(bakery, port)) as port:
        lines = iter(ollama.Client(host=f"http://127.0.0.1:{port}").chat("vaultbot", messages=MESSAGES, stream=True))
        next(lines)
        assert waiting.began.wait(30)
        bakery.assistant.stop_answering()
        with pytest.raises(ollama.ResponseError, match="shutting down"):
            list(lines)


def test_who_leaves_stops_the_model(bakery: VaultBuilder) -> None:
    bakery.close()
    bakery.model = waiting = Waiting()
    bakery.index()
    with served(lambda port: app_of(bakery, port)) as port:
        body = {"model": "vaultbot-raw", "messages": MESSAGES}
        with httpx.stream("POST", f"http://127.0.0.1:{port}/api/chat", json=body):
            assert waiting.began.wait(30)

        assert waiting.stopped.wait(30)
        until(lambda: bakery.assistant._asks._value == 9)


# ── who may ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_the_setting_the_routes_are_not_there_and_need_the_token(bakery: VaultBuilder) -> None:
    for path in OLLAMA_PATHS:
        body = {"model": "vaultbot", "messages": MESSAGES}
        refused = post(bakery, path, body, compat=False)
        assert refused.status == 401
        assert "[server] ollama_compat" in refused.json()["error"]
        assert post(bakery, path, body, RIGHT, compat=False).status == 404
    assert b"Ollama" not in call(app_of(bakery, ollama_compat=False), path="/", headers=[HOST]).body


@pytest.mark.parametrize("headers", [[("origin", "https://evil.test")], [("sec-fetch-site", "cross-site")]])
@pytest.mark.parametrize("path", sorted(OLLAMA_PATHS))
def test_a_foreign_page_may_not_ask(bakery: VaultBuilder, path: str, headers: list[tuple[str, str]]) -> None:
    for method in ("GET", "POST"):
        reply = call(app_of(bakery), method, path, [HOST, JSON, *headers])

        assert reply.status == 403
        assert reply.json().keys() == {"error"}


def test_a_form_of_a_foreign_page_is_no_request(bakery: VaultBuilder) -> None:
    content = json.dumps({"model": "vaultbot", "messages": MESSAGES}).encode()
    plain = [HOST, ("content-type", "text/plain"), ("content-length", str(len(content)))]

    assert call(app_of(bakery), "POST", "/api/chat", plain, [content]).status == 415


def test_other_routes_need_the_token_as_ever(bakery: VaultBuilder) -> None:
    for path in ("/api/status", "/api/search?q=x", "/v1/models", "/api/notes/Sourdough", "/api/chat/", "/api/models"):
        assert call(app_of(bakery), path=path, headers=[HOST]).status == 401
