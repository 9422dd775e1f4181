"""`vaultbot ask`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from vaultbot.cli.render import AnswerPrinter, print_json
from vaultbot.cli.session import NoStart, Session


def ask(
    session: Session,
    question: Annotated[str, typer.Argument(help="A question about what your notes say.")],
    model: Annotated[Path | None, typer.Option("--model", help="A GGUF file to use for this question.")] = None,
    no_start: NoStart = False,
) -> None:
    """Answer a question from your notes, with citations."""
    client = session.client(start=not no_start, until_indexed=True)
    body = {"question": question}
    if model is not None:
        body["model"] = os.path.abspath(model.expanduser())  # noqa: PTH100
    if session.json:
        print_json(client.post("/api/ask", body))
        return
    printer = AnswerPrinter(verbose=session.verbose)
    for name, data in client.events("POST", "/api/ask", {**body, "stream": True}):
        printer.show(name, data)
