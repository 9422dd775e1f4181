"""The day a note is about, as its name and its properties say it; a file's own time is no evidence.

Syncing and version control set the time of every file anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from vaultbot.types import JsonValue
from vaultbot.vault.moment import iso_date_in, parse_moment
from vaultbot.vault.obsidian import ObsidianSettings
from vaultbot.vault.resolver import path_key, without_md

_DATE_KEYS = ("date", "created")  #: the first one wins
# A day, alone or before a time, as text or as a link to a daily note.
_PROPERTY = re.compile(r"\s{0,9}(?:\[\[)?([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})(?![0-9])")


def note_date(path: str, properties: Mapping[str, JsonValue], settings: ObsidianSettings) -> date | None:
    """The day of a note: that of a daily note, else of an ISO date in its name, else of its properties, else None."""
    name = without_md(path)
    inner = _below(settings.daily_folder, name)
    return (
        (parse_moment(settings.daily_format, inner) if inner is not None else None)
        or iso_date_in(name.rpartition("/")[2])
        or _property_date(properties)
    )


def is_daily_name(linkpath: str, settings: ObsidianSettings) -> bool:
    """Whether a link names a day. The note of a day that is not there is missing in the ordinary course of things."""
    name = without_md(linkpath.strip()).removeprefix("/")
    inner = _below(settings.daily_folder, name)
    last, last_format = (written.rpartition("/")[2] for written in (name, settings.daily_format))
    named = [(settings.daily_format, name), (last_format, last), ("YYYY-MM-DD", last)]
    if inner is not None:
        named.append((settings.daily_format, inner))
    return any(parse_moment(how, written) for how, written in named)


def _below(folder: str, path: str) -> str | None:
    """The path as seen from a folder that it is in."""
    # Folding may change the length, so the parts are counted and not the characters.
    parts, depth = path.split("/"), folder.count("/") + 1 if folder else 0
    return "/".join(parts[depth:]) if path_key("/".join(parts[:depth])) == path_key(folder) else None


def _property_date(properties: Mapping[str, JsonValue]) -> date | None:
    values = {key.casefold(): value for key, value in properties.items()}
    for key in _DATE_KEYS:
        value = values.get(key)
        match = _PROPERTY.match(value) if isinstance(value, str) else None
        if match:
            try:
                return date(int(match[1]), int(match[3]), int(match[4]))
            except ValueError:
                continue
    return None
