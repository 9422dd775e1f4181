"""`vaultbot status`."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer

from vaultbot.cli.render import print_json
from vaultbot.cli.render_status import print_status
from vaultbot.cli.session import NoStart, Session
from vaultbot.client import Client

_AGAIN_S = 1.0
_CLEAR = "\033[H\033[J"


def status(
    session: Session,
    no_start: NoStart = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every second, until Ctrl-C.")] = False,
) -> None:
    """Show the vault, its index, the models and the daemon."""
    client = session.client(start=not no_start, until_indexed=False)
    if watch:
        _watch(session, client)
    elif session.json:
        print_json(client.get("/api/status"))
    else:
        print_status(client.get("/api/status"), verbose=session.verbose)


def _watch(session: Session, client: Client) -> None:
    """Until Ctrl-C, or until the daemon ends, which is told as an error. As JSON, one line each time."""
    while True:
        found = client.get("/api/status")
        if session.json:
            print(json.dumps(found, ensure_ascii=sys.stdout.encoding.lower() != "utf-8"), flush=True)
        else:
            print(_CLEAR if sys.stdout.isatty() else "", end="")
            print_status(found, verbose=session.verbose)
            print("" if not sys.stdout.isatty() else "\nCtrl-C ends", flush=True)
        time.sleep(_AGAIN_S)
