"""Streams: a blocking iterator told to a client bit by bit, until it ends or the client leaves.

Starlette too would run the iterator in a thread, but does not close it when the client leaves: the model
would go on writing for nobody. So the thread, the buffer and the end are managed here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vaultbot.api.errors import refusal, request_id
from vaultbot.api.limits import HEARTBEAT_SECONDS, STALL_SECONDS
from vaultbot.api.problems import problem_of
from vaultbot.errors import QueueFull, TookTooLong

BUFFERED_EVENTS = 64
HEARTBEAT = b": still here\n\n"

T = TypeVar("T")


def event(name: str, data: object) -> bytes:
    """One whole event, with `data` as JSON on a single line.

    Raises ValueError for a name of more than one line and for NaN, TypeError for what JSON cannot hold.
    """
    if not name or name.splitlines() != [name]:
        raise ValueError("an event's name is one line")
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # File names may hold half of a surrogate pair, which UTF-8 has no bytes for.
    return f"event: {name}\ndata: {text}\n\n".encode(errors="replace")


class FrameStream(Response, Generic[T]):
    """An answer of what `items` gives, each put into bytes by `frame` and drawn in a thread of its own.

    Every frame is written whole. At most `BUFFERED_EVENTS` wait for the client; then the iterator waits too. When the
    client leaves, reads nothing for `stall_seconds`, or has read for `longest_seconds`, `on_disconnect` is called at
    once. It must not block, for it runs on the event loop, and should bring the iterator's present step to an end: only
    after that can the iterator be closed. An exception from the iterator becomes a last frame, made by `failure` of it
    and the request's id. In silence a `heartbeat` is sent. Where `scope["state"]["streams"]` has no place left, the
    answer is that there are too many.
    """

    def __init__(
        self,
        items: Iterator[T],
        *,
        frame: Callable[[T], bytes],
        failure: Callable[[Exception, str], bytes],
        heartbeat: bytes,
        media_type: str,
        on_disconnect: Callable[[], None],
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        stall_seconds: float = STALL_SECONDS,
        longest_seconds: float | None = None,
    ) -> None:
        super().__init__(headers={"x-accel-buffering": "no"}, media_type=media_type)
        del self.headers["content-length"]
        self._items = items
        self._frame = frame
        self._failure = failure
        self._heartbeat = heartbeat
        self._on_disconnect = on_disconnect
        self._heartbeat_seconds = heartbeat_seconds
        self._stall_seconds = stall_seconds
        self._longest_seconds = longest_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell the events until they end or the client leaves."""
        places: threading.BoundedSemaphore | None = scope.get("state", {}).get("streams")
        if places is None:
            await self._stream(scope, receive, send)
        elif places.acquire(blocking=False):
            try:
                await self._stream(scope, receive, send)
            finally:
                places.release()
        else:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._on_disconnect()
        await asyncio.to_thread(self._end_unread)
        error = QueueFull("as many streams are open as may be; close one that nobody reads", retry_after_s=5)
        await refusal(error, scope)(scope, receive, send)

    def _end_unread(self) -> None:
        with contextlib.suppress(Exception):
            next(self._items, None)  # What never began has nothing to end, and would keep its place.
        if close := getattr(self._items, "close", None):
            close()

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        instance = request_id(scope)
        source = _Source(self._items, self._frame, lambda error: self._failure(error, instance))
        source.start()
        telling = asyncio.ensure_future(self._tell(source, send))
        leaving = asyncio.ensure_future(_left(receive))
        told = False
        try:
            ways = {telling, leaving}
            ended, _ = await asyncio.wait(ways, timeout=self._longest_seconds, return_when=asyncio.FIRST_COMPLETED)
            if not ended:
                await self._cut(telling, send, instance)
            elif telling.done():
                # OSError and its child TimeoutError: the client is gone, or reads no more.
                with contextlib.suppress(OSError):
                    telling.result()
                    told = True
        finally:
            source.stop()
            if not told:
                self._on_disconnect()
            telling.cancel()
            leaving.cancel()
            await asyncio.gather(telling, leaving, return_exceptions=True)

    async def _cut(self, telling: asyncio.Future[None], send: Send, instance: str) -> None:
        """End a stream that has gone on for too long, with the reason as its last frame."""
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        error = TookTooLong("the answer took too long and was cut off; ask for less, or take a smaller model")
        with contextlib.suppress(OSError):
            await self._put(send, self._failure(error, instance), more=True)
            await self._put(send, b"", more=False)

    async def _put(self, send: Send, frame: bytes, *, more: bool) -> None:
        async with asyncio.timeout(self._stall_seconds):
            await send({"type": "http.response.body", "body": frame, "more_body": more})

    async def _tell(self, source: _Source[T], send: Send) -> None:
        async with asyncio.timeout(self._stall_seconds):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while True:
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    frame = await source.next()
            except TimeoutError:
                frame = self._heartbeat
            await self._put(send, frame or b"", more=frame is not None)
            if frame is None:
                return


class EventStream(FrameStream[tuple[str, object]]):
    """An answer of (name, data) server-sent events; a failure is the last one, "error", with the problem document."""

    def __init__(
        self,
        events: Iterator[tuple[str, object]],
        *,
        on_disconnect: Callable[[], None],
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        stall_seconds: float = STALL_SECONDS,
        longest_seconds: float | None = None,
    ) -> None:
        super().__init__(
            events,
            frame=lambda named: event(*named),
            failure=lambda error, instance: event("error", problem_of(error, instance)),
            heartbeat=HEARTBEAT,
            media_type="text/event-stream",
            on_disconnect=on_disconnect,
            heartbeat_seconds=heartbeat_seconds,
            stall_seconds=stall_seconds,
            longest_seconds=longest_seconds,
        )


class _Source(Generic[T]):
    """The thread that draws the items, and the frames that wait to be told."""

    def __init__(self, items: Iterator[T], frame: Callable[[T], bytes], failure: Callable[[Exception], bytes]) -> None:
        self._items = items
        self._frame = frame
        self._failure = failure
        self._loop = asyncio.get_running_loop()
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(BUFFERED_EVENTS)
        self._stopped = threading.Event()

    def start(self) -> None:
        # A daemon thread: an iterator that hangs must not keep the process from ending.
        threading.Thread(target=self._draw, name="vaultbot-events", daemon=True).start()

    def stop(self) -> None:
        """Have the thread close the iterator after its present step."""
        self._stopped.set()
        self._room.release()

    async def next(self) -> bytes | None:
        """The next frame; None after the last."""
        frame = await self._frames.get()
        self._room.release()
        return frame

    def _draw(self) -> None:
        try:
            try:
                while self._goes_on():
                    try:
                        item = next(self._items)
                    except StopIteration:
                        break
                    self._put(self._frame(item))
            finally:
                if close := getattr(self._items, "close", None):
                    close()
        except Exception as error:
            self._put(self._failure(error))
        finally:
            self._put(None)

    def _goes_on(self) -> bool:
        self._room.acquire()
        return not self._stopped.is_set()

    def _put(self, frame: bytes | None) -> None:
        # When the server has ended meanwhile the loop is closed, and nobody is left to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._frames.put_nowait, frame)


async def _left(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
