"""The daemon's door: its token, and who listens on its port."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
from typing import Literal, TypeAlias

from vaultbot.doctor.check import REPAIR, Check
from vaultbot.errors import VaultbotError
from vaultbot.paths import StatePaths
from vaultbot.runtime import read_token

_TOKEN, _PORT = "token", "port"
Listener: TypeAlias = Literal["nobody", "vaultbot", "another program"]
_SECONDS = 2.0


def token(state: StatePaths) -> Check:
    """Whether clients can read it, and others cannot."""
    if not os.path.lexists(state.token):
        return Check(_TOKEN, "ok", "there is none yet; the first start makes it")
    try:
        read_token(state)
    except VaultbotError as error:
        fact, _, step = str(error).rpartition("; ")
        open_to_all = fact.startswith("others may read")
        return Check(
            _TOKEN, "problem", fact, f"{REPAIR}; or {step}" if open_to_all else step,
            "permissions" if open_to_all else None,
        )  # fmt: skip
    return Check(_TOKEN, "ok", f"{state.token}, for your eyes only")


def port(wanted: int, ours: int | None, listener: Listener) -> Check:
    """`wanted` is the setting, `ours` where this vault's daemon listens, `listener` who is at the wanted one."""
    if wanted == 0:
        return Check(_PORT, "ok", f"{ours}, a free one" if ours else "a free one is taken at each start")
    if ours == wanted:
        return Check(_PORT, "ok", f"{wanted}, this vault's daemon")
    here = f"this vault's daemon is at {ours}; " if ours else ""
    if listener == "nobody":
        return Check(_PORT, "ok", f"{here}{wanted} is free")
    who = "the daemon of another vault" if listener == "vaultbot" else "another program"
    step = "give each vault a port of its own" if listener == "vaultbot" else "end that program, or choose another port"
    return Check(_PORT, "advice", f"{here}{wanted} is taken by {who}", f"{step}: [server] port")


def who_listens(number: int) -> Listener:
    """Who is at this port of 127.0.0.1. It is told nothing."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
            probe.listen(1)
            return "nobody"
        except OSError:
            pass
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", number, timeout=_SECONDS)) as connection:
        try:
            connection.request("GET", "/health")
            answer = json.loads(connection.getresponse().read(1000))
        except (OSError, ValueError, http.client.HTTPException):
            return "another program"
    return "vaultbot" if isinstance(answer, dict) and {"status", "proof"} <= answer.keys() else "another program"
