"""The bearer token: who may ask."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections import deque
from collections.abc import Callable, Sequence

from vaultbot.api.problems import Refused

WINDOW_SECONDS = 60.0


class TokenCheck:
    """Lets a request in by its token and slows down whoever guesses.

    Only failures are counted and only failing requests are held up, so guessing never locks the owner out.
    The count is for all callers together: on one machine an address tells nobody apart. `token` is asked each time,
    for a token may be changed.
    """

    def __init__(self, token: Callable[[], str], *, failures: int, clock: Callable[[], float] = time.monotonic) -> None:
        if not token():
            raise ValueError("the token is empty")
        self._token = token
        self._clock = clock
        self._failed: deque[float] = deque(maxlen=failures)

    def check(self, authorization: Sequence[str], *, also: Callable[[str], bool] = lambda _: False) -> None:
        """Refuse a request unless it has exactly one Authorization header, and that has the token, or one that is
        `also` right for it."""
        sent = authorization[0] if len(authorization) == 1 else ""
        scheme, _, value = sent.partition(" ")
        # Digests are of one length, so the time of the comparison tells nothing about the token's.
        right = hmac.compare_digest(_digest(value.encode("latin-1")), _digest(self._token().encode())) or also(value)
        if not (right and scheme.lower() == "bearer"):
            self._hold_up()
            raise Refused(
                401,
                "token-required",
                "A token is needed",
                ("This is not the daemon's token. " if value else "")
                + "Send it as the API key, in the header Authorization: Bearer <token>; "
                "`vaultbot status` names the file it is in.",
                headers={"www-authenticate": "Bearer"},
            )

    def _hold_up(self) -> None:
        now = self._clock()
        if len(self._failed) == self._failed.maxlen:
            left = self._failed[0] + WINDOW_SECONDS - now
            if left > 0:
                raise Refused(
                    429,
                    "rate-limited",
                    "Too many wrong tokens",
                    "Wait a little, then send the right one.",
                    headers={"retry-after": str(math.ceil(left))},
                )
        self._failed.append(now)


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
