"""Work that is done for a client as long as it waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

T = TypeVar("T")


async def unless_left(request: Request, work: Callable[[], T], cancel: threading.Event) -> T:
    """What `work` returns, done in a thread; a client that leaves sets `cancel`, which should end it soon."""
    working = asyncio.ensure_future(run_in_threadpool(work))
    try:
        while not (await asyncio.wait({working}, timeout=0.25))[0]:
            if await request.is_disconnected():
                cancel.set()
        return working.result()
    finally:
        cancel.set()
