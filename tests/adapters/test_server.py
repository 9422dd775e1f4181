"""Connections to other servers: encrypted, and ended when nobody waits any more."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.chat_server import ChatServer, Line, chat_server
from vaultbot.adapters.openai_endpoint import ANSWERING
from vaultbot.adapters.server import Server, TookTooLong
from vaultbot.errors import Unreachable
from vaultbot.remote import Cancelled

PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def encrypted(authority: trustme.CA) -> Iterator[ChatServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with chat_server(context) as running:
        yield running


def trust(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))


def asked(server: ChatServer, *, timeout_s: float = PATIENCE_S, cancel: threading.Event | None = None) -> object:
    there = Server.at(server.address, ANSWERING, key="s3cret", allow_remote=False)
    return there.ask("POST", "/chat/completions", {}, tries=1, timeout_s=timeout_s, limit=1000, cancel=cancel)


def test_a_certificate_of_an_authority_that_is_trusted_is_believed(
    encrypted: ChatServer, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(authority, tmp_path, monkeypatch)

    def well(_: object, line: Line) -> None:
        line.head()
        line.send(b'{"ok": true}')

    encrypted.play = well

    assert asked(encrypted) == {"ok": True}
    assert encrypted.headers[0]["Authorization"] == "Bearer s3cret"


def test_a_certificate_of_nobody_knows_whom_is_not_and_the_key_is_not_sent(encrypted: ChatServer) -> None:
    with pytest.raises(Unreachable, match="its certificate is not valid for that name"):
        asked(encrypted)

    assert encrypted.headers == []


def test_a_certificate_for_another_name_is_not_believed(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(authority, tmp_path, monkeypatch)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.test").configure_cert(context)
    with chat_server(context) as other:
        with pytest.raises(Unreachable, match="its certificate is not valid for that name"):
            asked(other)
        assert other.headers == []


def test_a_server_that_speaks_no_tls_is_told_as_such() -> None:
    with chat_server() as plain:
        plain.scheme = "https"
        with pytest.raises(Unreachable, match="it does not speak TLS as it should"):
            asked(plain)


@pytest.mark.parametrize("begun", [False, True])
def test_an_encrypted_answer_that_hangs_is_given_up_or_cancelled(
    encrypted: ChatServer, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    trust(authority, tmp_path, monkeypatch)
    gone = threading.Event()

    def hang(_: object, line: Line) -> None:
        if begun:
            line.head()
        try:
            while not line.gate.wait(0.01):
                if begun:
                    line.send(b" ")
        except OSError:
            gone.set()

    encrypted.play = hang

    with pytest.raises(TookTooLong, match="it took too long"):
        asked(encrypted, timeout_s=0.3)
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    with pytest.raises(Cancelled):
        asked(encrypted, cancel=cancel)

    if begun:
        assert gone.wait(PATIENCE_S)
    until = time.monotonic() + PATIENCE_S
    while any(thread.name == "another server" for thread in threading.enumerate()):
        assert time.monotonic() < until, "a connection that nobody wants is still open"
        time.sleep(0.01)
