"""`vaultbot show`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from vaultbot.cli.render import print_json
from vaultbot.cli.render_vault import print_note
from vaultbot.cli.session import NoStart, Session


def show(
    session: Session,
    note: Annotated[str, typer.Argument(help="The note's path within the vault, its name or an alias.")],
    no_start: NoStart = False,
) -> None:
    """Show a note with its links and backlinks."""
    client = session.client(start=not no_start, until_indexed=True)
    page = client.get(f"/api/notes/{quote(note, safe='', errors='replace')}")
    if session.json:
        print_json(page)
    else:
        print_note(page, verbose=session.verbose)
