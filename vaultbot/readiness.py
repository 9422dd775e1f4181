"""Tells the service manager that started the daemon how it is: systemd's notification protocol, a line in a datagram.

Without a manager that listens ($NOTIFY_SOCKET) nothing is sent. Other managers ask for nothing of the kind.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

_MORE_TIME_S = 60  #: asked for again and again while the index is opened or made for the first time


class Readiness:
    """One daemon's word to its manager.

    The variables are taken out of the environment, so that no child process speaks in the daemon's name.
    """

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        address = environ.pop("NOTIFY_SOCKET", "")
        watched = environ.pop("WATCHDOG_USEC", "")
        watched_pid = environ.pop("WATCHDOG_PID", str(os.getpid()))
        known = hasattr(socket, "AF_UNIX") and address.startswith(("/", "@"))
        # "@" stands for the zero byte of an address that is no file (Linux).
        self._address = address.replace("@", "\0", 1) if address.startswith("@") else address
        self._watched = watched.isdigit() and watched_pid == str(os.getpid())
        self._ready = False
        self._status = ""
        self.wanted = known  #: whether anybody listens

    @property
    def ready(self) -> bool:
        """Whether the manager was told that questions can be answered."""
        return self._ready

    def tell(self, status: str, *, ready: bool) -> None:
        """How the daemon is, in words; to be called again every few seconds, for as long as it is well.

        `ready` once is ready for good. Until then more time is asked for.
        """
        lines = []
        if ready and not self._ready:
            self._ready = True
            lines.append("READY=1")
        if not self._ready:
            lines.append(f"EXTEND_TIMEOUT_USEC={_MORE_TIME_S * 1_000_000}")
        if status != self._status:
            self._status = status
            lines.append(f"STATUS={' '.join(status.split())}")
        if self._watched:
            lines.append("WATCHDOG=1")
        self._send(lines)

    def stopping(self) -> None:
        """The daemon is on its way out, and means to."""
        self._send(["STOPPING=1"])

    def _send(self, lines: list[str]) -> None:
        if not self.wanted or not lines:
            return
        # The manager may be gone, or too busy to read; the daemon's work does not depend on it.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1)
            sender.sendto("\n".join(lines).encode(errors="replace"), self._address)
