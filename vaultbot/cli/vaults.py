"""`vaultbot vaults`: which vaults there are, and what to call them. Without a daemon."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaultbot.cli.consent import Yes, agree
from vaultbot.cli.init import checked_name
from vaultbot.cli.render import print_json
from vaultbot.cli.session import Session
from vaultbot.config import Config
from vaultbot.config_reader import Settings, config_file, name_of_vault, read_settings
from vaultbot.errors import ConfigError, InvalidRequest
from vaultbot.paths import StatePaths, absolute, state_paths
from vaultbot.states import state_of

if TYPE_CHECKING:
    from vaultbot.relink import Moved

HELP = "List your vaults, and give them names."

Name = Annotated[str, typer.Argument(metavar="NAME", help="What --vault calls it.")]


def vaults(session: Session) -> None:
    """List the vaults that are named, indexed, or known to Obsidian."""
    from vaultbot.cli.render_vaults import print_vaults
    from vaultbot.known_vaults import known_vaults
    from vaultbot.vault.opened import opened_vaults

    found = known_vaults(session.settings, opened_vaults())
    if session.json:
        print_json([asdict(one) for one in found])
    else:
        print_vaults(found)


def add(
    session: Session,
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder that you open in Obsidian.")],
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Its daemon's port. Default: one that is free.")
    ] = None,
) -> None:
    """Give a vault a name, and a port of its own."""
    from vaultbot.cli.settings_file import add_vault
    from vaultbot.ports import free_port
    from vaultbot.vault.vault import Vault

    name, root, settings = checked_name(name), absolute(folder), session.settings
    if name in settings.vaults:
        raise InvalidRequest(
            f"{name} is {settings.vaults[name].vault.path} already; choose another name, or if the vault was moved: "
            f"vaultbot vaults relink {shlex.quote(str(root))}"
        )
    if (other := settings.name_of(root)) is not None:
        raise InvalidRequest(
            f"{root} is called {other}; to call it otherwise: vaultbot vaults rename {_shown(other)} NAME"
        )
    Vault(root).check()
    file = _file(session)
    if Path(os.path.realpath(file)).is_relative_to(os.path.realpath(root)):
        raise ConfigError(f"{file} is inside the vault, where vaultbot keeps no files; choose another --config")
    # Of the file alone: a port in the environment is that of one command.
    written = read_settings(session.settings.file if file.exists() else None, environ={})
    if port and (other := _holder(written, port, but=root)) is not None:
        raise InvalidRequest(
            f"port {port} is that of {other} in the settings; choose another, or leave out --port to get a free one"
        )
    if port is None and not _is_default(session, root):
        port = free_port(but=_ports(written.vaults))
    add_vault(file, name, root, port=port)
    if session.json:
        print_json({"config": str(file), "name": name, "vault": str(root), "port": port})
        return
    print(f"wrote {name} to {file}: {root}" + (f", port {port}" if port else ""))
    print(f'ask it: vaultbot ask --vault {_shown(name)} "…"')


def use(session: Session, name: Name) -> None:
    """Mean this vault where none is named."""
    from vaultbot.cli.settings_file import write_setting

    name, file = _known_name(session, name), _file(session)
    write_setting(file, ("vault",), "path", name)
    if session.json:
        print_json({"config": str(file), "name": name})
    else:
        print(f"{name} is meant from now on where no vault is named")


def rename(
    session: Session, name: Name, new: Annotated[str, typer.Argument(metavar="NEW", help="What to call it.")]
) -> None:
    """Call a vault otherwise."""
    from vaultbot.cli.settings_file import rename_vault

    name, new, file = _known_name(session, name), checked_name(new), _file(session)
    if new in session.settings.vaults:
        raise InvalidRequest(f"{new} is {session.settings.vaults[new].vault.path} already; choose another name")
    rename_vault(file, name, new)
    if session.json:
        print_json({"config": str(file), "name": new})
    else:
        print(f"{name} is called {new} from now on; a daemon that runs learns it at its next start")


def remove(session: Session, name: Name) -> None:
    """Take a vault's name and own settings out of the settings file. Its index stays."""
    from vaultbot.cli.settings_file import remove_vault

    name, file = _known_name(session, name), _file(session)
    root = Path(session.settings.vaults[name].vault.path)
    if read_settings(session.settings.file, environ={}).everywhere.vault.path == name:
        raise InvalidRequest(
            f"{name} is meant where no vault is named; choose another first: vaultbot vaults use NAME, or set [vault] "
            "path to a folder"
        )
    remove_vault(file, name)
    state = state_of(root).root
    kept = state if state.is_dir() else None
    if session.json:
        print_json({"config": str(file), "name": name, "vault": str(root), "state_folder": str(kept) if kept else None})
        return
    print(f"took {name} out of {file}; the notes in {root} are as they were")
    if kept:
        print(f"its index is kept; to delete it: vaultbot stop --vault {_shown(root)}, and then delete {kept}")


def relink(
    session: Session,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Where the vault is now.")],
    was: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME|FOLDER", help="Where it was. Needed when several indexes are like it."),
    ] = None,
    yes: Yes = False,
) -> None:
    """Take the index of a vault along whose folder was moved or renamed. Nothing is read or embedded anew."""
    from vaultbot.relink import moved_from, take_along
    from vaultbot.service.options import options_of
    from vaultbot.service.service import installed
    from vaultbot.vault.vault import Vault

    settings = session.settings
    root = (
        Path(settings.vaults[key].vault.path) if (key := name_of_vault(folder)) in settings.vaults else absolute(folder)
    )
    Vault(root).check()
    moved = moved_from(_index_of(session, was), root) if was else _only_one(root)
    name = settings.name_of(moved.vault) if moved.vault else None
    service, options = installed(moved.state), options_of(moved.state)
    agree(
        f"take the index of {moved.vault or moved.state.root} along to {root}, which holds {moved.here} of its "
        f"{moved.known} notes? No note is touched, and none is read anew",
        yes=yes,
    )
    take_along(moved)
    if name is not None and name != settings.name_of(root):
        from vaultbot.cli.settings_file import move_vault

        move_vault(_file(session), name, root)
    if session.json:
        print_json(
            {
                "vault": str(root),
                "name": name,
                "state_folder": str(moved.target.root),
                "notes": moved.known,
                "service": service[1] if service else None,
            }
        )
        return
    print(f"the index of {moved.vault or moved.state.root}, {moved.here} notes, is that of {root} now")
    if name is None and _is_default(session, moved.vault):
        print(f"the settings still name the folder of before: set [vault] path in {_file(session)}")
    if (root / ".obsidian" / "plugins" / "vaultbot").is_dir():
        print(f"tell the plugin, too: vaultbot plugin install --vault {_shown(root)}")
    if service and moved.vault:
        print(
            f"the service {service[1]} is still for the folder of before; put one for this folder in its place: "
            f"vaultbot service uninstall --vault {_shown(moved.vault)}, and then {options.command(root)}"
        )


def _only_one(root: Path) -> Moved:
    """The index that is taken along when none is named. Raises InvalidRequest unless there is exactly one."""
    from vaultbot.relink import moved_to

    found = moved_to(root)
    if len(found) == 1:
        return found[0]
    if not found:
        raise InvalidRequest(
            f"no index is known whose vault was moved to {root}; see: vaultbot vaults, or index it with: "
            f"vaultbot start --vault {_shown(root)}"
        )
    places = ", ".join(f"{one.vault or one.state.root} ({one.here} of {one.known} notes)" for one in found)
    raise InvalidRequest(f"several indexes are of notes like these: {places}; choose one with --from")


def _index_of(session: Session, text: str) -> StatePaths:
    """The index of a vault by its name or folder, or by the index's own folder, as the list has it."""
    name = name_of_vault(text)
    if name in session.settings.vaults:
        return state_of(Path(session.settings.vaults[name].vault.path))
    own = StatePaths(absolute(text))
    return own if own.catalog.is_file() else state_paths(own.root)


def _known_name(session: Session, text: str) -> str:
    """The name as the settings have it. Raises InvalidRequest for any other."""
    name = name_of_vault(text)
    if name not in session.settings.vaults:
        names = ", ".join(session.settings.vaults) or "no vault yet"
        raise InvalidRequest(f"no vault is called {text}; the settings name {names}; see: vaultbot vaults")
    return name


def _file(session: Session) -> Path:
    return absolute(session.config_file or config_file())


def _is_default(session: Session, folder: Path | None) -> bool:
    default = session.settings.everywhere.vault.path
    return bool(default and folder and os.path.realpath(default) == os.path.realpath(folder))


def _holder(settings: Settings, port: int, *, but: Path) -> str | None:
    """The vault that has this port by its name, or else by its folder; None for those that have no settings."""
    for name, config in settings.vaults.items():
        if config.server.port == port:
            return name
    everywhere = settings.everywhere
    default = everywhere.vault.path
    if not default or default in settings.vaults or os.path.realpath(default) == os.path.realpath(but):
        return None
    return default if everywhere.server.port == port else None


def _ports(vaults: Mapping[str, Config]) -> set[int]:
    return {config.server.port for config in vaults.values()}


def _shown(word: str | Path) -> str:
    return shlex.quote(str(word))


COMMANDS = {"list": vaults, "add": add, "use": use, "rename": rename, "remove": remove, "relink": relink}
