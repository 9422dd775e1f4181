"""What all connections to other servers have in common: no proxy, no words of the server's, no endless waiting."""

from __future__ import annotations

import http.client
import socket
import ssl
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import SplitResult

#: Statuses after which the same may be asked again.
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


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
        connection.shutdown(socket.SHUT_RDWR)


def phrase(status: int) -> str:
    """What a status means, in our words and not the server's; "" for one that means nothing."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def retry_after_s(text: str | None) -> float | None:
    """The seconds of a `Retry-After` header; None for anything else."""
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None
