"""`vaultbot index`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from vaultbot.cli.render import print_json, print_report
from vaultbot.cli.session import NoStart, Session
from vaultbot.client import Client


def index(session: Session, no_start: NoStart = False) -> None:
    """Bring the index up to date with the vault now; a running daemon also does it by itself."""
    client = session.client(start=not no_start, until_indexed=False)
    report = _indexed(session, client)
    if session.json:
        print_json(report)
    else:
        print_report(report)


def _indexed(session: Session, client: Client) -> dict[str, Any]:
    """Ask for a run and show its progress until the report comes."""
    from vaultbot.cli.progress import show_progress

    first = client.get("/api/status")["last_index"] is None
    result: list[dict[str, Any]] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            result.append(client.post("/api/index", {"wait": True}))
        except BaseException as error:
            errors.append(error)

    asking = threading.Thread(target=run, daemon=True)

    def states() -> Iterator[dict[str, Any]]:
        with closing(client.events("GET", "/api/events")) as events:
            for _, state in events:
                yield state
                if not asking.is_alive():
                    return

    if first:
        # The daemon's first look through the vault is the run that was asked for.
        session.wait_for_index(client)
        started = client.get("/api/status")["last_index"]
        if started is not None:
            return dict(started)
    asking.start()
    show_progress(states())
    asking.join()
    if errors:
        raise errors[0]
    return result[0]
