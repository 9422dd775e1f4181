"""`vaultbot suggest-links`."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultbot.cli.render import print_json, print_suggestions
from vaultbot.cli.session import NoStart, Session


def suggest_links(
    session: Session,
    note: Annotated[str, typer.Argument(help="The note's path within the vault, or its name.")],
    no_start: NoStart = False,
) -> None:
    """Show words of a note that could be links. Nothing is changed."""
    client = session.client(start=not no_start, until_indexed=True)
    result = client.get("/api/suggestions", {"path": note})
    if session.json:
        print_json(result)
    else:
        print_suggestions(result)
