"""`vaultbot`: the commands, and what happens to their errors."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from vaultbot import __version__
from vaultbot.cli.ask import ask
from vaultbot.cli.index import index
from vaultbot.cli.init import init
from vaultbot.cli.lint import lint
from vaultbot.cli.related import related
from vaultbot.cli.search import search
from vaultbot.cli.serve import serve, start, stop
from vaultbot.cli.session import AsJson, ConfigFile, Session, Vault, Verbose, with_session
from vaultbot.cli.show import show
from vaultbot.cli.status import status
from vaultbot.cli.suggest_links import suggest_links
from vaultbot.errors import InvalidRequest, VaultbotError

_INTERRUPTED = 130  #: the shell's own code for Ctrl-C

app = typer.Typer(
    name="vaultbot",
    help="Ask your Obsidian vault. Everything stays on this machine, and nothing in the vault is changed.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_COMMANDS: dict[str, Callable[..., None]] = {
    "ask": ask,
    "search": search,
    "show": show,
    "related": related,
    "suggest-links": suggest_links,
    "lint": lint,
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


@app.callback(invoke_without_command=True)
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
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit(InvalidRequest.exit_code)
    ctx.obj = Session(vault=vault, config_file=config, json=json, verbose=verbose)


def main() -> None:
    """Run the command line; errors become one line and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # A terminal of another encoding shows "?" and goes on.
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except TyperException as error:
        command = getattr(getattr(error, "ctx", None), "command_path", "vaultbot")
        message = error.format_message().rstrip(".")
        if "unexpected extra argument" in message:
            message = f'several words go in quotes, like: {command} "what is quantization?"'
        fail(f"{message}; see: {command} --help", InvalidRequest.exit_code)
    except VaultbotError as error:
        fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        fail("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if "--verbose" in sys.argv:
            raise
        fail(f"an error inside vaultbot ({type(error).__name__}: {error}); --verbose shows where, please report it", 1)
    sys.exit(code)


def _run(words: list[str]) -> int:
    """The exit code of the command. Without Typer's own main, which would answer errors in its way."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("vaultbot", words) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def fail(message: str, exit_code: int) -> NoReturn:
    """One line on standard error, and the end."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(exit_code)
