"""Every kind of client at one running daemon: whether it gets what it came for, and how long it took.

Those that need what is not on this machine (Node, a browser) are named and left out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import ollama
import openai

from bench.daemon import vaultbot
from tests.api.plugins import CHATS, EMBEDDINGS
from vaultbot.client import Client

_ROOT = Path(__file__).parent.parent
_NODE = _ROOT / "tests" / "node"
_PLUGIN = _ROOT / "obsidian-plugin"


@dataclass(frozen=True)
class Came:
    """What a client got."""

    client: str
    outcome: str  #: "works", "left out: …" or "fails: …"
    ms: float = 0.0  #: all it did, its own start included


class LeftOut(Exception):
    """The client is not on this machine."""


def all_clients(client: Client, root: Path, question: str) -> Iterator[Came]:
    """One after the other. Each asks the question, and those that can do more do more."""
    key = client.token
    tries: list[tuple[str, Callable[[], None]]] = [
        ("`vaultbot ask`, `search` and `status`", lambda: _command_line(root, question)),
        ("openai for Python", lambda: _openai(client.address, key, question)),
        ("ollama for Python", lambda: _ollama(client.address, question)),
        ("openai and ollama for Node", lambda: _node(client.address, key, question)),
        *((f"{one.plugin}, its recorded request", lambda one=one: _chat(client, one.body)) for one in CHATS),
        ("Copilot's and others' requests for vectors", lambda: _vectors(client)),
        ("the companion plugin in Chromium, with a daemon of its own", _plugin),
        ("the page at /", lambda: _page(client)),
    ]
    for name, come in tries:
        began = time.perf_counter()
        try:
            come()
            outcome = "works"
        except LeftOut as reason:
            outcome = f"left out: {reason}"
        except Exception as error:
            outcome = f"fails: {type(error).__name__} {str(error)[:120]}"
        yield Came(name, outcome, (time.perf_counter() - began) * 1000)


def _command_line(root: Path, question: str) -> None:
    def run(*words: str) -> Any:
        asked = [*vaultbot(*words), "--vault", str(root), "--json"]
        return json.loads(subprocess.run(asked, capture_output=True, check=True, text=True).stdout)

    assert run("ask", question)["answer"]
    assert run("search", question)["hits"]
    assert run("status")["state"] == "ready"


def _openai(address: str, key: str, question: str) -> None:
    api = openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0)
    names = [model.id for model in api.models.list()]
    messages: Any = [{"role": "user", "content": question}]
    whole = api.chat.completions.create(model="vaultbot", messages=messages)
    chunks = list(api.chat.completions.create(model="vaultbot", messages=messages, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    if "vaultbot-embed" in names:
        assert api.embeddings.create(model="vaultbot-embed", input=["Bread"]).data[0].embedding


def _ollama(address: str, question: str) -> None:
    api = ollama.Client(host=address)
    assert api.list().models
    said = api.chat("vaultbot", messages=[{"role": "user", "content": question}])
    streamed = api.chat("vaultbot", messages=[{"role": "user", "content": question}], stream=True)
    assert "".join(one.message.content or "" for one in streamed) == said.message.content


def _node(address: str, key: str, question: str) -> None:
    if shutil.which("node") is None or not (_NODE / "node_modules").is_dir():
        raise LeftOut("npm ci --prefix tests/node")
    ran = subprocess.run(
        ["node", str(_NODE / "clients.mjs"), address, key, question], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr.strip().splitlines()[-1:]
    said = json.loads(ran.stdout)
    assert said["whole"] == said["streamed"] == said["ollama"] != ""


def _chat(client: Client, body: dict[str, Any]) -> None:
    status, text = _posted(client, "/v1/chat/completions", body)
    if body["model"] == "vaultbot-raw" and status == 503:
        raise LeftOut("it wants the bare model, and there is none")
    assert status == 200, text[:120]
    assert text.rstrip().endswith("[DONE]") if body.get("stream") else json.loads(text)["choices"]


def _vectors(client: Client) -> None:
    for body in EMBEDDINGS:
        status, text = _posted(client, "/v1/embeddings", body)
        assert status == 200, text[:120]
        assert json.loads(text)["data"]


def _posted(client: Client, path: str, body: dict[str, Any]) -> tuple[int, str]:
    with closing(HTTPConnection("127.0.0.1", client.runtime.port, timeout=120)) as connection:
        connection.request("POST", path, json.dumps(body).encode(), client.headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def _plugin() -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if shutil.which("npx") is None or chromium is None or not (_PLUGIN / "node_modules").is_dir():
        raise LeftOut("make plugin-e2e, with CHROMIUM=/usr/bin/chromium")
    test = ["npx", "vitest", "run", "--project", "e2e", "-t", "streams an answer over CORS"]
    env = {**os.environ, "CHROMIUM": chromium, "PYTHON": sys.executable}
    ran = subprocess.run(test, cwd=_PLUGIN, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-200:]


def _page(client: Client) -> None:
    with closing(HTTPConnection("127.0.0.1", client.runtime.port, timeout=60)) as connection:
        connection.request("GET", "/", headers={"Accept": "text/html"})
        answer = connection.getresponse()
        text = answer.read().decode()
        if "html" not in (answer.getheader("content-type") or ""):
            raise LeftOut("this daemon has none at /")
    assert answer.status == 200
    assert "default-src 'none'" in (answer.getheader("content-security-policy") or "")
    assert "<html" in text
