"""The way to a vault's daemon: find it, have it prove that it is the right one, and talk HTTP to it.

Only the standard library is used: a search should not wait for imports.
"""

from __future__ import annotations

import contextlib
import hmac
import http.client
import json
import os
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from vaultbot.errors import NotRunning, VaultbotError
from vaultbot.paths import StatePaths
from vaultbot.runtime import Runtime, is_locked, prove, read_runtime, read_token

_HEALTH_S = 10.0
_ANSWER_S = 600.0


class Client:
    """Calls one daemon's API. Errors come as the daemon's own classes.

    Each connection has to prove that it leads to the daemon before the token goes over it.
    """

    def __init__(self, runtime: Runtime, token: str) -> None:
        self.runtime = runtime
        self.token = token  #: for those who have seen the proof

    @property
    def address(self) -> str:
        """Where the daemon is, for another HTTP client."""
        return f"http://127.0.0.1:{self.runtime.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What every request needs."""
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    def get(self, path: str, params: Mapping[str, object] | None = None) -> Any:
        """The JSON answer to a GET; parameters that are None are left out."""
        given = {key: str(value) for key, value in (params or {}).items() if value is not None}
        query = urlencode(given, errors="replace")
        return self._json("GET", f"{path}?{query}" if query else path, None)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The JSON answer to a POST."""
        return self._json("POST", path, body)

    def events(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Generator[tuple[str, Any], None, None]:
        """The (name, data) server-sent events of an answer, as they come. Closing the iterator hangs up.

        Raises what the daemon says in an `error` event or instead of the stream.
        """
        with contextlib.closing(self._request(method, path, body)) as connection:
            name, data = "", ""
            for line in _lines(self._response(connection)):
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if text.startswith("event: "):
                    name = text[7:]
                elif text.startswith("data: "):
                    data += text[6:]
                elif not text and name:
                    value = json.loads(data)
                    if name == "error":
                        raise error_of(value)
                    yield name, value
                    name, data = "", ""

    def _json(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:
        with contextlib.closing(self._request(method, path, body)) as connection:
            response = self._response(connection)
            try:
                return json.loads(response.read())
            except (OSError, ValueError, http.client.HTTPException) as error:
                raise NotRunning(_hung_up(error)) from error

    def _request(self, method: str, path: str, body: Mapping[str, object] | None) -> http.client.HTTPConnection:
        # A word of the command line that is no valid text holds halves of characters, which UTF-8 has no bytes for.
        content = json.dumps(body, ensure_ascii=False).encode(errors="replace") if body is not None else None
        connection = http.client.HTTPConnection("127.0.0.1", self.runtime.port, timeout=_HEALTH_S)
        try:
            _proven(connection, self.token)
            if connection.sock is not None:
                connection.sock.settimeout(_ANSWER_S)
            connection.request(method, path, content, self.headers)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NotRunning(_hung_up(error)) from error
        except VaultbotError:
            connection.close()
            raise
        return connection

    def _response(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        try:
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise NotRunning(_hung_up(error)) from error
        if response.status >= 400:
            try:
                document = json.loads(response.read())
            except (OSError, ValueError, http.client.HTTPException):
                document = {"detail": f"the daemon answered {response.status}; see its log with: vaultbot status"}
            raise error_of(document)
        return response


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        yield from response
    except (OSError, http.client.HTTPException) as error:
        raise NotRunning(_hung_up(error)) from error


def _hung_up(error: Exception) -> str:
    return f"the daemon does not answer ({type(error).__name__}); see its log, or start it again with: vaultbot start"


def error_of(problem: Mapping[str, Any]) -> VaultbotError:
    """The error that a problem document stands for."""
    slug = str(problem.get("type", "")).rpartition("/")[2]
    kinds = {kind.slug: kind for kind in error_kinds(VaultbotError) if "slug" in vars(kind)}
    return kinds.get(slug, VaultbotError)(str(problem.get("detail") or problem.get("title") or "an error"))


def error_kinds(base: type[VaultbotError]) -> Iterator[type[VaultbotError]]:
    """Every kind of this error, the most special first."""
    for kind in base.__subclasses__():
        yield from error_kinds(kind)
        yield kind


def find(state: StatePaths) -> Client | None:
    """The vault's running daemon, after it has proved that it knows the token; None when none runs."""
    runtime = read_runtime(state)
    if runtime is None or not is_locked(state) or not os.path.lexists(state.token):
        return None  # Without a token no daemon has ever been ready here.
    client = Client(runtime, read_token(state))
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", runtime.port, timeout=_HEALTH_S)) as connection:
        try:
            _proven(connection, client.token)
        except (OSError, http.client.NotConnected):
            return None  # It is starting or ending.
    return client


def challenge() -> tuple[str, dict[str, str]]:
    """A challenge, and the header for `GET /health` that asks for its proof."""
    asked = os.urandom(16).hex()
    return asked, {"X-Vaultbot-Challenge": asked}


def check_proof(health: bytes, token: str, port: int, asked: str) -> None:
    """Raises VaultbotError unless the answer of `GET /health` shows that whoever listens there knows the token."""
    try:
        page = json.loads(health)
    except ValueError:
        page = None
    proof = page.get("proof") if isinstance(page, dict) else None
    if not isinstance(proof, str) or not hmac.compare_digest(
        proof.encode(errors="replace"), prove(token, port, asked).encode()
    ):
        raise VaultbotError(
            f"something else listens on port {port} in place of vaultbot's daemon and got no token; end "
            "that program, or set another [server] port. If the token was changed just now, run the command again"
        )


def _proven(connection: http.client.HTTPConnection, token: str) -> None:
    """Have the other end of this very connection prove that it is the daemon.

    A daemon may have ended since it was found, and another program may have its port. Raises VaultbotError for such a
    one, and OSError and NotConnected when there is nobody.
    """
    asked, headers = challenge()
    connection.connect()
    connection.auto_open = 0  # A connection that was closed is not made again: the next may be somebody else's.
    try:
        connection.request("GET", "/health", headers=headers)
        health = connection.getresponse().read()
    except http.client.NotConnected:
        raise
    except http.client.HTTPException:
        health = b""
    check_proof(health, token, connection.port, asked)
