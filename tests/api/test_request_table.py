"""The request table: what must not get in, tried at every route there is, and what must not get out.

A route that is new is in the table at once. One that is open to everybody fails it until somebody writes it down here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import pytest
from starlette.types import ASGIApp

from tests.api.hostile_requests import HOSTS, ORIGINS, TOKENS, TRAVERSALS, in_address, routes_of
from tests.api.test_app import app_of
from tests.api.wire import HOST, JSON, PORT, RIGHT, TOKEN, Notebook, Pairs, Reply, call_async
from tests.cli.machine import fingerprint
from tests.conftest import VaultBuilder
from vaultbot.api.app import create_app
from vaultbot.api.dialects import OLLAMA_PATHS
from vaultbot.api.guard import Guard
from vaultbot.api.login import SESSIONS
from vaultbot.api.routes import Daemon
from vaultbot.errors import VaultbotError
from vaultbot.mcp.door import AppDoor, note_path
from vaultbot.mcp.tools import READING, WRITING, Arguments
from vaultbot.runtime import Token
from vaultbot.status import Status
from vaultbot.web.files import page_files

T = TypeVar("T")

#: What everybody may read; nothing of a vault is there.
OPEN = {
    ("GET", "/health"),
    ("POST", SESSIONS),
    *((method, path) for path in page_files() for method in ("GET", "HEAD")),
}
#: What clients of Ollama may besides, where the settings let them.
OPEN_TO_OLLAMA = {*OPEN, *(("POST", path) for path in OLLAMA_PATHS)}
OPEN_TO_OLLAMA |= {("GET", f"/api/{name}") for name in ("tags", "version", "ps")}

CANARY = "canary-7f3a9 stands outside of the vault"
MARKS = ("zanzibar-in-a-note", "quixotic-in-a-question", "xylophone-in-a-name")


def whole_app(vault: VaultBuilder, *, ollama: bool = False) -> Guard:
    status = Status("ready", "ready", "Notes", 3, 9, "hash", "scripted", 1, PORT, "token", "1", 1.0)
    app = create_app(vault.assistant, Daemon(Token(TOKEN), lambda: PORT, lambda: status), ollama_compat=ollama)
    assert isinstance(app, Guard)
    return app


def inner(guard: Guard) -> ASGIApp:
    """The app behind guard, vault and limits."""
    return guard._app._app._app  # type: ignore[attr-defined,no-any-return]


def behind(guard: Guard) -> Notebook:
    """Put an app in the place of the guard's that knows whether it was asked."""
    notebook = Notebook()
    guard._app = notebook
    return notebook


def told(*requests: Callable[[], Awaitable[T]]) -> list[T]:
    """What comes back, one after the other."""

    async def run() -> list[T]:
        return [await one() for one in requests]

    return asyncio.run(run())


def request(
    app: ASGIApp, method: str, target: str, headers: Pairs = (HOST, RIGHT), body: object = None
) -> Callable[[], Awaitable[Reply]]:
    """A request whose target is what stands in the request line; the server unquotes it once."""
    path, _, query = target.partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    sized = [JSON, ("content-length", str(len(content)))] if content else []

    async def ask() -> Reply:
        asked = f"{unquote(path, errors='replace')}?{query}" if query else unquote(path, errors="replace")
        return await asyncio.wait_for(call_async(app, method, asked, [*headers, *sized], [content]), 30)

    return ask


def rightly_named(slug_of: Reply, status: int, slug: str) -> bool:
    """Whether a refusal is that one, in whichever form its path is told."""
    if slug_of.headers["content-type"] == "application/problem+json":
        return (slug_of.status, slug_of.slug) == (status, slug)
    return slug_of.status == status and "error" in slug_of.json()


@pytest.fixture
def notes(vault: VaultBuilder) -> VaultBuilder:
    """A vault with secrets beside it, a link that leads out of it, and one note."""
    (vault.root.parent / "canary.md").write_text(CANARY, encoding="utf-8")
    (vault.root / "link").symlink_to(vault.root.parent)
    (vault.root / "link.md").symlink_to(vault.root.parent / "canary.md")
    vault.write("Note.md", f"A starter is fed with flour. The {MARKS[0]} is secret. See [[../canary]] and [[canary]].")
    vault.write("Folder/Other.md", "A starter is fed every day. See ![[../../canary.md]].")
    vault.index()
    return vault


# ── who may ask ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ollama", [False, True])
def test_every_route_needs_the_token_but_those_that_are_written_down_here(vault: VaultBuilder, ollama: bool) -> None:
    guard = whole_app(vault, ollama=ollama)
    routes = sorted(set(routes_of(inner(guard))))
    assert {path for _, path in routes} >= {"/mcp", "/api/openapi.json", "/v1/chat/completions", "/api/notes/{path}"}
    behind(guard)

    replies = told(*(request(guard, method, path, [HOST]) for method, path in routes))
    refused = {route for route, reply in zip(routes, replies, strict=True) if reply.status in (401, 429)}

    found, written_down = set(routes) - refused, OPEN_TO_OLLAMA if ollama else OPEN
    assert found <= written_down
    assert {path for _, path in found} == {path for _, path in written_down}


def test_the_table_does_not_pass_over_a_route_of_a_kind_it_does_not_know() -> None:
    from fastapi import FastAPI
    from starlette.routing import Host, Mount, Route

    async def open_to_all(*_: object) -> None: ...

    app = FastAPI(openapi_url=None)
    below = FastAPI(docs_url=None, redoc_url=None)
    below.router.routes.append(Route("/deep", open_to_all))
    app.router.routes.append(Mount("/below", app=below))
    assert {("GET", "/below/deep"), ("GET", "/below/openapi.json")} <= set(routes_of(app))

    app.router.routes.append(Host("evil.test", app=below))
    with pytest.raises(TypeError, match="does not know"):
        list(routes_of(app))


@pytest.mark.parametrize("ollama", [False, True])
def test_no_route_answers_to_another_name_of_this_machine(vault: VaultBuilder, ollama: bool) -> None:
    guard = whole_app(vault, ollama=ollama)
    routes = sorted(set(routes_of(inner(guard))))
    notebook = behind(guard)

    for method, path in routes:
        asked = [request(guard, method, path, [*(("host", host) for host in hosts), RIGHT]) for hosts in HOSTS]
        assert all(rightly_named(reply, 421, "host-not-allowed") for reply in told(*asked)), path
    assert notebook.asked == []


@pytest.mark.parametrize("ollama", [False, True])
def test_no_route_answers_to_a_page_of_another_origin(vault: VaultBuilder, ollama: bool) -> None:
    guard = whole_app(vault, ollama=ollama)
    routes = sorted(set(routes_of(inner(guard))) | {("OPTIONS", path) for _, path in routes_of(inner(guard))})
    notebook = behind(guard)

    for method, path in routes:
        asked = [request(guard, method, path, [HOST, RIGHT, ("origin", origin)]) for origin in ORIGINS]
        replies = told(*asked)
        assert all(rightly_named(reply, 403, "origin-not-allowed") for reply in replies), path
        assert not any("access-control-allow-origin" in reply.headers for reply in replies)
    assert notebook.asked == []


def test_no_route_answers_to_what_is_not_the_token(vault: VaultBuilder) -> None:
    guard = whole_app(vault)
    routes = sorted(set(routes_of(inner(guard))) - OPEN)
    notebook = behind(guard)

    for method, path in routes:
        asked = [request(guard, method, path, [HOST, *(("authorization", one) for one in sent)]) for sent in TOKENS]
        for reply in told(*asked):
            assert reply.status in (401, 429), path  # From the eleventh within a minute on they are held up.
            assert TOKEN.encode() not in reply.body
    assert notebook.asked == []


# ── what lies outside of the vault ─────────────────────────────────────────────────────────────────────────────

Carrier = Callable[[ASGIApp, str], Callable[[], Awaitable[Reply]]]


def carriers(schema: dict[str, Any]) -> Iterator[tuple[str, Carrier]]:
    """Every place of a request that names a note, a folder or a file, and a request that is else in order."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in ("path", "note", "in_path"):
                    yield f"{method} {path} {parameter['name']}", _in_the_address(method, path, operation, parameter)
            for name, body in _bodies(schema, operation):
                yield f"{method} {path} {name} in the body", _in_the_body(method, path, name, body)


def _in_the_address(method: str, path: str, operation: dict[str, Any], parameter: dict[str, Any]) -> Carrier:
    def ask(app: ASGIApp, text: str) -> Callable[[], Awaitable[Reply]]:
        if parameter["in"] == "path":
            return request(app, method.upper(), path.replace(f"{{{parameter['name']}}}", in_address(text)))
        others = [one["name"] for one in operation["parameters"] if one.get("required") and one is not parameter]
        query = "&".join([f"{parameter['name']}={quote(text)}", *(f"{name}=Note" for name in others)])
        return request(app, method.upper(), f"{path}?{query}")

    return ask


def _in_the_body(method: str, path: str, name: str, body: dict[str, Any]) -> Carrier:
    return lambda app, text: request(app, method.upper(), path, body=_put(body, name, text))


def _bodies(schema: dict[str, Any], operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    body = _example(schema, content["schema"])
    fields = {"path", "note"} & _fields(schema, content["schema"])
    if "question" in _fields(schema, content["schema"]):
        body = {"question": "What is a starter fed with?"}
        fields |= {"model"}
    yield from ((name, body) for name in sorted(fields))


def _fields(schema: dict[str, Any], part: dict[str, Any]) -> set[str]:
    part = _resolved(schema, part)
    below = [_fields(schema, one) for one in (*part.get("properties", {}).values(), *part.get("anyOf", ()))]
    items = _fields(schema, part["items"]) if "items" in part else set()
    return set(part.get("properties", ())).union(items, *below)


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    return schema["components"]["schemas"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def _example(schema: dict[str, Any], part: dict[str, Any]) -> Any:
    """A value that the schema allows."""
    part = _resolved(schema, part)
    if "anyOf" in part:
        return _example(schema, part["anyOf"][0])
    if "enum" in part:
        return part["enum"][0]
    match part.get("type"):
        case "object":
            return {name: _example(schema, part["properties"][name]) for name in part.get("required", ())}
        case "array":
            return [_example(schema, part["items"])]
        case "string":
            return "0" * 64 if "pattern" in part else "x"
        case "boolean":
            return False
        case _:
            return 1


def _put(body: Any, name: str, text: str) -> Any:
    """The body with `text` under this name, at the top or wherever the name stands."""
    if isinstance(body, list):
        return [_put(one, name, text) for one in body]
    if not isinstance(body, dict):
        return body
    below = {key: _put(value, name, text) for key, value in body.items()}
    nested = any(isinstance(value, list | dict) for value in body.values())
    return {**below, name: text} if name in body or not nested else below


def test_no_way_of_writing_a_path_leads_out_of_the_vault(notes: VaultBuilder) -> None:
    app = app_of(notes)
    (schema,) = told(request(app, "GET", "/api/openapi.json"))
    places = dict(carriers(schema.json()))
    outside = [path for path in notes.root.parent.iterdir() if path.name not in ("vault", "state")]
    before = [path.read_bytes() for path in outside if path.is_file()]

    assert len(places) >= 13
    assert len(TRAVERSALS) >= 60
    for place, ask in places.items():
        texts = [text.replace("{}", "canary.md") for text in TRAVERSALS]
        for text, reply in zip(texts, told(*(ask(app, text) for text in texts)), strict=True):
            assert reply.status < 500 or reply.slug == "model-missing", (place, text)
            assert CANARY.encode() not in reply.body, (place, text)
            assert b"root:x:" not in reply.body, (place, text)
    assert [path for path in notes.root.parent.iterdir() if path.name not in ("vault", "state")] == outside
    assert [path.read_bytes() for path in outside if path.is_file()] == before
    assert all(os.path.realpath(path).startswith(f"{notes.root}/") for path in notes.root.rglob("*.md") if _ours(path))


def _ours(path: Path) -> bool:
    return not any(part.is_symlink() for part in (path, *path.parents))


def test_no_tool_and_no_resource_of_mcp_leads_out_of_the_vault(notes: VaultBuilder) -> None:
    door = AppDoor(app_of(notes)._app)
    before = fingerprint(notes.root.parent / "vault"), (notes.root.parent / "canary.md").read_bytes()

    async def call(tool: Any, arguments: Arguments) -> str:
        try:
            return str(await tool.call(door, arguments))
        except VaultbotError as error:
            return str(error)

    async def read(text: str) -> str:
        try:
            return json.dumps(await door.get(note_path(text), {}))
        except VaultbotError as error:
            return str(error)

    places = [
        (tool, name)
        for tool in (*READING, *WRITING)
        for name in sorted({"note", "path"} & tool.arguments.model_fields.keys())
    ]
    assert {(tool.name, name) for tool, name in places} == {
        ("search", "path"), ("ask", "path"), ("read_note", "note"), ("related", "note"), ("backlinks", "note"),
        ("suggest_links", "note"), ("apply_suggestions", "note"),
    }  # fmt: skip
    given = {"query": "starter", "question": "What is a starter fed with?", "ids": ["x"], "sha256": "0" * 64}
    asked: list[Callable[[], Awaitable[str]]] = []
    for text in (one.replace("{}", "canary.md") for one in TRAVERSALS if one):
        for tool, name in places:
            named = {key: value for key, value in given.items() if key in tool.arguments.model_fields}
            arguments = tool.arguments.model_validate({**named, name: text})
            asked.append(lambda tool=tool, arguments=arguments: call(tool, arguments))  # type: ignore[misc]
        asked.append(lambda text=text: read(text))  # type: ignore[misc]
        asked.append(lambda text=text: read(unquote(text)))  # type: ignore[misc]

    answers = told(*asked)

    assert not any(CANARY in answer or "root:x:" in answer for answer in answers)
    assert before == (fingerprint(notes.root.parent / "vault"), (notes.root.parent / "canary.md").read_bytes())


# ── what is said back, and what is written down ────────────────────────────────────────────────────────────────


def hostile_texts(schema: dict[str, Any], text: str) -> Iterator[tuple[str, str, object]]:
    """Requests with `text` in every place that takes one, and where none should be: (method, target, body)."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            filled = path.replace("{path}", quote(text))
            names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            yield from ((method.upper(), f"{filled}?{name}={quote(text)}", None) for name in [*names, quote(text)])
            if "requestBody" in operation:
                body = _example(schema, operation["requestBody"]["content"]["application/json"]["schema"])
                yield method.upper(), path, {text: text}
                yield method.upper(), path, [text]
                yield method.upper(), path, text
                for name in body:
                    yield method.upper(), path, {**body, name: text}
                    yield method.upper(), path, {**body, name: [text]}
                    yield method.upper(), path, {**body, name: {text: text}}
    for path in ("/v1/chat/completions", "/v1/embeddings"):
        yield "POST", path, {"model": text, "messages": [{"role": text, "content": text}], "input": text}
        yield "POST", path, {"model": "vaultbot", "messages": [{"role": "user", "content": {text: text}}]}
    yield "GET", f"/v1/models/{quote(text)}", None
    yield "POST", "/mcp", {"jsonrpc": "2.0", "id": text, "method": text, "params": {text: text}}
    yield "GET", f"/{quote(text)}", None
    yield "DELETE", f"/api/notes/{quote(text)}", None


def test_no_refusal_repeats_what_was_sent_and_no_log_quotes_it(
    notes: VaultBuilder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "vaultbot")  # As `vaultbot serve --verbose` logs.
    app = app_of(notes)
    (schema,) = told(request(app, "GET", "/api/openapi.json"))
    accept = ("accept", "application/json, text/event-stream")
    asked = [one for one in hostile_texts(schema.json(), MARKS[1]) if one[1] != "/api/events"]
    asked += [("POST", "/api/ask", {"question": f"What is {MARKS[1]} fed with?"})]
    asked = [one for one in asked if "/api/events" not in one[1]]

    replies = told(*(request(app, method, target, [HOST, RIGHT, accept], body) for method, target, body in asked))

    assert len(asked) > 100
    for (method, target, body), reply in zip(asked, replies, strict=True):
        assert reply.status < 500, (method, target, body)
        if reply.status >= 400 and target != "/mcp":
            assert MARKS[1].encode() not in reply.body, (method, target, body, reply.body)
            assert reply.headers["content-type"] == "application/problem+json" or target.startswith("/v1"), target
    assert any(MARKS[0].encode() in reply.body for reply in replies) or notes.ask("starter").answer
    for secret in (TOKEN, MARKS[0], MARKS[1]):
        assert secret not in caplog.text


@pytest.mark.parametrize("paths", [("/api/search", "/api/ask", "/api/status", "/mcp", "/v1/models", "/nowhere")])
def test_no_refusal_tells_where_anything_lies(notes: VaultBuilder, paths: Sequence[str]) -> None:
    app = app_of(notes)
    asked = [
        request(app, method, path, headers)
        for path in paths
        for method in ("GET", "POST", "DELETE", "PUT")
        for headers in ([HOST], [HOST, RIGHT], [HOST, RIGHT, ("origin", "null")], [RIGHT])
    ]

    for reply in told(*asked):
        assert str(notes.root.parent).encode() not in reply.body
        assert b"Traceback" not in reply.body
