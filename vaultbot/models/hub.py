"""Files on a model hub (Hugging Face, or a mirror of it): what the hub says of them, and their bytes.

Nothing but the name of the file is sent: no account, no cookie, no proxy. What comes back is hostile until its SHA-256
is checked, and an error never quotes it.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from vaultbot import __version__
from vaultbot.errors import VaultbotError
from vaultbot.remote import BUSY, connection_to, hang_up, phrase, retry_after_s

TRIES = 5  #: without progress, before it is given up

_T = TypeVar("_T")
_MOST_REDIRECTS = 5
_PIECE = 1 << 18
_SLOWEST = 512  # bytes per second, over the whole time of patience
_LONGEST_NAP_S = 60.0
_REDIRECTS = {301, 302, 303, 307, 308}
_FACTS = ("x-linked-size", "x-linked-etag")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_BY_HAND = "download it in the browser, and then: vaultbot models use FILE"


class BrokenOff(Exception):
    """It failed for a reason that may pass: ask again, after `wait_s` if the hub named a time."""

    def __init__(self, why: str, *, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub describes it."""

    address: str
    size: int  #: bytes
    sha256: str  #: 64 hexadecimal digits


@dataclass(frozen=True, slots=True)
class Opened:
    """The bytes of a file from `start` on; 0 where the hub did not go on where it was asked to."""

    start: int
    pieces: Iterator[bytes]


class Hub:
    """One hub."""

    def __init__(self, address: str, *, patience_s: float = 30.0, pause: Callable[[float], None] = time.sleep) -> None:
        """`patience_s` is for how long nothing, or next to nothing, may come. Raises VaultbotError for no address."""
        self.address = address.rstrip("/")
        self._patience_s = patience_s
        self._pause = pause
        self._plain = _is_plain_loopback(urlsplit(self.address))
        self._checked(self.address)

    def find(self, repository: str, file: str) -> RemoteFile:
        """What the hub says of a file. Raises VaultbotError."""
        address = f"{self.address}/{quote(repository)}/resolve/main/{quote(file)}"

        def once() -> RemoteFile:
            with self._answer("HEAD", address, {}) as (response, said):
                known = len(said) == len(_FACTS)
                if not known:
                    self._check(response, repository, file)
                sha256 = said.get("x-linked-etag", response.headers.get("ETag", "")).removeprefix("W/").strip('"')
                size = said.get("x-linked-size", response.headers.get("Content-Length", ""))
            if not known and response.headers.get_content_type() == "text/html":
                raise VaultbotError(
                    f"{self.address} answers with a web page: does this network want you to log in first? If not, "
                    f"[models] hub is not a hub's address; {_BY_HAND}"
                )
            if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256) or not re.fullmatch(r"[1-9][0-9]{0,14}", size):
                raise VaultbotError(
                    f"{self.address} does not tell size and SHA-256 of {file}, so nothing could be checked; set "
                    f"[models] hub to another hub, or {_BY_HAND}"
                )
            return RemoteFile(address, int(size), sha256.lower())

        return self.patiently(once)

    @contextmanager
    def open(self, file: RemoteFile, *, start: int) -> Iterator[Opened]:
        """The bytes from `start` on, all that are left and no more. Raises BrokenOff, also amid them, VaultbotError."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._answer("GET", file.address, headers) as (response, _said):
            if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
                yield Opened(0, iter(()))
                return
            self._check(response, "", file.address.rpartition("/")[2])
            begins = start if _goes_on(response, start, file.size) else 0
            left, length = file.size - begins, response.headers.get("Content-Length")
            if length is not None and length != str(left):
                raise VaultbotError(
                    f"{self.address} announced {left} bytes and now speaks of {length[:20]}: the file has changed, or "
                    f"something in between changes it; try again later, or {_BY_HAND}"
                )
            yield Opened(begins, self._pieces(response, left))

    def patiently(self, ask: Callable[[], _T]) -> _T:
        """Ask up to five times, with pauses. Raises VaultbotError with the reason when it never worked."""
        for left in reversed(range(TRIES)):
            try:
                return ask()
            except BrokenOff as trouble:
                self.rest(trouble, tries_left=left)
        raise AssertionError("unreachable")

    def rest(self, trouble: BrokenOff, *, tries_left: int) -> None:
        """Wait before the next try. Raises VaultbotError when none is left, or the hub wants to be left alone."""
        wait_s = trouble.wait_s
        if wait_s is not None and wait_s > _LONGEST_NAP_S:
            raise VaultbotError(f"{self.address} {trouble}; try again in {wait_s / 60:.0f} minutes")
        if not tries_left:
            raise VaultbotError(f"{self.address} {trouble}; run it again later, and it goes on where it stopped")
        self._pause(wait_s if wait_s is not None else 2.0 ** (TRIES - tries_left))

    @contextmanager
    def _answer(
        self, method: str, address: str, headers: Mapping[str, str]
    ) -> Iterator[tuple[http.client.HTTPResponse, dict[str, str]]]:
        """The last answer after redirects, and what was said of the file on the way. Raises BrokenOff."""
        said: dict[str, str] = {}
        for _ in range(_MOST_REDIRECTS + 1):
            url = self._checked(address)
            with closing(connection_to(url, timeout_s=self._patience_s)) as connection:
                response = self._asked(connection, method, url, headers)
                for name in _FACTS:
                    if (value := response.headers.get(name)) is not None:
                        said.setdefault(name, value)
                # Where the bytes are, a HEAD is often refused; what it would tell is known by then.
                if response.status not in _REDIRECTS or (method == "HEAD" and len(said) == len(_FACTS)):
                    yield response, said
                    return
                address = urljoin(address, response.headers.get("Location", ""))
        raise VaultbotError(f"{self.address} leads round in circles; set [models] hub to another hub, or {_BY_HAND}")

    def _checked(self, address: str) -> SplitResult:
        """Only https; plain http only within this machine, when the hub itself is there."""
        try:
            url = urlsplit(address)
            allowed = url.scheme == "https" or (self._plain and _is_plain_loopback(url))
            sound = allowed and bool(url.hostname) and url.port != 0 and "@" not in url.netloc
        except ValueError:
            sound = False
        if not sound or not (address.isascii() and address.isprintable()) or " " in address:
            raise VaultbotError(
                f"{self.address} leads to an address that is not https, which is not followed; set [models] hub to "
                f"another hub, or {_BY_HAND}"
            )
        return url

    def _asked(
        self, connection: http.client.HTTPConnection, method: str, url: SplitResult, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        own = {"User-Agent": f"vaultbot/{__version__}", "Accept-Encoding": "identity", "Connection": "close"}
        with _reasons():
            connection.connect()
            # A server that sends a byte of its headers now and then would never let a time-out come.
            alarm = threading.Timer(self._patience_s, hang_up, [connection.sock])
            alarm.daemon = True
            alarm.start()
            try:
                connection.request(method, target, headers={**own, **headers})
                return connection.getresponse()
            finally:
                alarm.cancel()

    def _check(self, response: http.client.HTTPResponse, repository: str, file: str) -> None:
        """Raises BrokenOff for what may pass, VaultbotError for every other refusal."""
        status = response.status
        if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            return
        said = f"says {status} {phrase(status)}"
        if status in BUSY:
            raise BrokenOff(said, wait_s=retry_after_s(response.headers.get("Retry-After")))
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise VaultbotError(
                f"{self.address} {said} to {file}: its maker wants a licence to be accepted, or the file is gone; "
                f"choose another model, or {_BY_HAND}"
            )
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            where = f" in {repository}" if repository else ""
            raise VaultbotError(
                f"{self.address} {said}: it has no {file}{where}; choose another one: vaultbot models list"
            )
        raise VaultbotError(f"{self.address} {said} to {file}; is [models] hub a hub's address? Or {_BY_HAND}")

    def _pieces(self, response: http.client.HTTPResponse, left: int) -> Iterator[bytes]:
        since, came = time.monotonic(), 0
        while True:
            with _reasons():
                # One byte more than there is shows a file that goes on.
                piece = response.read1(min(_PIECE, left + 1))
            if not piece:
                break
            if len(piece) > left:
                raise VaultbotError(f"{self.address} sends more than it announced; {_BY_HAND}")
            left -= len(piece)
            yield piece
            came += len(piece)
            if (now := time.monotonic()) - since > self._patience_s:
                if came < _SLOWEST * self._patience_s:
                    raise BrokenOff("sends next to nothing")
                since, came = now, 0
        if left:
            raise BrokenOff("hung up in the middle of the file")


def _goes_on(response: http.client.HTTPResponse, start: int, size: int) -> bool:
    return (
        response.status == HTTPStatus.PARTIAL_CONTENT
        and response.headers.get("Content-Range", "") == f"bytes {start}-{size - 1}/{size}"
    )


@contextmanager
def _reasons() -> Iterator[None]:
    """What the network throws, in our words."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise VaultbotError(
            "the hub's certificate is not valid for its name, so nothing was fetched; is the clock of this machine "
            f"right? If something checks the traffic of this network: {_BY_HAND}"
        ) from error
    except TimeoutError as error:
        raise BrokenOff("does not answer") from error
    except socket.gaierror as error:
        raise BrokenOff("cannot be found: is there a network?") from error
    except http.client.HTTPException as error:
        raise BrokenOff("hung up") from error
    except OSError as error:
        raise BrokenOff(f"cannot be reached ({error.strerror or type(error).__name__})") from error


def _is_plain_loopback(url: SplitResult) -> bool:
    return url.scheme == "http" and url.hostname in _LOOPBACK
