"""`vaultbot search`."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

import typer

from vaultbot.cli.filters import After, Before, InPath, On, Tag
from vaultbot.cli.render import print_json, print_search
from vaultbot.cli.session import NoStart, Session

_PATIENCE_S = 2.0  #: most daemons have looked through the vault by then


def search(
    session: Session,
    query: Annotated[
        str, typer.Argument(help="What to look for: words, a phrase or a question; may hold filters.")
    ] = "",
    tag: Tag = None,
    path: InPath = None,
    before: Before = None,
    after: After = None,
    on: On = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, max=50, help="Hits to show.")] = None,
    mode: Annotated[
        Literal["hybrid", "lexical", "dense"],
        typer.Option("--mode", help="By words and meaning together (hybrid), or by one of them alone."),
    ] = "hybrid",
    explain: Annotated[bool, typer.Option("--explain", help="Show what speaks for each hit.")] = False,
    no_start: NoStart = False,
) -> None:
    """Find passages by words and by meaning.

    With filters alone, list the notes they leave, the newest first.
    """
    # An index of earlier answers by words, while a model that is loaded for the first time takes half a minute.
    patience_s = None if mode == "dense" else _PATIENCE_S
    client = session.client(start=not no_start, until_indexed=True, at_most_s=patience_s)
    given = {
        "q": query,
        "mode": mode,
        "explain": explain or None,
        "limit": limit,
        "tag": tag,
        "path": path,
        "before": before,
        "after": after,
        "on": on,
    }
    asked = urlencode({name: value for name, value in given.items() if value is not None}, doseq=True, errors="replace")
    result = client.get(f"/api/search?{asked}")
    if session.json:
        print_json(result)
    else:
        print_search(result)
