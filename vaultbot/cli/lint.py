"""`vaultbot lint`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import typer

from vaultbot.cli.render import print_json
from vaultbot.cli.render_vault import print_lint
from vaultbot.cli.session import NoStart, Session


def lint(
    session: Session,
    place: Annotated[
        str | None, typer.Argument(metavar="[FOLDER_OR_NOTE]", help="Only this folder or note of the vault.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", "-k", metavar="SLUG", help="Only findings of this kind; may be repeated."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="End with exit code 1 when there are errors or warnings.")
    ] = False,
    no_start: NoStart = False,
) -> None:
    """Find what is wrong in the vault. Nothing is changed."""
    client = session.client(start=not no_start, until_indexed=True)
    asked = [("kind", one) for one in kind or ()] + ([("path", place)] if place is not None else [])
    page = client.get(f"/api/lint?{urlencode(asked, errors='replace')}")
    if session.json:
        print_json(page)
    else:
        print_lint(page, verbose=session.verbose or bool(kind))
    if check and (page["errors"] or page["warnings"]):
        raise typer.Exit(1)
