"""Changes a few lines of a settings file and leaves all else as its owner wrote it."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vaultbot.config import toml_value
from vaultbot.config_reader import header, name_of_vault
from vaultbot.errors import ConfigError, VaultbotError

Table = tuple[str, ...]  #: where a setting stands: ("model",), or ("vaults", "work", "server")


def write_setting(file: Path, section: Table, key: str, value: str) -> None:
    """Set one setting in a settings file, which is made when there is none.

    Raises ConfigError when changing one line of the file would not do, VaultbotError when it cannot be written.
    """
    _write(file, [(section, key, value)])


def add_vault(file: Path, name: str, folder: Path, *, port: int | None) -> None:
    """Give a vault a name, and a port where one is told. Raises the same."""
    settings: list[tuple[Table, str, str | int]] = [(("vaults", name), "path", str(folder))]
    if port is not None:
        settings.append((("vaults", name, "server"), "port", port))
    _write(file, settings)


def move_vault(file: Path, name: str, folder: Path) -> None:
    """Write down where the vault of this name is now. Raises the same."""
    written = _written(file, name)
    _write(file, [(("vaults", written), "path", str(folder))])


def rename_vault(file: Path, old: str, new: str) -> None:
    """Call a vault otherwise, also where it is the default. Raises the same."""
    written = _written(file, old)

    def changed(text: str) -> str:
        lines = text.splitlines(keepends=True)
        for n, line in enumerate(lines):
            table = _table_of(line)
            if table[:2] == ("vaults", written):
                lines[n] = f"{header('vaults', new, *table[2:])}{line[line.rindex(']') + 1 :]}"
        text = "".join(lines)
        return _with_line(text, ("vault",), "path", new) if _is_default(text, old) else text

    def wanted(tables: dict[str, Any]) -> None:
        tables["vaults"][new] = tables["vaults"].pop(written)
        if name_of_vault(str(tables.get("vault", {}).get("path", ""))) == old:
            tables["vault"]["path"] = new

    _rewrite(file, changed, wanted, f"{header('vaults', old)} becomes {header('vaults', new)}")


def remove_vault(file: Path, name: str) -> None:
    """Take out all that the file says of the vault of this name. Raises the same."""
    written = _written(file, name)

    def changed(text: str) -> str:
        kept: list[str] = []
        dropping = False
        for line in text.splitlines(keepends=True):
            if table := _table_of(line):
                dropping = table[:2] == ("vaults", written)
            if not dropping or line.lstrip().startswith("#"):  # A comment may be about what comes after.
                kept.append(line)
        return "".join(kept)

    def wanted(tables: dict[str, Any]) -> None:
        del tables["vaults"][written]
        if not tables["vaults"]:
            del tables["vaults"]

    _rewrite(file, changed, wanted, f"take out {header('vaults', written)}")


def _written(file: Path, name: str) -> str:
    """The name as the file spells it, whose letters may be composed in another way."""
    tables = tomllib.loads(file.read_text(encoding="utf-8-sig")).get("vaults", {})
    return next((one for one in tables if name_of_vault(one) == name), name)


def _is_default(text: str, name: str) -> bool:
    path = tomllib.loads(text.removeprefix("\ufeff")).get("vault", {}).get("path", "")
    return isinstance(path, str) and name_of_vault(path) == name


def _write(file: Path, settings: Sequence[tuple[Table, str, str | int]]) -> None:
    def changed(text: str) -> str:
        for table, key, value in settings:
            text = _with_line(text, table, key, value)
        return text

    def wanted(tables: dict[str, Any]) -> None:
        for table, key, value in settings:
            inner = tables
            for part in table:
                inner = inner.setdefault(part, {})
            inner[key] = value

    spoken = ", ".join(f"{header(*table)} {key} = {toml_value(value)}" for table, key, value in settings)
    _rewrite(file, changed, wanted, f"set it there: {spoken}")


def _rewrite(file: Path, changed: Callable[[str], str], wanted: Callable[[dict[str, Any]], None], by_hand: str) -> None:
    """Put the changed text there, if it then says what is wanted and nothing else differs."""
    place = Path(os.path.realpath(file))  # A settings file may be a link into a folder of dotfiles.
    try:
        before = place.read_bytes().decode("utf-8") if place.exists() else ""
        after = _checked(before, changed, wanted)
        if after is None:
            raise ConfigError(f"{file} is written in a way that vaultbot does not change; {by_hand}")
        _replace(place, after)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8; mend it, or move it away") from error
    except OSError as error:
        raise VaultbotError(f"cannot write {file}: {error.strerror}; {by_hand}") from error


def _checked(before: str, changed: Callable[[str], str], wanted: Callable[[dict[str, Any]], None]) -> str | None:
    try:
        old = tomllib.loads(before.removeprefix("\ufeff"))
        after = changed(before)
        new = tomllib.loads(after.removeprefix("\ufeff"))
        wanted(old)
    except (tomllib.TOMLDecodeError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return after if old == new else None


def _with_line(text: str, table: Table, key: str, value: str | int) -> str:
    line = f"{key} = {toml_value(value)}"
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    head = next((n for n, one in enumerate(lines) if _table_of(one) == table), None)
    if head is None:
        gap = end if text and not text.endswith(end * 2) else ""
        closed = text if not text or text.endswith("\n") else text + end
        return f"{closed}{gap}{header(*table)}{end}{line}{end}"
    for n in range(head + 1, len(lines)):
        if lines[n].lstrip().startswith("["):
            break
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[n]):
            lines[n] = line + _comment(lines[n], end)
            return "".join(lines)
    if not lines[head].endswith("\n"):
        lines[head] += end
    lines.insert(head + 1, f"{line}{end}")
    return "".join(lines)


def _table_of(line: str) -> Table:
    """The keys of the table that this line begins; () for any other line."""
    text = line.lstrip("\ufeff \t")
    if not text.startswith("[") or text.startswith("[["):
        return ()
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return ()
    keys = []
    while tables:
        ((key, tables),) = tables.items()
        keys.append(key)
    return tuple(keys)


def _comment(line: str, end: str) -> str:
    """What stands behind the value: the comment, if the value is plainly over before it."""
    behind = re.search(r"""["']\s*(#[^"'\r\n]*)[\r\n]*$""", line)
    return f"  {behind[1].rstrip()}{end}" if behind else end


def _replace(place: Path, text: str) -> None:
    """Put it there whole, with the mode that it had; a new file is for its owner alone."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = place.stat().st_mode & 0o777 if place.exists() else 0o600
    descriptor, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(place)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
