"""What every command shares: the options --vault, --config, --json, --verbose, the settings, and the way to the daemon.

The options work before and after the command's name.
"""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from vaultbot.client import Client, find
from vaultbot.config import Config
from vaultbot.config_reader import Settings, read_settings
from vaultbot.errors import VaultMissing
from vaultbot.paths import StatePaths, absolute
from vaultbot.states import state_of
from vaultbot.vault_choice import ChosenVault, choose_vault

Vault = Annotated[
    str | None,
    typer.Option(
        "--vault",
        metavar="NAME|FOLDER",
        help="A vault by its name in the settings, or its folder. Default: the one of the settings, or the one you "
        "are in.",
    ),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="A settings file in place of your config.toml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say more, and log more.")]
NoStart = Annotated[bool, typer.Option("--no-start", help="Do not start a daemon when none runs.")]

_SHARED = {"vault": Vault, "config": ConfigFile, "json": AsJson, "verbose": Verbose}


@dataclass(frozen=True)
class Session:
    """One call of vaultbot."""

    vault: str | None = None
    config_file: Path | None = None
    json: bool = False
    verbose: bool = False

    @cached_property
    def settings(self) -> Settings:
        """What is set for all vaults. Raises ConfigError."""
        return read_settings(absolute(self.config_file) if self.config_file else None)

    @cached_property
    def chosen(self) -> ChosenVault:
        """The vault that is meant. Raises VaultMissing when none is."""
        return choose_vault(self.settings, self.vault)

    @cached_property
    def config(self) -> Config:
        """The settings of this vault, or where none is meant, those of all. Raises ConfigError."""
        try:
            return self.chosen.config
        except VaultMissing:
            return self.settings.everywhere

    @property
    def name(self) -> str | None:
        """What the settings call the vault; None where they do not name it."""
        return self.chosen.name

    @property
    def root(self) -> Path:
        """The vault's folder, absolute; it may be gone. Raises VaultMissing when none is meant."""
        return self.chosen.root

    def check_vault(self) -> None:
        """Raises VaultMissing unless the vault's folder is there."""
        if not os.path.isdir(self.root):  # noqa: PTH112
            what = "is not a folder" if os.path.lexists(self.root) else "does not exist"
            raise VaultMissing(f"the vault {self.root} {what}; give the folder that you open in Obsidian")

    def check_known(self) -> None:
        """Raises VaultMissing unless the vault's folder is there, or an index of it that can be searched meanwhile."""
        from vaultbot.index.roster import is_indexed

        try:
            self.check_vault()
        except VaultMissing:
            if not is_indexed(self.state.catalog):
                raise

    @cached_property
    def state(self) -> StatePaths:
        """Where the vault's state is."""
        return state_of(self.root)

    def daemon_arguments(self, *more: str) -> list[str]:
        """The command line of this vault's daemon, after `serve`."""
        arguments = ["--vault", str(self.root), *more]
        if self.config_file is not None:
            arguments += ["--config", str(absolute(self.config_file))]
        return [*arguments, "--verbose"] if self.verbose else arguments

    def client(self, *, start: bool, until_indexed: bool, at_most_s: float | None = None) -> Client:
        """The daemon, started when none runs; with `until_indexed` after its first look through the vault.

        When its index holds notes from earlier, no longer than `at_most_s`. Raises what keeps it from starting.
        """
        _ = self.config  # A wrong setting is told here, not in the daemon's log.
        client = find(self.state)
        if client is None:
            from vaultbot.launcher import find_or_start

            self.check_known()
            client = find_or_start(
                self.state,
                arguments=self.daemon_arguments("--until-idle"),
                start=start,
                on_start=lambda: self.say("starting vaultbot in the background"),
            )
        if until_indexed:
            self.wait_for_index(client, at_most_s=at_most_s)
        return client

    def wait_for_index(self, client: Client, *, at_most_s: float | None = None) -> None:
        """Show how the first look through the vault goes, until it is done or has failed.

        When the index holds notes from earlier, wait no longer than `at_most_s`.
        """
        status = client.get("/api/status")
        until = time.monotonic() + (at_most_s or 0)
        while _looks_first(status) and status["notes"] and at_most_s is not None:
            if time.monotonic() > until:
                return
            time.sleep(0.05)
            status = client.get("/api/status")
        if _looks_first(status):
            from vaultbot.cli.progress import show_progress

            with closing(client.events("GET", "/api/events")) as events:
                show_progress(_until_indexed(events))

    def tell(self, words: str) -> None:
        """A line that a person has to read, beside the output."""
        print(words, file=sys.stderr, flush=True)

    def say(self, words: str) -> None:
        """A line about what is going on, beside the output."""
        if sys.stderr.isatty() or self.verbose:
            print(words, file=sys.stderr, flush=True)


def _looks_first(status: Mapping[str, Any]) -> bool:
    return status["state"] in ("starting", "indexing") and status["last_index"] is None


def _until_indexed(events: Iterator[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    for _, state in events:
        yield state
        if state["state"] not in ("starting", "indexing") or state["last_report"] is not None:
            return


def with_session(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the shared options; it gets them as a `Session`, its first argument."""
    own = dict(inspect.signature(command).parameters)
    own.pop("session")
    hints = get_type_hints(command, include_extras=True)

    @wraps(command)
    def wrapper(ctx: typer.Context, **values: Any) -> None:
        shared = {name: values.pop(name) for name in _SHARED}
        before: Session = ctx.obj or Session()
        session = Session(
            vault=shared["vault"] or before.vault,
            config_file=shared["config"] or before.config_file,
            json=shared["json"] or before.json,
            verbose=shared["verbose"] or before.verbose,
        )
        ctx.obj = session
        if ctx.invoked_subcommand is None:
            command(session, **values)

    named = inspect.Parameter.KEYWORD_ONLY
    wrapper.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("ctx", named, annotation=typer.Context),
            *(parameter.replace(kind=named, annotation=hints[name]) for name, parameter in own.items()),
            *(
                inspect.Parameter(name, named, default=None if name in ("vault", "config") else False, annotation=hint)
                for name, hint in _SHARED.items()
            ),
        ]
    )
    wrapper.__annotations__ = {
        "ctx": typer.Context,
        **{name: hints[name] for name in own},
        **_SHARED,
        "return": None,
    }
    return wrapper
