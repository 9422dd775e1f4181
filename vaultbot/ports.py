"""Ports on 127.0.0.1: who has one, and which is still to be had."""

from __future__ import annotations

import socket
from collections.abc import Collection

from vaultbot.config import ServerSettings
from vaultbot.config_reader import header
from vaultbot.states import holder_of

_USUAL: int = ServerSettings().port


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


def taken(port: int, name: str | None) -> str:
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
