"""How much is done at once and in a minute: enough for every person and script, too little for a program run wild.

Who waits for one answer before asking for the next is never held up, for the answers themselves set the pace. What is
counted is what comes while others of its kind are still being worked on.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vaultbot.api.errors import refusal
from vaultbot.errors import RateLimited

#: At a time; one more is told to come back.
STREAMS = 16
CONNECTIONS = 256
#: A stream of an answer is cut after so long, one that shows how indexing goes lives as long as its reader.
STREAM_SECONDS = 600.0
#: A head of a request, a body, the silence of a kept connection, and a reader that takes nothing.
HEAD_SECONDS = 5.0
BODY_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 5
STALL_SECONDS = 30.0
HEARTBEAT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Kind:
    """Requests that cost alike. Counted are those that come while `at_ease` to `full` others are worked on."""

    name: str
    a_minute: int
    at_ease: int
    full: float = math.inf  #: from here on the route itself says that there is no room


#: One is answered and eight wait (`answering/queue.py`).
ASK = Kind("questions", 30, at_ease=2, full=9)
#: As fast as somebody types.
SEARCH = Kind("searches", 300, at_ease=2)
#: A look through the vault costs little and joins one under way, so that only a program asks for this many.
LOOK = Kind("looks through the vault", 30, at_ease=0)

_KINDS = {
    ("POST", "/api/ask"): ASK,
    ("POST", "/api/title"): ASK,
    ("POST", "/v1/chat/completions"): ASK,
    ("POST", "/api/chat"): ASK,
    ("POST", "/api/generate"): ASK,
    ("GET", "/api/search"): SEARCH,
    ("GET", "/api/related"): SEARCH,
    ("GET", "/api/suggestions"): SEARCH,
    ("GET", "/api/report"): SEARCH,
    ("POST", "/v1/embeddings"): SEARCH,
    ("POST", "/api/embed"): SEARCH,
    ("POST", "/api/embeddings"): SEARCH,
    ("POST", "/api/index"): LOOK,
}


class Rate:
    """So many in a minute, as many at once as a whole minute has, then one after the other as the minute goes."""

    def __init__(self, a_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._each_s = 60 / a_minute
        self._clock = clock
        self._used_up_to = -math.inf

    def take(self) -> float:
        """Count one: 0.0, or the seconds until there is room for it, and nothing is counted."""
        now = self._clock()
        used_up_to = max(self._used_up_to, now) + self._each_s
        if (too_far := used_up_to - now - 60) > 1e-6:
            return too_far
        self._used_up_to = used_up_to
        return 0.0


class Limits:
    """ASGI middleware between the guard and the routes, for callers that have been let in.

    The places for streams are left in `scope["state"]["streams"]`.
    """

    def __init__(self, app: ASGIApp, *, streams: int = STREAMS, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._rates = {kind: Rate(kind.a_minute, clock=clock) for kind in set(_KINDS.values())}
        self._under_way = dict.fromkeys(self._rates, 0)
        self._streams = threading.BoundedSemaphore(streams)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that there have been too many."""
        scope["state"] = {**scope.get("state", {}), "streams": self._streams}
        kind = _KINDS.get((scope["method"], scope["path"]))
        if kind is None:
            await self._app(scope, receive, send)
            return
        if kind.at_ease <= self._under_way[kind] < kind.full and (left_s := self._rates[kind].take()):
            await self._refuse(kind, left_s, scope, receive, send)
            return
        await self._counted(kind, scope, receive, send)

    async def _refuse(self, kind: Kind, left_s: float, scope: Scope, receive: Receive, send: Send) -> None:
        told = f"more than {kind.a_minute} {kind.name} in a minute, at once; wait for each before the next"
        error = RateLimited(told, retry_after_s=left_s)
        await refusal(error, scope)(scope, receive, send)

    async def _counted(self, kind: Kind, scope: Scope, receive: Receive, send: Send) -> None:
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._under_way[kind] -= 1

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                end()  # Before the client hears of it: its next request must not find this one under way.
            await send(message)

        self._under_way[kind] += 1
        try:
            await self._app(scope, receive, sending)
        finally:
            end()
