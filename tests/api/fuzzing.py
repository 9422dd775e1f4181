"""Requests by the thousand, made from the daemon's own description of itself, and bytes that are hardly requests.

A sample runs with the tests; the campaigns ask for more. Whoever calls gives a daemon whose vault may be written into.
"""

from __future__ import annotations

import json
import random
import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

#: A request may name a model file of its own, and there is none of that name.
_FAIR = {"/problems/model-missing", "/problems/model-invalid"}

_ANSWERS_WITHIN_S = 60.0
_DAYS = {"before": "2100-01-01", "after": "1970-01-01"}
#: Each of these may be left out, and made up is seldom right.
_LEFT_OUT = {"on", "run", "model", "in_path", "kind"}
_SHUTS_US_OUT = "/api/token/rotate"
#: What everybody may read: that a daemon is there, and the page, which holds no data.
_OPEN_TO_ALL = (b'"status":"ok"', b"<!doctype html>")


@dataclass
class Told:
    """How many requests were answered how, and what should not have been."""

    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)  #: requests of each that is described
    without_token: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, what: str, status: int, kind: str, body: bytes, *, let_in: bool) -> None:
        """Count an answer, and keep what is wrong with it."""
        self.statuses[status] += 1
        self.without_token += not let_in
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


def ask_as_described(
    address: str, token: str, *, examples: int, notes: Sequence[str] = ("Note.md",), number: int = 0
) -> Told:
    """For each operation of the OpenAPI so many requests that it allows and so many that it does not.

    Half of those that it allows are for these notes, new ones and what else is there, for made-up names lead nowhere. A
    tenth of all go without the token as well. `number` chooses other ones.
    """
    headers = {"Authorization": f"Bearer {token}"}
    described = requests.get(f"{address}/api/openapi.json", headers=headers, timeout=30).json()
    told, session, chance = Told(), requests.Session(), random.Random(number)
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
                if case.meta and case.meta.generation.mode.is_positive and chance.random() < 0.5:
                    _lead_somewhere(case, notes, chance)
                _ask(session, address, case, headers, told)
                if sum(told.statuses.values()) % 10 == 0:
                    _ask(session, address, case, {}, told)

            try:
                ask()
            except Exception as error:  # There is no way to get it wrong, as with GET /api/models.
                if type(error).__name__ != "Unsatisfiable":
                    raise
    return told


def _lead_somewhere(case: Case[Any], notes: Sequence[str], chance: random.Random) -> None:
    """Have the request ask for what is there."""
    writes = case.operation.label == "POST /api/notes"
    note = f"New {chance.randrange(10**6)}.md" if writes else chance.choice(notes)
    there = {"path": note, "note": note, "q": "starter", "question": "starter", "text": "Of [[Other]].", **_DAYS}
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            for name in part.keys() & (_LEFT_OUT | ({"messages"} if "question" in part else set())):
                del part[name]
            part.update({name: value for name, value in there.items() if name in part})


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
            told.operations[case.operation.label] += 1
            told.add(what, answer.status_code, kind, body, let_in=bool(headers))
    except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
        pass  # The client itself sends no such header.
    except requests.exceptions.RequestException as error:
        told.wrong.append(f"{what}: no answer: {error!r:.200}")


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


def exchanged(port: int, sent: bytes, *, patience_s: float = 0.05) -> bytes:
    """What comes back to these bytes until the server hangs up, or has said nothing for so long.

    Only then our side of the connection ends: to the server that is a client who has left and wants no answer.
    """
    told = b""
    with socket.create_connection(("127.0.0.1", port), timeout=_ANSWERS_WITHIN_S) as client, suppress(ConnectionError):
        client.sendall(sent)
        while True:
            client.settimeout(patience_s)
            try:
                piece = client.recv(65536)
            except TimeoutError:
                if patience_s == _ANSWERS_WITHIN_S:
                    break
                client.shutdown(socket.SHUT_WR)
                patience_s = _ANSWERS_WITHIN_S
                continue
            if not piece:
                break
            told += piece
    return told


def _answers(port: int, sent: bytes) -> list[tuple[int, str, bytes]]:
    """The answers to these bytes: (status, content type, body) of each."""
    told = exchanged(port, sent)
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
