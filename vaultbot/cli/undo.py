"""`vaultbot undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultbot.cli.render import print_json
from vaultbot.cli.render_suggestions import print_undone
from vaultbot.cli.session import NoStart, Session


def undo(
    session: Session,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]", help="Which run; see: vaultbot suggest-links --history. Default: the last one."
        ),
    ] = None,
    no_start: NoStart = False,
) -> None:
    """Put notes back as they were before.

    What vaultbot wrote into them is undone byte for byte, with permissions and times. A note that was changed since is
    left alone, with exit code 1.
    """
    client = session.client(start=not no_start, until_indexed=False)
    undone = client.post("/api/undo", {"run": run})
    if session.json:
        print_json(undone)
    else:
        print_undone(undone)
    if undone["refused"]:
        raise typer.Exit(1)
