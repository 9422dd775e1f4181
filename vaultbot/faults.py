"""Named places where tests make things go wrong: `VAULTBOT_FAULT=point:kind:n` at the n-th time the point is passed.

Kinds: `kill` (SIGKILL, as a power button would), `raise` (an OSError), `enospc` (that of a full disk), `sleep` (a
second). Without the variable a point costs one dictionary look-up.
"""

from __future__ import annotations

import errno
import os
import signal
import time

_passed: dict[str, int] = {}


def point(name: str) -> None:
    """Pass a point; does nothing unless the environment asks for a fault exactly here."""
    wanted = os.environ.get("VAULTBOT_FAULT")
    if wanted is None:
        return
    place, kind, nth = wanted.split(":")
    if place != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] != int(nth):
        return
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "sleep":
        time.sleep(1)
    else:
        raise OSError(errno.ENOSPC if kind == "enospc" else errno.EIO, f"fault injected at {name}")
