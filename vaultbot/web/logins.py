"""How a browser is let in: `vaultbot open` gets a one-time code, and the page changes it for a token of its own.

The daemon's token never reaches the browser. A page's token reads and asks and cannot write into the vault, and it ends
with the daemon. Nothing of this is kept on disk.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from vaultbot.errors import CodeRefused, RateLimited

CODE_SECONDS = 60.0
_MOST_CODES = 16  #: that wait to be used; the oldest give way
_MOST_PAGES = 32  #: with a token at a time
_FAILURES = 10
_WINDOW_SECONDS = 60.0
#: What a page may do besides reading.
_MAY_POST = frozenset({"/api/ask", "/api/index"})


@dataclass(slots=True)
class _Code:
    until: float
    page: bytes | None = None  #: the digest of the token that it was changed for


class Logins:
    """Codes that wait to be used, and the tokens of pages. Safe to use from several threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: dict[bytes, _Code] = {}  # the oldest first
        self._pages: dict[bytes, None] = {}  # digests of tokens, the oldest first
        self._failed: deque[float] = deque(maxlen=_FAILURES)

    def make_code(self) -> str:
        """A code that lets one page in, within a minute."""
        code = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._codes = {key: one for key, one in self._codes.items() if one.until > now}
            while len(self._codes) >= _MOST_CODES:
                del self._codes[next(iter(self._codes))]
            self._codes[_digest(code)] = _Code(now + CODE_SECONDS)
        return code

    def change(self, code: str) -> str:
        """The token of a page, for its code. Raises CodeRefused, and RateLimited for whoever guesses.

        A code that comes a second time was seen by somebody who should not have it. Nobody can tell who was first, so
        the page that it let in is shut out, too.
        """
        with self._lock:
            known = self._codes.get(_digest(code))
            now = self._clock()
            if known is None or known.until <= now:
                self._count_failure(now)
                raise CodeRefused("this code is not known, or older than a minute; run: vaultbot open")
            if known.page is not None:
                self._pages.pop(known.page, None)
                raise CodeRefused("this code was used twice, so it lets nobody in any more; run: vaultbot open")
            token = secrets.token_urlsafe(32)
            known.page = _digest(token)
            while len(self._pages) >= _MOST_PAGES:
                del self._pages[next(iter(self._pages))]
            self._pages[known.page] = None
            return token

    def shut_out(self) -> None:
        """Let in nobody any more who was, nor who has a code."""
        with self._lock:
            self._codes.clear()
            self._pages.clear()

    def admits(self, token: str, method: str, path: str) -> bool:
        """Whether this is the token of a page, and the request one that a page may send."""
        if not path.startswith("/api/") or not (method == "GET" or (method == "POST" and path in _MAY_POST)):
            return False
        # By its digest: how long it takes to look one up tells nothing about the token.
        return _digest(token) in self._pages

    def _count_failure(self, now: float) -> None:
        if len(self._failed) == self._failed.maxlen and (left := self._failed[0] + _WINDOW_SECONDS - now) > 0:
            raise RateLimited("too many wrong codes; wait a little, then run: vaultbot open", retry_after_s=left)
        self._failed.append(now)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
