"""`vaultbot index`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Any

from vaultbot.cli.progress import show_progress
from vaultbot.cli.render import print_json, print_report
from vaultbot.cli.session import NoStart, Session
from vaultbot.client import Client

_LOOK_S = 0.2


def index(session: Session, no_start: NoStart = False) -> None:
    """Bring the index up to date with the vault now."""
    client = session.client(start=not no_start, until_indexed=False)
    report = _indexed(session, client)
    if session.json:
        print_json(report)
    else:
        print_report(report)


def _indexed(session: Session, client: Client) -> dict[str, Any]:
    """Ask for a run and show its progress until the report comes."""
    if client.get("/api/status")["last_index"] is None:
        # The daemon's first look through the vault is the run that was asked for.
        session.wait_for_index(client)
        first: dict[str, Any] | None = client.get("/api/status")["last_index"]
        if first is not None:
            return first
    report: Future[dict[str, Any]] = Future()

    def ask() -> None:
        try:
            report.set_result(client.post("/api/index", {"wait": True}))
        except Exception as error:
            report.set_exception(error)

    # A daemon thread: Ctrl-C does not wait for it.
    threading.Thread(target=ask, daemon=True).start()
    show_progress(_states(client, report))
    return report.result()


def _states(client: Client, report: Future[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    while not report.done():
        try:
            report.exception(_LOOK_S)
        except Late:
            yield client.get("/api/status")
