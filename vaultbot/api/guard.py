"""The guard in front of the API: it decides before the app sees, reads or parses anything.

In this order: the address, the page that asks, the method, the token, the body. What it refuses it answers
itself, with a problem document; what it lets through still gets its headers, also when the app fails or
streams.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vaultbot.api import body, origins
from vaultbot.api.errors import respond
from vaultbot.api.limits import BODY_SECONDS
from vaultbot.api.problems import Refused, log_unforeseen, problem, problem_of
from vaultbot.api.tokens import TokenCheck

MAX_HEADERS = 64
MAX_HEADER_BYTES = 16 * 1024

_BEGINNING = re.compile("(?:/[a-z0-9]{1,16}){1,2}(?![^/])|/(?![^/])")

_access_log = logging.getLogger("vaultbot.access")

ON_EVERY_ANSWER = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "x-dns-prefetch-control": "off",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@dataclass(slots=True)
class _Answer:
    """What goes back for one request, with the headers that every answer has."""

    pass_on: Send
    origin: str | None  #: of the page that may read it
    request_id: str = field(default_factory=lambda: uuid4().hex)
    status: int | None = None  #: None until the answer has begun
    complete: bool = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {"headers": [], **message}
            headers = MutableHeaders(scope=message)
            del headers["access-control-allow-origin"]
            headers.update(ON_EVERY_ANSWER)
            headers["x-request-id"] = self.request_id
            headers.add_vary_header("Origin")
            if self.origin is not None:
                headers.update(origins.cors_headers(self.origin))
        elif message["type"] == "http.response.body":
            self.complete = not message.get("more_body", False)
        await self.pass_on(message)


class Guard:
    """ASGI middleware around the whole app.

    `port` is the bound port, or tells it once it is known; `token` is the token, or tells the one of now.
    `allowed_origins` are the user's own, each an exact string; anything wider is a ConfigError. `open_paths` may be
    read without the token, by any page that the browser lets; `tokenless_paths` may be called without it, by all who
    are no foreign page. `long_bodies` are paths with a limit of their own. `admits` says of a token, a method and a
    path whether that token is good for this request, too. The request's id is left in `scope["state"]["request_id"]`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | Callable[[], str],
        port: int | Callable[[], int],
        allowed_origins: Sequence[str] = (),
        open_paths: Collection[str] = frozenset({"/health"}),
        tokenless_paths: Collection[str] = frozenset(),
        max_body_bytes: int = 256 * 1024,
        long_bodies: Mapping[str, int] | None = None,
        admits: Callable[[str, str, str], bool] = lambda *_: False,
        body_seconds: float = BODY_SECONDS,
        failures_per_minute: int = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._port = port if callable(port) else lambda: port
        self._extra_origins = origins.exact_origins(allowed_origins)
        self._open_paths = frozenset(open_paths)
        self._tokenless_paths = frozenset(tokenless_paths)
        self._max_body_bytes = max_body_bytes
        self._long_bodies = dict(long_bodies or {})
        self._admits = admits
        self._body_seconds = body_seconds
        self._tokens = TokenCheck(
            token if callable(token) else lambda: token, failures=failures_per_minute, clock=clock
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; WebSockets are closed."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        began = time.perf_counter()
        incoming = body.Incoming(receive)
        headers = Headers(scope=scope)
        allowed = origins.allowed_origins(self._port(), self._extra_origins)
        answer = _Answer(send, origins.page_origin(headers, allowed))
        scope["state"] = {**scope.get("state", {}), "request_id": answer.request_id}
        try:
            await self._serve(scope, incoming, headers, answer)
        except Refused as refused:
            if body.is_long(headers, max_bytes=self._most_bytes(scope)):
                # Else the server would take in the whole body before the connection's next request.
                refused.headers["connection"] = "close"
            closes = refused.headers.get("connection") == "close"
            sending = body.lingering(answer.send, incoming) if closes else answer.send
            document = problem(refused.status, refused.slug, refused.title, refused.detail, answer.request_id)
            await respond(document, refused.headers, path=scope["path"])(scope, receive, sending)
        except ClientDisconnect:
            pass
        except Exception as error:
            # Starlette raises an error again after its handler answered it; that one was logged there.
            if answer.status is None:
                document = problem_of(error, answer.request_id)
                await respond(document, path=scope["path"])(scope, receive, answer.send)
            elif not answer.complete:
                log_unforeseen(error, answer.request_id)
        finally:
            milliseconds = (time.perf_counter() - began) * 1000
            _access_log.info(
                "%s %s %s %.1f ms %s",
                scope["method"],
                _logged_path(scope),
                answer.status or "-",
                milliseconds,
                answer.request_id,
            )

    async def _serve(self, scope: Scope, receive: Receive, headers: Headers, answer: _Answer) -> None:
        """Pass the request on to the app, or raise Refused."""
        method = scope["method"]
        is_open = method in {"GET", "HEAD"} and scope["path"] in self._open_paths
        _check_request_line_and_size(scope)
        origins.check_host(headers, self._port())
        origins.check_page(headers, answer.origin, is_open=is_open)
        if method not in {"GET", "POST", "DELETE", "OPTIONS"} and not is_open:
            raise Refused(
                405,
                "method-not-allowed",
                "Method not allowed",
                f"The methods are {origins.METHODS}.",
                headers={"allow": f"{origins.METHODS}, OPTIONS"},
            )
        if method == "OPTIONS" and answer.origin is not None:
            preflight = Response(status_code=204, headers=origins.preflight_headers(headers))
            await preflight(scope, receive, answer.send)
            return
        if not is_open and scope["path"] not in self._tokenless_paths:
            self._tokens.check(
                headers.getlist("authorization"), also=lambda token: self._admits(token, method, scope["path"])
            )
        most = self._most_bytes(scope)
        body.check_head(headers, max_bytes=most)
        if body.has_body(headers):
            content = await body.read(receive, max_bytes=most, seconds=self._body_seconds)
            receive = body.replay(content, receive)
        await self._app(scope, receive, answer.send)

    def _most_bytes(self, scope: Scope) -> int:
        return self._long_bodies.get(scope["path"], self._max_body_bytes)


def _check_request_line_and_size(scope: Scope) -> None:
    if not scope["path"].startswith("/"):
        raise Refused(
            400,
            "bad-request",
            "The request cannot be read",
            "The request line must name a path, not a whole address.",
        )
    sizes = [len(name) + len(value) for name, value in scope["headers"]]
    if len(sizes) > MAX_HEADERS or sum(sizes) > MAX_HEADER_BYTES:
        raise Refused(
            431,
            "headers-too-large",
            "The request has too many headers",
            f"At most {MAX_HEADERS} headers with {MAX_HEADER_BYTES:,} bytes together.",
        )


def _logged_path(scope: Scope) -> str:
    """The route's template, which has a placeholder for a note's path; where no route was looked for or found, the
    path as far as it can be one of ours, for what follows may be anything."""
    template = getattr(scope.get("route"), "path", None)
    if isinstance(template, str):
        return template
    beginning = _BEGINNING.match(scope["path"])
    known = beginning.group() if beginning else ""
    return known if known == scope["path"] else f"{known}/…"
