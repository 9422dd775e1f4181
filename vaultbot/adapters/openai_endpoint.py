"""One address of an OpenAI-compatible server: what may be sent where, and JSON there and back.

No proxy is used and no redirect is followed, so texts and key go to the address of the settings and nowhere else. What
comes back is hostile until it is parsed; an error never quotes it, for a server may echo what it was sent.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

from vaultbot.errors import ConfigError, ModelInvalid, ModelMissing, VaultbotError
from vaultbot.remote import BUSY, connection_to, hang_up, phrase, retry_after_s

_CONNECT_S = 5.0
_LONGEST_WAIT_S = 10.0
_TOO_LONG = {400, 413, 422}
_PIECE = 1 << 16


class Unreachable(VaultbotError):
    """The server does not answer, now; it may do so later."""


class TookTooLong(Unreachable):
    """The server was asked, and did not answer in time."""


class TooLong(ModelInvalid):
    """The server does not take what it was sent, most often because a text is too long for the model."""


class Endpoint:
    """Posts JSON. Safe to use from several threads."""

    def __init__(
        self, address: str, *, key: str | None, allow_remote: bool, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Raises ConfigError for an address that is none, or where nothing may be sent."""
        self._url = _checked(address)
        self._host = self._url.hostname or ""
        self.is_local = _is_loopback(self._host)
        self.address = f"{self._url.scheme}://{self._url.netloc}{self._url.path.rstrip('/')}"
        if not self.is_local and not allow_remote:
            raise ConfigError(
                f"[embedding] model = {self.address} is not on this machine, and the text of your notes would be sent "
                "there; if that is what you want, set [embedding] allow_remote = true"
            )
        if key and not self.is_local and self._url.scheme != "https":
            raise ConfigError(f"a key is never sent in the open: use https:// for [embedding] model = {self.address}")
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise ConfigError("the variable of [embedding] key_variable holds no key: it has blanks or odd characters")
        self._key = key
        self._pause = pause

    def post(self, path: str, body: object, *, tries: int, timeout_s: float, limit: int) -> Any:
        """The JSON of the answer, at most `limit` bytes of it. `timeout_s` is for one try, start to end.

        Raises Unreachable when it fails for a reason that may pass, TookTooLong after one try, TooLong, ModelMissing,
        ModelInvalid.
        """
        data = json.dumps(body).encode("ascii")
        for left in reversed(range(tries)):
            try:
                status, wait, answer = self._once(path, data, timeout_s=timeout_s, limit=limit)
            except TimeoutError as error:  # Another try would take as long.
                raise TookTooLong(self._away(_reason(error))) from None
            except (OSError, http.client.HTTPException) as error:
                status, wait, answer, why = 0, None, b"", _reason(error)
            else:
                why = f"it says {status} {phrase(status)}"
            if status == HTTPStatus.OK:
                return self._parsed(answer)
            if status and status not in BUSY:
                raise self._refusal(status)
            if left:
                self._pause(min(_LONGEST_WAIT_S, wait if wait is not None else 0.5 * 2 ** (tries - 1 - left)))
        raise Unreachable(self._away(why))

    def _away(self, why: str) -> str:
        return f"{self.address} does not embed ({why}): is the server running? It is asked again in a minute"

    def _once(self, path: str, data: bytes, *, timeout_s: float, limit: int) -> tuple[int, float | None, bytes]:
        """Status, how long to wait if it says so, and the body of a success."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        began = time.monotonic()
        with closing(connection_to(self._url, timeout_s=min(_CONNECT_S, timeout_s))) as connection:
            connection.connect()
            assert connection.sock is not None
            left_s = max(0.1, timeout_s - (time.monotonic() - began))
            connection.sock.settimeout(left_s)
            # A server that sends a byte now and then would never let a time-out come.
            late = threading.Event()
            alarm = threading.Timer(left_s, _hang_up, [connection.sock, late])
            alarm.daemon = True
            alarm.start()
            try:
                connection.request("POST", f"{self._url.path.rstrip('/')}{path}", data, headers)
                response = connection.getresponse()
                if response.status != HTTPStatus.OK:
                    return response.status, retry_after_s(response.headers.get("Retry-After")), b""
                body = response.read(limit + 1)
            except (OSError, http.client.HTTPException) as error:
                raise TimeoutError if late.is_set() else error from None
            finally:
                alarm.cancel()
        if len(body) > limit:
            raise self._nonsense("far more than was asked for")
        return HTTPStatus.OK, None, body

    def _parsed(self, answer: bytes) -> Any:
        try:
            return json.loads(answer, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise self._nonsense("no JSON") from None

    def _nonsense(self, what: str) -> ModelInvalid:
        return ModelInvalid(
            f"{self.address} answered with {what}; is it the address of an OpenAI-compatible API, such as "
            "http://127.0.0.1:11434/v1?"
        )

    def _refusal(self, status: int) -> VaultbotError:
        said = f"{self.address} says {status} {phrase(status)}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ModelInvalid(f"{said}: [embedding] key_variable must name the variable that holds a key for it")
        if status == HTTPStatus.NOT_FOUND:
            return ModelMissing(
                f"{said}: there is no such model or no such address; check [embedding] model, which often ends in /v1, "
                "and [embedding] remote_model, which the server must have (for Ollama: ollama pull)"
            )
        if status in _TOO_LONG:
            return TooLong(f"{said} to a text; is [embedding] remote_model a model for embedding?")
        if 300 <= status < 400:
            return ModelInvalid(f"{said}, which is not followed; set [embedding] model to the address it leads to")
        return ModelInvalid(f"{said}; is it the address of an OpenAI-compatible API with /embeddings?")


def _checked(address: str) -> SplitResult:
    try:
        url = urlsplit(address)
        sound = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        sound = False
    if not sound or not address.isascii() or not address.isprintable() or " " in address:
        raise ConfigError(
            f"[embedding] model = {address[:80]!r} is no address; give one like http://127.0.0.1:11434/v1"
        )
    if "@" in url.netloc or url.query or url.fragment:
        raise ConfigError(
            "[embedding] model is an address without user, password, ? or #; a key is read from the environment, "
            "see [embedding] key_variable"
        )
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _hang_up(connection: socket.socket, late: threading.Event) -> None:
    late.set()
    hang_up(connection)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not valid for that name"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it hung up"


def _refuse_constant(name: str) -> float:
    raise ValueError(name)
