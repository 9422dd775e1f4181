"""Requests by the thousand, made from the daemon's own description of itself, and bytes that are hardly requests.

A sample runs with the tests; the campaigns ask for more. Whoever calls gives a daemon whose vault may be written into.
"""

from __future__ import annotations

import json
import random
import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

#: A request may name a model file of its own, and there is none of that name.
_FAIR = {"/problems/model-missing", "/problems/model-invalid"}

_SHUTS_US_OUT = "/api/token/rotate"
#: What everybody may read: that a daemon is there, and the page, which holds no data.
_OPEN_TO_ALL = (b'"status":"ok"', b"<!doctype html>")


@dataclass
class Told:
    """How many requests were answered how, and what should not have been."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, what: str, status: int, kind: str, body: bytes, *, let_in: bool) -> None:
        """Count an answer, and keep what is wrong with it."""
        self.statuses[status] += 1
        document = _document(body) if "problem+json" in kind else None
        slug = document.get("type") if document else None
        if status >= 500 and slug not in _FAIR:
            self.wrong.append(f"{what}: {status} {body[:200]!r}")
        elif status >= 400 and not slug:
            self.wrong.append(f"{what}: {status} is told as {kind}: {body[:200]!r}")
        elif not let_in and status < 400 and not any(open_to_all in body for open_to_all in _OPEN_TO_ALL):
            self.wrong.append(f"{what}: let in without the token: {body[:200]!r}")


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    complete = isinstance(document, dict) and {"type", "title", "status", "detail", "instance"} <= document.keys()
    return document if complete and document["detail"] else None


def ask_as_described(address: str, token: str, *, examples: int, number: int = 0) -> Told:
    """For each operation of the OpenAPI so many requests that it allows and so many that it does not.

    A tenth of them go without the token as well. `number` chooses other ones.
    """
    headers = {"Authorization": f"Bearer {token}"}
    described = requests.get(f"{address}/api/openapi.json", headers=headers, timeout=30).json()
    told, session = Told(), requests.Session()
    session.trust_env = False
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path == _SHUTS_US_OUT:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @seed(number)
            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Case[Any]) -> None:
                _ask(session, address, case, headers, told)
                if sum(told.statuses.values()) % 10 == 0:
                    _ask(session, address, case, {}, told)

            try:
                ask()
            except Exception as error:  # There is no way to get it wrong, as with GET /api/models.
                if type(error).__name__ != "Unsatisfiable":
                    raise
    return told


def _ask(session: requests.Session, address: str, case: Case[Any], headers: dict[str, str], told: Told) -> None:
    given = case.as_transport_kwargs(base_url=address)
    given["headers"] = {**given["headers"], **headers}
    what = (
        f"{case.method} {case.operation.path} {given.get('params')} {str(given.get('json', given.get('data')))[:200]}"
    )
    try:
        with session.request(**given, stream=True, timeout=60, allow_redirects=False) as answer:
            kind = answer.headers.get("content-type", "")
            body = b"" if kind.startswith("text/event-stream") else answer.content  # How indexing goes has no end.
            told.add(what, answer.status_code, kind, body, let_in=bool(headers))
    except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
        pass  # The client itself sends no such header.


_ROUTES = (
    "/health", "/api/status", "/api/ask", "/api/search?q=x", "/api/notes/Note.md", "/api/index", "/api/events", "/mcp",
    "/api/openapi.json", "/api/notes", "/api/undo", "/", "/docs",
)  # fmt: skip
_PIECES = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"\xff", b":", b"%", b"%00", b"/..", b"?", b"#", b"\r\n\r\n",
    b"0\r\n\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n",
    b"Host: evil.test\r\n", b"Authorization: Bearer x\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n",
    b"Expect: 100-continue\r\n", b"Origin: null\r\n", b" HTTP/1.0", b"GET /health HTTP/1.1\r\n",
    b"Connection: close\r\n", b"X" * 5000,
)  # fmt: skip


def send_bytes(port: int, *, count: int, number: int = 0) -> Told:
    """So many mutations of a request without the token, each over a connection of its own."""
    told, chance = Told(), random.Random(number)
    for _ in range(count):
        sent = _mutated(_plain(port, chance), chance)
        for status, kind, body in _answers(port, sent):
            told.add(repr(sent[:300]), status, kind, body, let_in=False)
    return told


def _plain(port: int, chance: random.Random) -> bytes:
    body = b'{"question": "What?"}' if chance.random() < 0.5 else b""
    method = "POST" if body else chance.choice(("GET", "GET", "HEAD", "OPTIONS", "DELETE", "PUT", "TRACE"))
    lines = [
        f"{method} {chance.choice(_ROUTES)} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        *([f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _mutated(request: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(0, 6)):
        at = chance.randrange(len(request) + 1)
        match chance.randrange(5):
            case 0:
                request = request[:at] + chance.choice(_PIECES) + request[at:]
            case 1:
                request = request[:at] + bytes([chance.randrange(256)]) + request[at + 1 :]
            case 2:
                request = request[:at] + request[at + chance.randint(1, 8) :]
            case 3:
                request = request[:at] + request[max(0, at - chance.randint(1, 60)) :]
            case _:
                lines = request.split(b"\r\n")
                chance.shuffle(lines)
                request = b"\r\n".join(lines)
    return request


def _answers(port: int, sent: bytes) -> list[tuple[int, str, bytes]]:
    """What comes back until the server hangs up: (status, content type, body) of each answer."""
    told = b""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
        try:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                told += piece
        except ConnectionError:
            pass
    found = []
    while told.startswith(b"HTTP/1.1 "):
        head, _, rest = told.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        length = int(fields.get(b"content-length", b"0"))
        body, told = rest[:length], rest[length:]
        if told and not told.startswith(b"HTTP/1.1 "):  # To HEAD an answer has a length and no body.
            body, told = b"", rest
        status = int(head[9:12])
        if status >= 200 and (body or status < 400):
            found.append((status, fields.get(b"content-type", b"").decode(), body or b'"status":"ok"'))
    return found
