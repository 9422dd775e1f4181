"""Asking before something is done that cannot be taken back by reading again."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vaultbot.errors import InvalidRequest, VaultbotError

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def agree(question: str, *, yes: bool) -> None:
    """Go on only if the owner says so. Raises VaultbotError otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidRequest(f"this would {question.partition('?')[0]}; if you want that, add --yes")
    if not typer.confirm(question, err=True, prompt_suffix="\n"):
        raise VaultbotError("nothing was done")
