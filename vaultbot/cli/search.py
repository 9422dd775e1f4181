"""`vaultbot search`."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultbot.cli.render import print_json, print_search
from vaultbot.cli.session import NoStart, Session


def search(
    session: Session,
    query: Annotated[str, typer.Argument(help="What to look for: words, a phrase or a question.")],
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, max=50, help="Hits to show.")] = None,
    no_start: NoStart = False,
) -> None:
    """Find passages by words and by meaning."""
    client = session.client(start=not no_start, until_indexed=True)
    result = client.get("/api/search", {"q": query, "limit": limit})
    if session.json:
        print_json(result)
    else:
        print_search(result)
