"""`vaultbot uninstall`: what vaultbot has put on this machine, away again. The vaults stay as they are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from vaultbot.cli.consent import Yes, agree
from vaultbot.cli.render import print_json
from vaultbot.cli.render_models import size
from vaultbot.cli.session import Session
from vaultbot.errors import ConfigError, VaultMissing

_PROGRAM = "to remove the program itself: pip uninstall vaultbot (or pipx uninstall, uv tool uninstall)"


def uninstall(
    session: Session,
    data: Annotated[
        bool, typer.Option("--data", help="Delete indexes, settings, pulled models and caches, too.")
    ] = False,
    yes: Yes = False,
) -> None:
    """End the daemons of all vaults and remove their services. No vault is touched."""
    from vaultbot import launcher
    from vaultbot.belongings import belongings, delete, states
    from vaultbot.service.service import installed

    kept = states()
    services = [service for state in kept if (service := installed(state))]
    things = belongings() if data else []
    reminders = list(_reminders(session))
    if not session.json:
        for manager, name in services:
            print(f"service   {manager.file(name)}", file=sys.stderr)
        for thing in things:
            print(f"{size(thing.size):>9} {thing.path}: {thing.what}", file=sys.stderr)
    if things:
        question = (
            "delete what is listed? No vault is touched, but what was accepted from suggestions cannot be undone then"
        )
    else:
        question = "end the daemons of all vaults and remove their services? Indexes, settings and models stay"
    agree(question, yes=yes)
    ended = sum(launcher.stop(state) for state in kept)
    for manager, name in services:
        manager.uninstall(name)
    for state in kept:
        state.service.unlink(missing_ok=True)
    delete(things)
    if session.json:
        print_json(
            {
                "daemons": ended,
                "services": [name for _, name in services],
                "deleted": [str(thing.path) for thing in things],
                "left": reminders,
            }
        )
        return
    print(f"ended {_counted(ended, 'daemon')}, removed {_counted(len(services), 'service')}", end="")
    print(f", deleted {size(sum(thing.size for thing in things))}" if data else "")
    for reminder in reminders:
        print(reminder)
    print(_PROGRAM)


def _reminders(session: Session) -> Iterator[str]:
    """What is left to the owner, who put it there."""
    with suppress(ConfigError):
        config = session.config
        for entry in (config.model.key_keyring, config.embedding.key_keyring, config.index.chroma_key_keyring):
            if entry:
                yield f"your key is still in the keyring; to remove it: keyring del vaultbot {entry}"
        with suppress(VaultMissing):
            yield from (f"the plugin is still in {folder}; remove it in Obsidian" for folder in _plugins(session.root))


def _plugins(root: Path) -> Iterator[Path]:
    with suppress(OSError):
        for folder in sorted(root.iterdir()):
            if folder.name.startswith(".") and os.path.lexists(plugin := folder / "plugins" / "vaultbot"):
                yield plugin


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
