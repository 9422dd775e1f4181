"""What a request carries: JSON of limited length and depth, within a limited time."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Send

from vaultbot.api.problems import Refused

MAX_DEPTH = 32

_LENGTH = re.compile("[0-9]{1,18}")
# A text is one piece, closed or not: what is in it does not count, and no start is tried twice.
_PIECE = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]|NaN|Infinity', re.DOTALL)
_LINGER_SECONDS, _LINGER_BYTES = 2.0, 32 << 20
# After these the rest of the body is still on its way, and must not be taken for the next request.
_CLOSE = {"connection": "close"}


def has_body(headers: Headers) -> bool:
    """Whether a body follows."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def is_long(headers: Headers, *, max_bytes: int) -> bool:
    """Whether a body follows that is longer than allowed, or does not say how long it is."""
    length = headers.get("content-length", "0")
    return "transfer-encoding" in headers or not _LENGTH.fullmatch(length) or int(length) > max_bytes


def check_head(headers: Headers, *, max_bytes: int) -> None:
    """Refuse a body by what the headers say of it, before any of it is read."""
    lengths = headers.getlist("content-length")
    if len(lengths) + ("transfer-encoding" in headers) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        raise Refused(
            400,
            "bad-request",
            "The request cannot be read",
            "It must say the length of its body once, as a number.",
            headers=_CLOSE,
        )
    if lengths and int(lengths[0]) > max_bytes:
        raise _too_large(max_bytes)
    kinds = [kind.split(";")[0].strip().lower() for kind in headers.getlist("content-type")]
    if has_body(headers) and kinds != ["application/json"]:
        raise Refused(
            415,
            "unsupported-media",
            "Only JSON is understood",
            "Send the body as JSON, with the header Content-Type: application/json.",
        )


async def read(receive: Receive, *, max_bytes: int, seconds: float) -> bytes:
    """The whole body, counted while it arrives.

    Raises Refused when it is too long, too slow, too deep or has numbers without end, and ClientDisconnect when the
    client leaves.
    """
    try:
        async with asyncio.timeout(seconds):
            body = await _read(receive, max_bytes)
    except TimeoutError:
        raise Refused(
            408,
            "too-slow",
            "The request took too long",
            f"The whole body must arrive within {seconds:g} seconds.",
            headers=_CLOSE,
        ) from None
    if wrong := _wrong_with(body):
        raise Refused(422, "invalid-request", "The request is not valid", wrong)
    return body


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out the body once; what follows is the client's leaving."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return left.pop() if left else await receive()

    return receive_again


class Incoming:
    """A `receive` that knows whether the whole body has come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def __call__(self) -> Message:
        message = await self._receive()
        self.ended = not message.get("more_body", False)
        return message


def lingering(send: Send, receive: Incoming) -> Send:
    """A `send` for an answer after which the connection is closed: before its end the rest of the body is thrown away.

    A client that is still sending when the connection is closed loses the answer, and never hears what was wrong.
    """

    async def send_then_wait(message: Message) -> None:
        if message["type"] != "http.response.body" or message.get("more_body", False):
            await send(message)
            return
        await send({**message, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                await _throw_away(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_then_wait


async def _throw_away(receive: Incoming) -> None:
    length = 0
    while not receive.ended and length < _LINGER_BYTES:
        length += len((await receive()).get("body", b""))


async def _read(receive: Receive, max_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body", False):
            return bytes(body)


def _wrong_with(body: bytes) -> str | None:
    """What JSON does not allow and Python's reader does, or what is nested too deep for it."""
    depth = 0
    for piece in _PIECE.finditer(body):
        match piece[0]:
            case b"[" | b"{":
                depth += 1
                if depth > MAX_DEPTH:
                    return f"Lists and objects may be nested at most {MAX_DEPTH} deep."
            case b"]" | b"}":
                depth -= 1
            case b"NaN" | b"Infinity":
                return "A number must be finite."
    return None


def _too_large(max_bytes: int) -> Refused:
    detail = f"A body may have at most {max_bytes:,} bytes."
    return Refused(413, "too-large", "The request is too large", detail, headers=_CLOSE)
