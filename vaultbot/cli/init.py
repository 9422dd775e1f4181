"""`vaultbot init`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from vaultbot.cli.session import Session
from vaultbot.config import config_file, toml_value
from vaultbot.errors import ConfigError, InvalidRequest, VaultbotError
from vaultbot.paths import absolute


def init(
    session: Session,
    force: Annotated[bool, typer.Option("--force", help="Replace the settings file.")] = False,
) -> None:
    """Choose your vault and write the settings file."""
    file = absolute(session.config_file or config_file())
    if file.exists() and not force:
        raise VaultbotError(
            f"there is a settings file already: {file}; edit it, or replace it with: vaultbot init --force"
        )
    root = absolute(session.vault or _chosen(known_vaults()))
    from vaultbot.vault.vault import Vault

    Vault(root).check()
    if Path(os.path.realpath(file)).is_relative_to(os.path.realpath(root)):
        raise ConfigError(f"{file} would be inside the vault, where vaultbot writes nothing; choose another --config")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(
            "# Settings of vaultbot. Every one with its default is printed by: python -m vaultbot.config\n\n"
            f"[vault]\npath = {toml_value(str(root))}\n",
            encoding="utf-8",
        )
        file.chmod(0o600)
    except OSError as error:
        raise VaultbotError(
            f"cannot write {file}: {error.strerror}; set VAULTBOT_HOME to a folder you can write to"
        ) from error
    if session.json:
        print(json.dumps({"config": str(file), "vault": str(root)}))
    else:
        print(f'wrote {file}\nyour vault is {root}\nnow ask it something: vaultbot ask "…"')


def known_vaults() -> list[Path]:
    """The vaults that Obsidian on this machine has opened, the last one first."""
    places = (
        Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "obsidian",
        Path("~/.var/app/md.obsidian.Obsidian/config/obsidian").expanduser(),
        Path("~/Library/Application Support/obsidian").expanduser(),
        Path(os.environ.get("APPDATA") or "~/AppData/Roaming").expanduser() / "obsidian",
    )
    found: dict[Path, int] = {}
    for place in places:
        try:
            vaults = json.loads((place / "obsidian.json").read_text(encoding="utf-8"))["vaults"]
            entries = [(Path(one["path"]), int(one.get("ts") or 0)) for one in vaults.values()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        found.update((path, time) for path, time in entries if path.is_dir())
    return sorted(found, key=lambda path: -found[path])


def _chosen(vaults: list[Path]) -> Path:
    if len(vaults) == 1:
        return vaults[0]
    if not vaults:
        raise InvalidRequest(
            "Obsidian has no vault on this machine that could be found; name one: vaultbot init --vault FOLDER"
        )
    listed = "\n".join(f"  {n}  {path}" for n, path in enumerate(vaults, 1))
    if not sys.stdin.isatty():
        raise InvalidRequest(f"Obsidian knows several vaults; choose one with --vault:\n{listed}")
    print(f"Obsidian knows these vaults:\n{listed}")
    number: int = typer.prompt("Which one?", type=int, default=1)
    if not 1 <= number <= len(vaults):
        raise InvalidRequest(f"there is no vault {number}; choose from 1 to {len(vaults)}")
    return vaults[number - 1]
