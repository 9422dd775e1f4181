"""`vaultbot dismissals`: suggestions that are not wanted, and how to have them again."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultbot.cli.render import print_json
from vaultbot.cli.render_suggestions import count, print_dismissals
from vaultbot.cli.session import NoStart, Session
from vaultbot.errors import InvalidRequest

HELP = "List what was dismissed, or clear it."


def list_dismissals(session: Session, no_start: NoStart = False) -> None:
    """List what was dismissed."""
    page = session.client(start=not no_start, until_indexed=False).get("/api/dismissals")
    if session.json:
        print_json(page)
    else:
        print_dismissals(page["dismissals"])


def clear(
    session: Session,
    numbers: Annotated[list[int] | None, typer.Argument(metavar="[NUMBER]...", help="As the list has them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    no_start: NoStart = False,
) -> None:
    """Suggest again what was dismissed."""
    if bool(numbers) == everything:
        raise InvalidRequest("give the numbers of dismissals, or --all; see: vaultbot dismissals list")
    client = session.client(start=not no_start, until_indexed=False)
    page = client.post("/api/dismissals/clear", {"numbers": numbers or None})
    if session.json:
        print_json(page)
    else:
        print(f"{count(page['cleared'], 'dismissal')} cleared")


COMMANDS = {"list": list_dismissals, "clear": clear}
