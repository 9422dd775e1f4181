"""`vaultbot`: the commands, and what happens to their errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from vaultbot import __version__
from vaultbot.cli.ask import ask
from vaultbot.cli.index import index
from vaultbot.cli.init import init
from vaultbot.cli.search import search
from vaultbot.cli.serve import serve, start, stop
from vaultbot.cli.session import AsJson, ConfigFile, Session, Vault, Verbose, with_session
from vaultbot.cli.status import status
from vaultbot.cli.suggest_links import suggest_links
from vaultbot.errors import VaultbotError

app = typer.Typer(
    name="vaultbot",
    help="Ask your Obsidian vault. Everything stays on this machine, and nothing in the vault is changed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_COMMANDS: dict[str, Callable[..., None]] = {
    "ask": ask,
    "search": search,
    "suggest-links": suggest_links,
    "index": index,
    "status": status,
    "init": init,
    "start": start,
    "stop": stop,
    "serve": serve,
}
for name, command in _COMMANDS.items():
    app.command(name)(with_session(command))


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"vaultbot {__version__}")
        raise typer.Exit


@app.callback()
def shared_options(
    ctx: typer.Context,
    vault: Vault = None,
    config: ConfigFile = None,
    json: AsJson = False,
    verbose: Verbose = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options that work before and after the command's name."""
    ctx.obj = Session(vault=vault, config_file=config, json=json, verbose=verbose)


def main() -> None:
    """Run the command line; errors become one line and an exit code."""
    try:
        app()
    except VaultbotError as error:
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        fail("interrupted", 130)
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def fail(message: str, exit_code: int) -> None:
    """One line on standard error, and the end."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(exit_code)
