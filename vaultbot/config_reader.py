"""Reads the settings: `config.toml`, what it says of one vault, the environment, flags, each stronger than the last.

The environment's name of `[server] port` is `VAULTBOT_SERVER_PORT`. A relative path starts at the settings file's
folder, or where one is for the other two.
"""

from __future__ import annotations

import os
import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

from vaultbot.config import Check, Config, toml_value
from vaultbot.errors import ConfigError
from vaultbot.paths import absolute, config_folder

#: What a name of a vault may be, in words. It must not look like a path or a flag.
NAME_RULE = 'up to 40 characters without slashes, and not beginning with "-", "." or "~"'


def config_file() -> Path:
    """Where the settings are read from when --config does not say otherwise."""
    return config_folder() / "config.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is set: for every vault, and for those that have a name."""

    file: Path  #: where it was read, or would have been
    everywhere: Config = field(default_factory=Config)  #: its `[vault] path` may be a name, too
    vaults: Mapping[str, Config] = field(
        default_factory=dict
    )  #: by name, each whole, with the folder as `[vault] path`

    def name_of(self, folder: Path) -> str | None:
        """What the settings call the vault in this folder, by whatever path it is reached."""
        real = os.path.realpath(folder)
        return next((name for name, one in self.vaults.items() if os.path.realpath(one.vault.path) == real), None)

    def of(self, folder: Path) -> Config:
        """The settings of the vault in this folder."""
        name = self.name_of(folder)
        config = self.everywhere if name is None else self.vaults[name]
        return replace(config, vault=replace(config.vault, path=str(folder)))


def read_settings(
    file: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings from the file, the environment and flags ("model.path" → value), in rising strength.

    A file that was named must exist; the default one may be missing.
    Raises ConfigError naming the file (or variable), the key and what is allowed.
    """
    path = file or config_file()
    tables = _tables(path) if file is not None or path.exists() else {}
    own = dict(_own_tables(tables.pop("vaults", {}), path))
    names = frozenset(own)

    def stronger(config: Config) -> Config:
        config = _with_environment(config, os.environ if environ is None else environ, names)
        for name, value in (flags or {}).items():
            section, _, key = name.partition(".")
            config = _with(config, section, key, value, where="the command line")
        return config

    everywhere = _with_file(Config(), tables, path, names)
    vaults: dict[str, Config] = {}
    for name, table in own.items():
        weaker = _with_own(everywhere, name, table, path)
        config = stronger(weaker)
        # A path in the environment says which vault is meant, and not where this one is.
        vaults[name] = replace(config, vault=replace(config.vault, path=weaker.vault.path))
    settings = Settings(path, stronger(everywhere), vaults)
    for name, config in vaults.items():
        if (other := settings.name_of(Path(config.vault.path))) != name:
            raise ConfigError(
                f"{path}: {header('vaults', str(other))} and {header('vaults', name)} are the same folder; take one out"
            )
    return settings


def name_of_vault(text: str) -> str:
    """A name as names are compared: the same letters typed on another system are the same name."""
    return unicodedata.normalize("NFC", text)


def is_vault_name(text: str) -> bool:
    """Whether a vault can be called so; see `NAME_RULE`."""
    return text.isprintable() and text.strip() == text and 0 < len(text) <= 40 and _cannot_be_a_path(text)


def _cannot_be_a_path(text: str) -> bool:
    return text[0] not in "-.~" and not {"/", "\\"} & set(text)


def header(*keys: str) -> str:
    """The line that begins a table in TOML: `[vaults.work.server]`, or `[vaults."my notes"]`."""
    bare = re.compile(r"[A-Za-z0-9_-]+")
    return f"[{'.'.join(key if bare.fullmatch(key) else toml_value(key) for key in keys)}]"


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no settings file {path}; make one with: vaultbot init") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}; mend that line, or move the file away") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check its permissions") from error


def _with_file(config: Config, tables: Mapping[str, Any], path: Path, names: Collection[str]) -> Config:
    sections = [f.name for f in fields(Config)]
    for section, table in tables.items():
        if section not in sections or not isinstance(table, dict):
            raise ConfigError(f"{path}: unknown section [{section}]; the sections are {_listed([*sections, 'vaults'])}")
        for key, value in table.items():
            config = _with(config, section, key, value, where=str(path), base=path.parent, names=names)
    return config


def _own_tables(tables: Any, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the file says of each vault that has a name."""
    seen: set[str] = set()
    for written, table in tables.items() if isinstance(tables, dict) else [("", tables)]:
        if not isinstance(table, dict):
            raise ConfigError(f'{path}: [vaults] holds a table for each name, like: [vaults.work] path = "~/Work"')
        name = name_of_vault(written)
        if not is_vault_name(name) or name in seen:
            raise ConfigError(f"{path}: {header('vaults', written)} is no name for one vault; it must be {NAME_RULE}")
        if not table.get("path"):
            raise ConfigError(f"{path}: {header('vaults', name)} lacks its path, the vault's folder")
        seen.add(name)
        yield name, table


def _with_own(config: Config, name: str, table: Mapping[str, Any], path: Path) -> Config:
    """What the file says of one vault: its folder and what is left out directly, all else in the usual sections."""
    of_vault = [item.name for item in fields(config.vault)]
    sections = [f.name for f in fields(Config) if f.name != "vault"]
    for key, value in table.items():
        if key in of_vault:
            config = _with(config, "vault", key, value, where=str(path), base=path.parent, called=("vaults", name))
        elif key in sections and isinstance(value, dict):
            for inner, one in value.items():
                called = ("vaults", name, key)
                config = _with(config, key, inner, one, where=str(path), base=path.parent, called=called)
        else:
            allowed = _listed([*of_vault, *(f"[{section}]" for section in sections)])
            raise ConfigError(f"{path}: unknown setting {header('vaults', name)} {key}; allowed are {allowed}")
    return config


def _with_environment(config: Config, environ: Mapping[str, str], names: Collection[str]) -> Config:
    for section in fields(Config):
        prefix = f"VAULTBOT_{section.name}_".upper()
        known = {f"{prefix}{item.name}".upper(): item for item in fields(getattr(config, section.name))}
        for name in sorted(name for name in environ if name.startswith(prefix)):
            if name not in known:
                raise ConfigError(f"unknown variable {name}; allowed are {_listed(list(known))}")
            value = _parsed(environ[name], known[name])
            where = f"the variable {name}"
            config = _with(config, section.name, known[name].name, value, where=where, names=names)
    return config


def _parsed(text: str, item: Field[Any]) -> Any:
    """A variable's text as a value of its setting; what does not fit stays text and fails the setting's check."""
    if isinstance(item.default, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if item.metadata["check"](text):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _with(
    config: Config,
    section: str,
    key: str,
    value: Any,
    *,
    where: str,
    base: Path | None = None,
    called: tuple[str, ...] = (),
    names: Collection[str] = (),
) -> Config:
    """One setting more. `called` is its table where that is not the section's; `names` stand for a vault's folder."""
    settings = getattr(config, section)
    known = {f.name: f for f in fields(settings)}
    spoken = header(*(called or (section,)))
    if key not in known:
        raise ConfigError(f"{where}: unknown setting {spoken} {key}; allowed are {_listed(list(known))}")
    item = known[key]
    if isinstance(item.default, tuple):
        value = tuple(value) if isinstance(value, list | tuple) else value
        valid = isinstance(value, tuple) and cast(Check, item.metadata["check"])(value)
    else:
        valid = cast(Check, item.metadata["check"])(value)
    if not valid:
        shown = "…" if "key_" in key else _shown(value)  # It may be the key, by mistake.
        raise ConfigError(f"{where}: {spoken} {key} = {shown} is not allowed; it must be {item.metadata['allowed']}")
    if (section, key) == ("vault", "path") and name_of_vault(value) in names:
        value = name_of_vault(value)
    elif value not in item.metadata.get("words", (value,)):
        value = str(absolute(value, base=base or ""))
    return replace(config, **{section: replace(settings, **{key: value})})


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _shown(value: Any) -> str:
    text = toml_value(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
