"""Reads the settings: `config.toml`, then the environment, then flags, each stronger than the one before.

The environment's name of `[server] port` is `VAULTBOT_SERVER_PORT`. A relative path starts at the settings file's
folder, or where one is for the other two.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, cast

from vaultbot.config import Check, Config, toml_value
from vaultbot.errors import ConfigError
from vaultbot.paths import absolute, config_folder


def config_file() -> Path:
    """Where the settings are read from when --config does not say otherwise."""
    return config_folder() / "config.toml"


def load_config(
    file: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """Read the settings from the file, the environment and flags ("model.path" → value), in rising strength.

    A file that was named must exist; the default one may be missing.
    Raises ConfigError naming the file (or variable), the key and what is allowed.
    """
    config = Config()
    path = file or config_file()
    if file is not None or path.exists():
        config = _with_file(config, path)
    config = _with_environment(config, os.environ if environ is None else environ)
    for name, value in (flags or {}).items():
        section, _, key = name.partition(".")
        config = _with(config, section, key, value, where="the command line")
    return config


def _with_file(config: Config, path: Path) -> Config:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no settings file {path}; make one with: vaultbot init") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}; mend that line, or move the file away") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check its permissions") from error
    sections = [f.name for f in fields(Config)]
    for section, table in tables.items():
        if section not in sections or not isinstance(table, dict):
            raise ConfigError(f"{path}: unknown section [{section}]; the sections are {_listed(sections)}")
        for key, value in table.items():
            config = _with(config, section, key, value, where=str(path), base=path.parent)
    return config


def _with_environment(config: Config, environ: Mapping[str, str]) -> Config:
    for section in fields(Config):
        prefix = f"VAULTBOT_{section.name}_".upper()
        known = {f"{prefix}{item.name}".upper(): item for item in fields(getattr(config, section.name))}
        for name in sorted(name for name in environ if name.startswith(prefix)):
            if name not in known:
                raise ConfigError(f"unknown variable {name}; allowed are {_listed(list(known))}")
            value = _parsed(environ[name], known[name])
            config = _with(config, section.name, known[name].name, value, where=f"the variable {name}")
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


def _with(config: Config, section: str, key: str, value: Any, *, where: str, base: Path | None = None) -> Config:
    settings = getattr(config, section)
    known = {f.name: f for f in fields(settings)}
    if key not in known:
        raise ConfigError(f"{where}: unknown setting [{section}] {key}; allowed are {_listed(list(known))}")
    item = known[key]
    if isinstance(item.default, tuple):
        value = tuple(value) if isinstance(value, list | tuple) else value
        valid = isinstance(value, tuple) and cast(Check, item.metadata["check"])(value)
    else:
        valid = cast(Check, item.metadata["check"])(value)
    if not valid:
        shown = "…" if "key_" in key else _shown(value)  # It may be the key, by mistake.
        raise ConfigError(f"{where}: [{section}] {key} = {shown} is not allowed; it must be {item.metadata['allowed']}")
    if value not in item.metadata.get("words", (value,)):
        value = str(absolute(value, base=base or ""))
    return replace(config, **{section: replace(settings, **{key: value})})


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _shown(value: Any) -> str:
    text = toml_value(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
