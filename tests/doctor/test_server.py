"""The token, and who is at the port: with real files and real listeners."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from vaultbot.doctor.server import port, token, who_listens
from vaultbot.paths import StatePaths
from vaultbot.runtime import make_token


@contextlib.contextmanager
def answering(body: bytes) -> Iterator[int]:
    """A server that answers this to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number: int = listener.getsockname()[1]
        return number


def test_nobody_a_vaultbot_and_another_program_are_told_apart() -> None:
    assert who_listens(free_port()) == "nobody"
    with answering(b'{"status": "ok", "proof": null}') as number:
        assert who_listens(number) == "vaultbot"
    for other in (b"hello", b"[1]", b'{"status": "ok"}', b""):
        with answering(other) as number:
            assert who_listens(number) == "another program"
    with socket.socket() as silent:  # It accepts and says nothing.
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        assert who_listens(silent.getsockname()[1]) == "another program"


def test_a_port_is_told_with_who_has_it() -> None:
    assert port(8765, 8765, "vaultbot").says == "8765, this vault's daemon"
    assert port(8765, None, "nobody").says == "8765 is free"
    assert port(0, None, "nobody").state == "ok"
    taken = port(8765, 40001, "another program")
    assert (taken.state, taken.says) == (
        "advice",
        "this vault's daemon is at 40001; 8765 is taken by another program",
    )
    assert "a port of its own" in port(8765, None, "vaultbot").do


@pytest.fixture
def state(tmp_path: Path) -> StatePaths:
    paths = StatePaths(tmp_path / "state")
    paths.create()
    return paths


def test_a_token_that_others_may_read_is_a_problem_with_a_repair(state: StatePaths) -> None:
    assert token(state).state == "ok"
    make_token(state)
    assert token(state).state == "ok"

    state.token.chmod(0o644)

    found = token(state)
    assert (found.state, found.repair) == ("problem", "permissions")
    assert found.says.startswith("others may read")


def test_a_token_that_is_none_is_a_problem(state: StatePaths) -> None:
    state.token.write_text("short")
    state.token.chmod(0o600)

    found = token(state)
    assert (found.state, found.repair) == ("problem", None)
    assert "delete it" in found.do
