"""The filters that `ask`, `search` and `related` take as options."""

from __future__ import annotations

from typing import Annotated

import typer

Tag = Annotated[
    list[str] | None,
    typer.Option("--tag", help="Only notes with this tag or one below it; several times: with all of them."),
]
InPath = Annotated[str | None, typer.Option("--path", help="Only notes whose path has this in it, like Daily/.")]
Before = Annotated[
    str | None, typer.Option("--before", help="Only notes dated before this day, month or year: 2026-05-12, yesterday.")
]
After = Annotated[str | None, typer.Option("--after", help="Only notes dated after it.")]
On = Annotated[str | None, typer.Option("--on", help="Only notes dated on that day, or in that month or year.")]
