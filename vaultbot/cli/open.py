"""`vaultbot open`: the page in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultbot.cli.opener import open_link
from vaultbot.cli.render import print_json
from vaultbot.cli.session import NoStart, Session


def open(  # noqa: A001
    session: Session,
    only_print: Annotated[bool, typer.Option("--print", help="Print the address, and open nothing.")] = False,
    no_start: NoStart = False,
) -> None:
    """Open your notes in the browser.

    The address works once, within a minute.
    """
    client = session.client(start=not no_start, until_indexed=False)
    code = client.post("/api/codes", {})
    # Behind "#", where a browser keeps it to itself: it is in no request, and so in no log.
    address = f"{client.address}/#c={code['code']}"
    if session.json:
        print_json({"address": address, "expires_s": code["expires_s"]})
    elif only_print or not open_link(address):
        if not only_print:
            session.say("no browser could be started; open this address yourself within a minute")
        print(address)
    else:
        print(f"{client.address} is open in your browser")
