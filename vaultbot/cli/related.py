"""`vaultbot related`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import typer

from vaultbot.cli.filters import After, Before, InPath, On, Tag
from vaultbot.cli.render import print_json
from vaultbot.cli.render_vault import print_related
from vaultbot.cli.session import NoStart, Session


def related(
    session: Session,
    note: Annotated[str, typer.Argument(help="The note's path within the vault, its name or an alias.")],
    tag: Tag = None,
    path: InPath = None,
    before: Before = None,
    after: After = None,
    on: On = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, max=50, help="Notes to show.")] = None,
    no_start: NoStart = False,
) -> None:
    """Find notes close to a note and not linked with it.

    Each says why: passages that are close, shared tags, links and rare words.
    """
    client = session.client(start=not no_start, until_indexed=True)
    given = {"path": note, "limit": limit, "tag": tag, "in_path": path, "before": before, "after": after, "on": on}
    asked = urlencode({name: value for name, value in given.items() if value is not None}, doseq=True, errors="replace")
    page = client.get(f"/api/related?{asked}")
    if session.json:
        print_json(page)
    else:
        print_related(page)
