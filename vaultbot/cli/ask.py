"""`vaultbot ask`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from vaultbot.cli.filters import After, Before, InPath, On, Tag
from vaultbot.cli.render import AnswerPrinter, print_json
from vaultbot.cli.session import NoStart, Session
from vaultbot.errors import NotRunning
from vaultbot.paths import absolute


def ask(
    session: Session,
    question: Annotated[str, typer.Argument(help="A question about what your notes say; may hold filters.")],
    tag: Tag = None,
    path: InPath = None,
    before: Before = None,
    after: After = None,
    on: On = None,
    model: Annotated[Path | None, typer.Option("--model", help="A GGUF file to use for this question.")] = None,
    extract: Annotated[
        bool, typer.Option("--extract", help="Ask no model: the best sentences, in reading order.")
    ] = False,
    no_start: NoStart = False,
) -> None:
    """Answer a question from your notes, with citations."""
    client = session.client(start=not no_start, until_indexed=True)
    given = {"tag": tag, "path": path, "before": before, "after": after, "on": on}
    body: dict[str, object] = {
        "question": question,
        **{name: value for name, value in given.items() if value is not None},
    }
    if extract:
        body["extract"] = True
    if model is not None:
        body["model"] = str(absolute(model))
    if session.json:
        print_json(client.post("/api/ask", body))
        return
    name = ""
    with closing(AnswerPrinter(verbose=session.verbose)) as printer:
        for name, data in client.events("POST", "/api/ask", {**body, "stream": True}):
            printer.show(name, data)
    if name != "done":
        raise NotRunning("the daemon broke off in the middle of the answer; ask again, or see: vaultbot status")
