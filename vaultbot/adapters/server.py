"""One server of the settings: what may be sent where, and JSON there and back.

No proxy is used and no redirect is followed, so texts and key go to the address of the settings and nowhere else. What
comes back is hostile until it is parsed; an error never quotes it, for a server may echo what it was sent.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import math
import re
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from vaultbot.errors import ConfigError, Unreachable, VaultbotError
from vaultbot.remote import BUSY, Exchange, Head, TooMuch, phrase

_T = TypeVar("_T")
_LONGEST_WAIT_S = 10.0
_NAP_S = 0.05  #: how soon a cancelled pause ends
_ERROR_S = 1.0
_MOST_ERROR = 4096
#: llama-server says this with status 500, as if it were busy.
_TOO_LONG = re.compile(
    rb"too (?:large|long)|exceed[^.]{0,60}(?:context|token|length)|context[ _](?:length|size|window)", re.IGNORECASE
)


class TookTooLong(Unreachable):
    """The server was asked, and did not answer in time."""


class Refused(VaultbotError):
    """The server's answer is a status that no other try will change."""

    def __init__(self, said: str, code: int, *, too_long: bool) -> None:
        super().__init__(said)
        self.code = code
        self.too_long = too_long  #: it says that it was sent more than it has room for


class Nonsense(VaultbotError):
    """The server's answer is not what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a server is for, in the words of the settings."""

    address: str  #: the setting with its address: "[embedding] base_url"
    allow: str  #: "[embedding] allow_remote"
    key: str  #: "[embedding] key_variable"
    sent: str  #: what it gets: "the text of your notes"
    fails: str  #: what it does not do when it is away: "does not embed"
    again: str  #: when it is asked again: "in a minute"
    api: str  #: what it speaks: "an OpenAI-compatible API"
    example: str  #: "http://127.0.0.1:11434/v1"


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to a request that a server takes up, its body unread. To be closed."""

    exchange: Exchange
    head: Head


@dataclass(frozen=True)
class Server:
    """Where texts may be sent. Safe to use from several threads."""

    purpose: Purpose
    address: str  #: without a "/" at the end
    key: str | None = field(repr=False)
    is_local: bool
    url: SplitResult = field(repr=False)
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)

    @classmethod
    def at(
        cls,
        address: str,
        purpose: Purpose,
        *,
        key: str | None,
        allow_remote: bool,
        pause: Callable[[float], None] = time.sleep,
    ) -> Server:
        """Raises ConfigError for an address that is none, or where nothing may be sent."""
        url = _checked(address, purpose)
        is_local = _is_loopback(url.hostname or "")
        address = f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"
        if not is_local and not allow_remote:
            raise ConfigError(
                f"{purpose.address} = {address} is not on this machine, and {purpose.sent} would be sent there; if "
                f"that is what you want, set {purpose.allow} = true"
            )
        if key and not is_local and url.scheme != "https":
            raise ConfigError(f"a key is never sent in the open: use https:// for {purpose.address} = {address}")
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise ConfigError(f"what {purpose.key} or key_keyring names holds no key: it has blanks or odd characters")
        return cls(purpose, address, key, is_local, url, pause)

    @property
    def sends_to(self) -> str | None:
        """The address, if it is beyond this machine."""
        return None if self.is_local else self.address

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        tries: int,
        timeout_s: float,
        limit: int,
        cancel: threading.Event | None = None,
    ) -> Any:
        """The JSON of the answer, at most `limit` bytes of it. `timeout_s` is for one try, start to end.

        Raises Unreachable when it fails for a reason that may pass, TookTooLong after one try, Refused, Nonsense,
        Cancelled.
        """

        def once() -> bytes:
            until = time.monotonic() + timeout_s
            opened = self._opened(method, path, body, until=until, limit=limit, cancel=cancel)
            try:
                return b"".join(iter(lambda: opened.exchange.piece(until=until, cancel=cancel), b""))
            finally:
                opened.exchange.close()

        return self.parsed(self._patiently(once, tries=tries, cancel=cancel))

    def open(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        tries: int,
        timeout_s: float,
        limit: int,
        cancel: threading.Event | None = None,
    ) -> Opened:
        """The beginning of an answer that comes bit by bit; `timeout_s` is until it begins. Raises as `ask`."""

        def once() -> Opened:
            return self._opened(method, path, body, until=time.monotonic() + timeout_s, limit=limit, cancel=cancel)

        return self._patiently(once, tries=tries, cancel=cancel)

    def piece(self, opened: Opened, *, timeout_s: float, cancel: threading.Event | None) -> bytes:
        """The next bytes of such an answer, b"" at the end. Raises TookTooLong, Unreachable, Nonsense, Cancelled."""
        try:
            return opened.exchange.piece(until=time.monotonic() + timeout_s, cancel=cancel)
        except TimeoutError as error:
            raise TookTooLong(self._away(reason(error))) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(self._away(reason(error))) from None
        except TooMuch:
            raise self.nonsense("far more than was asked for") from None

    def parsed(self, answer: bytes) -> Any:
        """The JSON of an answer. Raises Nonsense."""
        try:
            return json.loads(answer.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise self.nonsense("no JSON") from None

    def nonsense(self, what: str) -> Nonsense:
        """The error for an answer that is none."""
        purpose = self.purpose
        return Nonsense(
            f"{self.address} answered with {what}; is it the address of {purpose.api}, such as {purpose.example}?"
        )

    def broke_off(self, why: str) -> Unreachable:
        """The error for an answer that does not go on."""
        return Unreachable(self._away(why))

    def _away(self, why: str) -> str:
        purpose = self.purpose
        return f"{self.address} {purpose.fails} ({why}): is the server running? It is asked again {purpose.again}"

    def _opened(
        self, method: str, path: str, body: object, *, until: float, limit: int, cancel: threading.Event | None
    ) -> Opened:
        headers = {"Accept": "application/json, text/event-stream"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode("ascii")
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        target = f"{self.url.path.rstrip('/')}{path}"
        exchange = Exchange(method, self.url, target, data=data, headers=headers, limit=limit)
        try:
            head = exchange.head(until=until, cancel=cancel)
            if not 200 <= head.status < 300:
                why = f"{head.status} {phrase(head.status)}".strip()
                too_long = _TOO_LONG.search(_error(exchange, until)) is not None
                if head.status in BUSY and not too_long:
                    raise _MayPass(f"it says {why}", head.retry_after_s)
                raise Refused(f"{self.address} says {why}", head.status, too_long=too_long)
        except BaseException:
            exchange.close()
            raise
        return Opened(exchange, head)

    def _patiently(self, once: Callable[[], _T], *, tries: int, cancel: threading.Event | None) -> _T:
        for left in reversed(range(tries)):
            try:
                return once()
            except TimeoutError as error:  # Another try would take as long.
                raise TookTooLong(self._away(reason(error))) from None
            except TooMuch:
                raise self.nonsense("far more than was asked for") from None
            except _MayPass as error:
                why, wait_s = error.why, error.wait_s
            except (OSError, http.client.HTTPException) as error:
                why, wait_s = reason(error), None
            if left:
                self._rest(0.5 * 2 ** (tries - 1 - left) if wait_s is None else wait_s, cancel)
        raise Unreachable(self._away(why))

    def _rest(self, wait_s: float, cancel: threading.Event | None) -> None:
        wait_s = min(_LONGEST_WAIT_S, wait_s)
        if cancel is None:
            self.pause(wait_s)
            return
        for _ in range(math.ceil(wait_s / _NAP_S)):
            if cancel.is_set():
                return  # The next try tells it.
            self.pause(_NAP_S)


def _error(exchange: Exchange, until: float) -> bytes:
    """The beginning of what a server says of an error: not for people, for it may hold what it was sent."""
    said, until = b"", min(until, time.monotonic() + _ERROR_S)
    with suppress(OSError, http.client.HTTPException, TooMuch):
        while len(said) < _MOST_ERROR and (piece := exchange.piece(until=until)):
            said += piece
    return said


class _MayPass(Exception):
    """A status after which the same may be asked again."""

    def __init__(self, why: str, wait_s: float | None) -> None:
        super().__init__(why)
        self.why, self.wait_s = why, wait_s


def _checked(address: str, purpose: Purpose) -> SplitResult:
    try:
        url = urlsplit(address)
        sound = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        sound = False
    if not sound or not address.isascii() or not address.isprintable() or " " in address:
        raise ConfigError(f"{purpose.address} = {address[:80]!r} is no address; give one like {purpose.example}")
    if "@" in url.netloc or url.query or url.fragment:
        raise ConfigError(
            f"{purpose.address} is an address without user, password, ? or #; a key is read from the environment or "
            f"the keyring, see {purpose.key}"
        )
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def reason(error: Exception) -> str:
    """Why a server cannot be reached, in our words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not valid for that name"
    if isinstance(error, ssl.SSLError):
        return "it does not speak TLS as it should"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it hung up"


def _refuse_constant(name: str) -> float:
    raise ValueError(name)
