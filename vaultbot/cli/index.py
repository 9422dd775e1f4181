"""`vaultbot index`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from contextlib import closing
from typing import Annotated, Any

import typer

from vaultbot.cli.progress import show_progress
from vaultbot.cli.render import print_json, print_report
from vaultbot.cli.session import NoStart, Session
from vaultbot.client import Client

_LOOK_S = 0.2


Relink = Annotated[
    bool, typer.Option("--relink", help="Take the folder that is there for the vault from now on, whatever it holds.")
]


def index(session: Session, relink: Relink = False, no_start: NoStart = False) -> None:
    """Bring the index up to date with the vault now."""
    client = session.client(start=not no_start, until_indexed=False)
    report = _indexed(session, client, relink=relink)
    if session.json:
        print_json(report)
    else:
        print_report(report)


def _indexed(session: Session, client: Client, *, relink: bool) -> dict[str, Any]:
    """Ask for a run and show its progress until the report comes."""
    status = client.get("/api/status")
    if status["last_index"] is None and not relink:
        # The daemon's first look through the vault is the run that was asked for.
        session.wait_for_index(client)
        status = client.get("/api/status")
        first: dict[str, Any] | None = status["last_index"]
        if first is not None and status["state"] != "indexing":
            return first
    if status["state"] == "indexing":  # Another embedding model may take hours to prepare.
        with closing(client.events("GET", "/api/events")) as events:
            show_progress(_until_settled(events))
    report: Future[dict[str, Any]] = Future()

    def ask() -> None:
        try:
            report.set_result(client.post("/api/index", {"wait": True, "relink": relink}))
        except Exception as error:
            report.set_exception(error)

    # A daemon thread: Ctrl-C does not wait for it.
    threading.Thread(target=ask, daemon=True).start()
    show_progress(_states(client, report))
    return report.result()


def _until_settled(events: Iterator[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    for _, state in events:
        yield state
        if state["state"] == "degraded":
            print(f"note: {state['message']}", file=sys.stderr)
        if state["state"] != "indexing":
            return


def _states(client: Client, report: Future[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    while not report.done():
        try:
            report.exception(_LOOK_S)
        except Late:
            yield client.get("/api/status")
