"""Ports on 127.0.0.1: who has one, and which is still to be had."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Collection

from vaultbot.config import ServerSettings
from vaultbot.config_reader import header
from vaultbot.errors import PortInUse, VaultbotError
from vaultbot.states import holder_of

_USUAL: int = ServerSettings().port
_FIRST_FOR_ALL = 1024  #: the ports below are for root, unless the system is told otherwise


def free_port(*, but: Collection[int] = ()) -> int:
    """The first port above vaultbot's usual one that nobody listens on and that is not kept for another vault."""
    return next(port for port in range(_USUAL + 1, 65536) if port not in but and _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def no_port(port: int, error: OSError, *, name: str | None) -> VaultbotError:
    """Why nobody can listen on the port, and what to do about it for the vault that the settings call `name`."""
    # Windows says so of a port that another program keeps to itself.
    if error.errno == errno.EADDRINUSE or (sys.platform == "win32" and error.errno == errno.EACCES):
        return PortInUse(_taken(port, name))
    if error.errno == errno.EADDRNOTAVAIL:
        return VaultbotError(
            "this machine has no address 127.0.0.1 now; switch its loopback interface on, with: ip link set lo up"
        )
    choose = "choose another with --port or [server] port (0 takes a free one)"
    if error.errno in (errno.EACCES, errno.EPERM):
        if port < _FIRST_FOR_ALL:
            choose = f"choose one from {_FIRST_FOR_ALL} on with --port or [server] port (0 takes a free one)"
            return VaultbotError(f"port {port} is kept for the system's own services, and you may not use it; {choose}")
        return VaultbotError(f"the system does not let you use port {port}; {choose}")
    return VaultbotError(f"port {port} cannot be used: {error.strerror or error}; {choose}")


def _taken(port: int, name: str | None) -> str:
    """That a port is taken, by whom, and what to do about it for the vault that the settings call `name`."""
    other = holder_of(port)
    if other is None:
        return (
            f"port {port} is used by another program; choose another with --port or [server] port (0 takes a free one)"
        )
    vault = f"{other.name}, {other.vault}" if other.name else other.vault
    if name is None:
        own = "choose another with --port, or name this vault, which gives it a port: vaultbot vaults add NAME FOLDER"
    else:
        own = f"give this one its own in the settings: {header('vaults', name, 'server')} port = {free_port()}"
    return f"port {port} is used by the daemon of another vault ({vault}); {own}"
