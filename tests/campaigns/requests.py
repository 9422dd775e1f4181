"""Requests that no client would send

In turns two hundred raw requests to the port of a whole daemon, and some hundred whole ones. The raw are of every route
with wrong methods, targets, headers, bodies, and bytes changed at random; with the token, without, and with wrong ones;
some connections are left half way. The whole ones are made by schemathesis from the daemon's own OpenAPI document: of
each operation as many that it allows, half of them for notes that are there, as that it does not; a tenth of all once
more without the token. They write into the vault, so each trial meets what those before it have left.

Proves: no request of these got an answer of 500 or above, but for "busy" and for a model's file that is not there; none
without the token got more than the open pages, nor a word of a note; every refusal was a problem document, an error in
the form of the protocol that was spoken, or the server's own 400 for bytes that are no HTTP; after each trial the
daemon was the same process, its index got ready, and the note that nobody may read without the token was still there.

Does not prove: the same for all requests, nor for the ends of streams, which are not read, nor for the change of the
token, which would shut the campaign out, nor anything about time (bench/reaction.py).
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tests.api.fuzzing import ask_as_described, exchanged
from tests.campaigns.campaign import Campaign, Outcome, Try
from tests.campaigns.upkeep import ForkedDaemon, settled
from vaultbot.client import Client
from vaultbot.errors import VaultbotError

_REQUESTS = 200  # of raw bytes, a trial
_EXAMPLES = 5  # of each operation, right ones and wrong ones
_PATIENCE_S = 0.15
_READY_WITHIN_S = 60.0
_NOTES = ("Canary.md", "Other.md")
_CANARY = "zanzibarcanary"
_BUSY = {503}
_ROUTES = (
    ("GET", "/health"), ("GET", "/api/status"), ("GET", "/api/search?q=harbour"), ("POST", "/api/search"),
    ("POST", "/api/ask"), ("GET", "/api/notes/Canary.md"), ("POST", "/api/notes"),
    ("GET", "/api/related?path=Canary.md"), ("GET", "/api/suggestions?note=Canary.md"),
    ("POST", "/api/suggestions/apply"), ("POST", "/api/suggestions/dismiss"),
    ("POST", "/api/undo"), ("POST", "/api/index"), ("GET", "/api/models"), ("GET", "/api/lint"), ("GET", "/api/report"),
    ("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("POST", "/v1/embeddings"), ("POST", "/mcp"),
    ("GET", "/"), ("GET", "/openapi.json"), ("GET", "/docs"), ("POST", "/api/chat"),
)  # fmt: skip
_BODIES = (
    b"", b"{}", b"[]", b"null", b'{"question": "harbour"}', b'{"question": 1}', b'{"question": "x", "limit": -1}',
    b'{"q": "harbour", "limit": 1e99}', b"{" * 5000, b"[" * 5000, b'{"question": "\\ud800"}', b'{"wait": false}',
    b'{"question": "' + b"x" * 20000 + b'"}', b"\xff\xfe{}", b'{"a": NaN}', b'{"note": "../../etc/passwd"}',
    b'{"path": "Canary.md", "text": 3}', b'{"messages": [{"role": "user", "content": "harbour"}], "model": "vaultbot"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}', b'{"input": ["a"], "model": "vaultbot-embed"}',
)  # fmt: skip
_PATHS = (
    "/api/notes/..%2f..%2fetc%2fpasswd", "/api/notes/%2e%2e/%2e%2e/etc/passwd", "/api/notes/%00", "/api/notes/%ff%fe",
    "//evil/api/status", "/api/../health", "/api/notes/C:%5CWindows", "/api//status", "/%61pi/status", "*", "",
    "http://evil.test/api/status", "/api/search?" + "q=x&" * 3000, "/api/search?q=%", "/api/search?q=harbour&limit=x",
    "/" + "a" * 20000, "/api/notes/" + "%2e%2e%2f" * 50,
)  # fmt: skip
_HEADERS = (
    b"Host: evil.test", b"Origin: https://evil.test", b"Origin: null", b"Sec-Fetch-Site: cross-site",
    b"Transfer-Encoding: chunked", b"Content-Length: 99999999999", b"Content-Length: -1", b"Content-Length: 1, 2",
    b"Expect: 100-continue", b"Upgrade: websocket", b"Connection: upgrade", b"Content-Type: text/plain",
    b"Content-Encoding: gzip", b"X-Forwarded-Host: 127.0.0.1", b"X: " + b"y" * 20000, b"Authorization: Basic eDp5",
    b"Cookie: a=b", b"Range: bytes=0-", b"X\x00: y", b": nothing", b"no colon", b"X-Vaultbot-Challenge: zz",
)  # fmt: skip


@contextmanager
def start(folder: Path) -> Iterator[Try]:
    vault = folder / "vault"
    vault.mkdir()
    (vault / "Canary.md").write_text(f"# Canary\n\nThe harbour of {_CANARY} is deep. [[Other]]\n")
    (vault / "Other.md").write_text(f"Other words about the harbour and the {_CANARY}.\n")
    daemon = ForkedDaemon(vault, folder / "state")
    client = daemon.client()
    settled(client)

    def attempt(number: int, rng: random.Random) -> Outcome:
        outcome = _described(client, vault, rng) if number % 2 else _raw(client, rng)
        return replace(outcome, wrong=(*outcome.wrong, *_harm(client, daemon)))

    yield attempt
    if daemon.lives():
        daemon.end(signal.SIGTERM)


def _raw(client: Client, rng: random.Random) -> Outcome:
    answers: Counter[str] = Counter()
    wrong: list[str] = []
    for _ in range(_REQUESTS):
        told = rng.random() < 0.6
        request = _request(rng, client, told=told)
        sent = request if rng.random() > 0.05 else request[: len(request) // 2]
        answer = exchanged(client.runtime.port, sent, patience_s=_PATIENCE_S)
        status, problem = _judged(request, answer, may_read=told)
        answers[f"raw, answered {status}"] += 1
        wrong += problem
    return Outcome("raw bytes", tuple(wrong), {"raw requests": _REQUESTS, **answers})


def _described(client: Client, vault: Path, rng: random.Random) -> Outcome:
    for file in vault.glob("New *.md"):  # Of the trials before: the vault stays small.
        file.unlink()
    number = rng.randrange(2**32)
    told = ask_as_described(client.address, client.token, examples=_EXAMPLES, notes=_NOTES, number=number)
    counts = {
        "whole requests": told.statuses.total(),
        "whole requests without the token": told.without_token,
        **{f"whole, answered {status}": count for status, count in told.statuses.items()},
    }
    notes = client.get("/api/status")["notes"]
    figures = {"operations": float(len(told.operations)), "notes in the vault": float(notes)}
    return Outcome("whole requests", tuple(told.wrong), counts, figures)


def _harm(client: Client, daemon: ForkedDaemon) -> list[str]:
    """What the requests did to the daemon."""
    if not daemon.lives():
        return ["the daemon has died"]
    until = time.monotonic() + _READY_WITHIN_S
    try:
        while (status := client.get("/api/status"))["state"] != "ready":
            if time.monotonic() > until:
                return [f"the index does not get ready: {status['message']}"]
            time.sleep(0.1)
        if status["pid"] != daemon.pid:
            return ["the daemon is another process"]
        if _CANARY not in json.dumps(client.get("/api/notes/Canary.md")):
            return ["the note that nobody may read is gone"]
    except VaultbotError as error:
        return [f"the daemon does not answer as it must: {error}"]
    return []


def _request(rng: random.Random, client: Client, *, told: bool) -> bytes:
    """One, more or less as it should be; with the token when `told`."""
    method, target = rng.choice(_ROUTES)
    if rng.random() < 0.25:
        target = rng.choice(_PATHS)
    if rng.random() < 0.15:
        method = rng.choice(
            ("HEAD", "PUT", "PATCH", "TRACE", "CONNECT", "OPTIONS", "DELETE", "get", "", "G\x00T", "POST")
        )
    body = rng.choice(_BODIES) if method == "POST" or rng.random() < 0.1 else b""
    lines = [f"{method} {target} HTTP/1.1".encode(), f"Host: 127.0.0.1:{client.runtime.port}".encode()]
    if told:
        lines.append(f"Authorization: {client.headers['Authorization']}".encode())
    elif rng.random() < 0.02:  # Wrong tokens are slowed down, and then nothing else is tried.
        lines.append(b"Authorization: Bearer " + rng.randbytes(9).hex().encode())
    if rng.random() < 0.9:
        lines.append(b"Content-Length: %d" % len(body))
    if rng.random() < 0.8:
        lines.append(b"Content-Type: application/json")
    lines += rng.sample(_HEADERS, rng.choice((0, 0, 0, 1, 1, 3)))
    lines.append(b"Connection: close")
    data = b"\r\n".join(lines) + b"\r\n\r\n" + body
    if rng.random() < 0.25:
        changed = bytearray(data)
        for _ in range(rng.randint(1, 6)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        data = bytes(changed)
    if rng.random() < 0.05:
        data = rng.randbytes(rng.randint(1, 400))
    return data


def _judged(request: bytes, answer: bytes, *, may_read: bool) -> tuple[str, list[str]]:
    """The status, and what was wrong with the answer."""
    if answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = lines[0].split(" ")[1] if lines[0].startswith("HTTP/1.1 ") else "not at all"
    wrong = []
    if status[:1] == "5" and int(status) not in _BUSY:
        wrong.append(f"{status} for {request!r:.600}: {body!r:.300}")
    if not may_read and _CANARY.encode() in answer:
        wrong.append(f"a note was told without the token to {request!r:.600}")
    if b"Traceback" in answer or b"/vaultbot/" in answer:
        wrong.append(f"a traceback or a place on the machine was told to {request!r:.600}: {body!r:.300}")
    if (
        status[:1] == "4"
        and body
        and not any("problem+json" in line.lower() for line in lines)
        and not _own(body, lines)
    ):
        wrong.append(f"no problem document for {request!r:.600}: {lines} {body!r:.200}")
    return status, wrong


def _own(body: bytes, lines: list[str]) -> bool:
    """Whether it is the server's own refusal of what is no HTTP, or an error in the form that a protocol demands."""
    if body.startswith(b"Invalid HTTP request received"):
        return True
    with suppress(ValueError):
        return "error" in json.loads(body)  # OpenAI's, Ollama's and MCP's clients read it there.
    return False


CAMPAIGN = Campaign("G-7", __doc__, whole=2000, sample=2, start=start)
