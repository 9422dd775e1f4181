"""`vaultbot`: the commands, and what happens to their errors."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from vaultbot import __version__
from vaultbot.cli.session import AsJson, ConfigFile, Session, Vault, Verbose, with_session
from vaultbot.errors import InvalidRequest, VaultbotError

_INTERRUPTED = 130  #: the shell's own code for Ctrl-C

#: The module of each command, which has a function of the command's name, or several commands in its COMMANDS.
COMMANDS = {
    "ask": "ask",
    "chat": "chat",
    "search": "search",
    "show": "show",
    "related": "related",
    "suggest-links": "suggest_links",
    "undo": "undo",
    "dismissals": "dismissals",
    "lint": "lint",
    "report": "report",
    "index": "index",
    "status": "status",
    "doctor": "doctor",
    "models": "models",
    "init": "init",
    "vaults": "vaults",
    "open": "open",
    "plugin": "plugin",
    "token": "token",
    "start": "serve",
    "stop": "serve",
    "serve": "serve",
    "service": "service",
    "mcp": "mcp",
    "uninstall": "uninstall",
}


class _Commands(Mapping[str, Any]):
    """Every command by its name, made when it is asked for: importing all takes as long as a search."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            module = import_module(f"vaultbot.cli.{COMMANDS[name]}")
            made = typer.Typer(name=name, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
            if several := getattr(module, "COMMANDS", None):
                alone = getattr(module, name, None)  # what the command does without a further word
                begin = with_session(alone) if alone else _help_of_a_group
                made.callback(invoke_without_command=True, help=module.HELP)(begin)
                for word, function in several.items():
                    made.command(word)(with_session(function))
            else:
                made.command(name)(with_session(getattr(module, name.replace("-", "_"))))
            self._made[name] = typer.main.get_command(made)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _help_of_a_group(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit(InvalidRequest.exit_code)


class _Group(TyperGroup):
    """The commands of `COMMANDS`."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": _Commands()})


app = typer.Typer(
    name="vaultbot",
    cls=_Group,
    help="Ask your Obsidian vault. Everything stays on this machine, and no note is changed unless you say so.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
    from vaultbot.cli.render import plain

    print(f"error: {plain(message)}", file=sys.stderr)
    sys.exit(exit_code)
