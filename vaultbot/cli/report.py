"""`vaultbot report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vaultbot.cli.progress import Waiting
from vaultbot.cli.render import print_json
from vaultbot.cli.session import NoStart, Session
from vaultbot.errors import InvalidRequest
from vaultbot.paths import absolute


def report(
    session: Session,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a web page with a map of the vault, outside of the vault."),
    ] = None,
    no_start: NoStart = False,
) -> None:
    """Show what the links of the whole vault look like. Nothing is changed."""
    if html is not None and session.json:
        raise InvalidRequest("leave one of the two out, --html or --json")
    file = absolute(html) if html is not None else None
    if file is not None:
        from vaultbot.cli.report_page import check_place

        check_place(file, session.root)
    client = session.client(start=not no_start, until_indexed=True)
    with Waiting("looking at the links of the whole vault"):
        page = client.get("/api/report")
    if session.json:
        print_json(page)
    elif file is None:
        from vaultbot.cli.render_report import print_report

        print_report(page, verbose=session.verbose)
    else:
        from vaultbot.cli.report_page import html_page, write_page

        write_page(file, html_page(page))
        print(f"wrote {file}; open it in a browser")
