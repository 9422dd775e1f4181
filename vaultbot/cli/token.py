"""`vaultbot token`: what lets programs in, and how to change it."""

from __future__ import annotations

from vaultbot.cli.render import print_json
from vaultbot.cli.session import Session
from vaultbot.client import find
from vaultbot.runtime import hold_lock, renew_token

HELP = "The token that lets programs in. Without a further word: which file it is in."


def token(session: Session) -> None:
    """Tell which file the token is in."""
    if session.json:
        print_json({"token_file": str(session.state.token)})
    else:
        print(session.state.token)


def rotate(session: Session) -> None:
    """Change the token.

    The one before is good for nothing from now on, and pages in the browser are shut out. Programs that read the file
    go on; those that hold a copy need the new one.
    """
    client = find(session.state)
    if client is not None:
        client.post("/api/token/rotate", {})
    else:
        session.state.create()
        with hold_lock(session.state):
            renew_token(session.state)
    if session.json:
        print_json({"token_file": str(session.state.token), "rotated": True})
    else:
        print(f"a new token is in {session.state.token}")
        print("programs that hold a copy of the one before need it; pages in the browser are let in by: vaultbot open")


COMMANDS = {"rotate": rotate}
