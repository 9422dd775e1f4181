"""What all connections to other servers have in common: no proxy, no words of the server's, no endless waiting."""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import SplitResult

#: Statuses after which the same may be asked again.
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})

_CONNECT_S = 5.0
_PIECE = 1 << 16
_POLL_S = 0.05  #: how soon a cancelled wait ends


class TooMuch(Exception):
    """The answer is longer than it may be."""


class Cancelled(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class Head:
    """How an answer begins."""

    status: int
    retry_after_s: float | None
    content_type: str  #: "text/event-stream"; in small letters, without parameters


_Came: TypeAlias = "Head | bytes | Exception"


class Exchange:
    """One request and its answer, in a thread of its own.

    So whoever waits can stop waiting at any moment, be it for a name to be looked up, for the first byte or for the
    last; `close` ends the connection. At most `limit` bytes of the answer are read.
    """

    def __init__(
        self, method: str, url: SplitResult, target: str, *, data: bytes | None, headers: Mapping[str, str], limit: int
    ) -> None:
        self._words = (method, target, data, {**headers, "Connection": "close"})
        self._url = url
        self._limit = limit
        self._came: queue.SimpleQueue[_Came] = queue.SimpleQueue()
        self._over = False
        self._socket: socket.socket | None = None
        threading.Thread(target=self._run, name="another server", daemon=True).start()

    def head(self, *, until: float, cancel: threading.Event | None = None) -> Head:
        """The beginning of the answer. `until` is a moment of `time.monotonic`.

        Raises TimeoutError when it does not come until then, Cancelled, and OSError or HTTPException.
        """
        head = self._next(until, cancel)
        assert isinstance(head, Head)
        return head

    def piece(self, *, until: float, cancel: threading.Event | None = None) -> bytes:
        """The next bytes of the body, b"" at its end. Call it after `head`. Raises the same, and TooMuch."""
        piece = self._next(until, cancel)
        assert isinstance(piece, bytes)
        return piece

    def close(self) -> None:
        """End the connection, whatever it is doing."""
        self._over = True
        if self._socket is not None:
            hang_up(self._socket)

    def _next(self, until: float, cancel: threading.Event | None) -> _Came:
        while True:
            if cancel is not None and cancel.is_set():
                raise Cancelled
            left_s = until - time.monotonic()
            try:
                came = self._came.get(timeout=max(0.0, left_s if cancel is None else min(left_s, _POLL_S)))
            except queue.Empty:
                if time.monotonic() >= until:
                    raise TimeoutError from None
                continue
            if isinstance(came, Exception):
                raise came
            return came

    def _run(self) -> None:
        try:
            with closing(connection_to(self._url, timeout_s=_CONNECT_S)) as connection:
                connection.connect()
                self._socket = connection.sock
                if not self._over:
                    self._read(connection)
        except Exception as error:
            self._came.put(error)

    def _read(self, connection: http.client.HTTPConnection) -> None:
        assert connection.sock is not None
        connection.sock.settimeout(None)  # Whoever waits has a clock of his own.
        method, target, data, headers = self._words
        connection.request(method, target, data, headers)
        response = connection.getresponse()
        kind = response.headers.get_content_type() if "Content-Type" in response.headers else ""
        self._came.put(Head(response.status, retry_after_s(response.headers.get("Retry-After")), kind))
        left = self._limit
        while piece := response.read1(min(_PIECE, left + 1)):
            left -= len(piece)
            if left < 0:
                raise TooMuch
            self._came.put(piece)
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        self._came.put(b"")


def connection_to(url: SplitResult, *, timeout_s: float) -> http.client.HTTPConnection:
    """A connection, not opened yet, by the address's scheme. Certificates are checked."""
    assert url.hostname is not None
    if url.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(url.hostname, url.port, timeout=timeout_s, context=context)
    return http.client.HTTPConnection(url.hostname, url.port, timeout=timeout_s)


def hang_up(connection: socket.socket) -> None:
    """End what another thread is reading."""
    with suppress(OSError):
        # An encrypted connection's own shutdown takes the encryption away under the thread that reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def phrase(status: int) -> str:
    """What a status means, in our words and not the server's; "" for one that means nothing."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def retry_after_s(text: str | None) -> float | None:
    """The seconds of a `Retry-After` header; None for anything else."""
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None
