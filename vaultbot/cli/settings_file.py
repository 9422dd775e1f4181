"""Changes one line of a settings file and leaves all else as its owner wrote it."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from pathlib import Path

from vaultbot.config import toml_value
from vaultbot.errors import ConfigError, VaultbotError


def write_setting(file: Path, section: str, key: str, value: str) -> None:
    """Set `[section] key` in a settings file, which is made when there is none.

    Raises ConfigError when changing one line of the file would not do, VaultbotError when it cannot be written.
    """
    line = f"{key} = {toml_value(value)}"
    place = Path(os.path.realpath(file))  # A settings file may be a link into a folder of dotfiles.
    try:
        before = place.read_bytes().decode("utf-8") if place.exists() else ""
        after = _with_line(before, section, key, line)
        if not _differs_only_so(before, after, section, key, value):
            raise ConfigError(
                f"{file} is written in a way that vaultbot does not change; set it there: [{section}] {line}"
            )
        _replace(place, after)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8; mend it, or move it away") from error
    except OSError as error:
        raise VaultbotError(f"cannot write {file}: {error.strerror}; set it there: [{section}] {line}") from error


def _with_line(text: str, section: str, key: str, line: str) -> str:
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    head = next((n for n, one in enumerate(lines) if _is_header(one, section)), None)
    if head is None:
        gap = end if text and not text.endswith(end * 2) else ""
        closed = text if not text or text.endswith("\n") else text + end
        return f"{closed}{gap}[{section}]{end}{line}{end}"
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


def _is_header(line: str, section: str) -> bool:
    return line.lstrip("\ufeff \t").partition("#")[0].strip().replace(" ", "") == f"[{section}]"


def _comment(line: str, end: str) -> str:
    """What stands behind the value: the comment, if the value is plainly over before it."""
    behind = re.search(r"""["']\s*(#[^"'\r\n]*)[\r\n]*$""", line)
    return f"  {behind[1].rstrip()}{end}" if behind else end


def _differs_only_so(before: str, after: str, section: str, key: str, value: str) -> bool:
    try:
        old, new = (tomllib.loads(text.removeprefix("\ufeff")) for text in (before, after))
    except tomllib.TOMLDecodeError:
        return False
    old.setdefault(section, {})
    if not isinstance(old[section], dict):
        return False
    old[section][key] = value
    return bool(old == new)


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
