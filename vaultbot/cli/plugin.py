"""`vaultbot plugin`: the companion plugin, which brings answers into Obsidian itself. Without a daemon."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from vaultbot.cli.consent import Yes, agree
from vaultbot.cli.render import print_json
from vaultbot.cli.session import Session
from vaultbot.errors import InvalidRequest, VaultbotError
from vaultbot.paths import StatePaths

HELP = "Bring vaultbot into Obsidian."

FILES = ("main.js", "manifest.json", "styles.css")
_SETTINGS = "data.json"


def install(session: Session, yes: Yes = False) -> None:
    """Copy the plugin into the vault's settings folder, or bring it up to date."""
    session.check_vault()
    bundle = _bundle()
    version = str(json.loads(bundle["manifest.json"])["version"])
    folder = _plugin_folder(session.root)
    fresh = all((folder / name).is_file() and (folder / name).read_bytes() == bundle[name] for name in FILES)
    settings = folder / _SETTINGS
    elsewhere = _settings_of_another_vault(settings, session.state)
    if not fresh or not settings.exists() or elsewhere:
        then = ", and have it ask this vault's daemon, not another's" if elsewhere else ""
        agree(f"copy the plugin vaultbot {version} to {folder}{then}? Your notes are not touched", yes=yes)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in FILES:
                _write(folder / name, bundle[name])
            if not settings.exists():
                _write(settings, _settings(session, {"port": 0}))
            elif elsewhere:
                _write(settings, _settings(session, elsewhere))
        except OSError as error:
            raise VaultbotError(f"cannot write {folder}: {error.strerror}; check its permissions") from error
    if session.json:
        print_json({"folder": str(folder), "version": version, "changed": not fresh or bool(elsewhere)})
        return
    print(f"the plugin vaultbot {version} {'was already' if fresh else 'is'} in {folder}")
    print("turn it on in Obsidian: Settings, Community plugins, vaultbot; if it is not listed, reload them there")
    print("it needs the daemon: vaultbot start")


def _bundle() -> dict[str, bytes]:
    """The built files, which come with the package."""
    try:
        return {name: (files("vaultbot") / "plugin" / name).read_bytes() for name in FILES}
    except OSError as error:
        raise VaultbotError("the plugin's files are missing from this installation; install vaultbot again") from error


def _plugin_folder(root: Path) -> Path:
    """Where Obsidian looks for the plugin. Raises InvalidRequest where there is no vault of Obsidian's."""
    from vaultbot.vault.vault import Vault

    config = root / Vault(root).settings().config_folder
    if not config.is_dir():
        raise InvalidRequest(
            f"{root} is no vault of Obsidian's: there is no {config.name} in it; "
            "open the folder in Obsidian once, or name another --vault"
        )
    folder = config / "plugins" / "vaultbot"
    # A vault may come from anywhere; what is written into it stays in it.
    if not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
        raise InvalidRequest(f"{folder} leads out of the vault, so nothing is written there; copy the files yourself")
    return folder


def _settings(session: Session, others: Mapping[str, Any]) -> bytes:
    """Where the token's file is, so that nothing has to be typed. The token itself stays out of the vault."""
    told = {**others, "tokenFile": str(session.state.token)}
    return (json.dumps(told, indent=2) + "\n").encode(errors="replace")


def _settings_of_another_vault(file: Path, state: StatePaths) -> dict[str, Any]:
    """What the plugin's settings hold when they name another state of this machine; {} when they do not.

    So it is in a vault that was copied with its settings, and in one that was moved.
    """
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        token = Path(settings["tokenFile"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return settings if token != state.token and token.is_relative_to(state.root.parent) else {}


def _write(file: Path, content: bytes) -> None:
    """The file as a whole: Obsidian may be reading it."""
    new = file.with_name(f"{file.name}.new")
    try:
        new.write_bytes(content)
        new.replace(file)
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


COMMANDS = {"install": install}
