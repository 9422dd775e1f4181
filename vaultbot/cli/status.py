"""`vaultbot status`."""

from __future__ import annotations

from vaultbot.cli.render import print_json, print_status
from vaultbot.cli.session import NoStart, Session


def status(session: Session, no_start: NoStart = False) -> None:
    """Show the vault, its index, the models and the daemon."""
    result = session.client(start=not no_start, until_indexed=False).get("/api/status")
    if session.json:
        print_json(result)
    else:
        print_status(result, verbose=session.verbose)
