"""A vault's own settings, as Obsidian and its plugins Templater and Periodic Notes write them.

They come with the vault, so they are read within limits, never trusted and never written. What cannot be used is told
in `warnings`, and Obsidian's default holds instead.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from vaultbot.errors import NoteNotFound
from vaultbot.types import Skipped

#: A larger file of settings is not read.
MAX_SETTINGS_BYTES = 1024 * 1024

LinkFormat = Literal["shortest", "relative", "absolute"]
NewFileLocation = Literal["root", "current", "folder"]

_CONFIG_FOLDER = ".obsidian"
_DAILY_FORMAT = "YYYY-MM-DD"
_MARKS_OF_A_CONFIG_FOLDER = ("app.json", "appearance.json", "core-plugins.json")
_LONGEST_TEXT = 1000
_MOST_FILTERS = 1000


@dataclass(frozen=True, slots=True)
class ObsidianSettings:
    """What Obsidian knows of a vault besides its files. Folders are vault-relative; "" is the root."""

    config_folder: str = _CONFIG_FOLDER
    new_link_format: LinkFormat = "shortest"
    use_markdown_links: bool = False
    new_file_location: NewFileLocation = "root"  #: "current": beside the note that links; "folder": `new_file_folder`
    new_file_folder: str = ""
    user_ignore_filters: tuple[str, ...] = ()  #: "Excluded files": a prefix of the path, or /an expression/
    daily_folder: str = ""
    daily_format: str = _DAILY_FORMAT  #: as in Moment.js; may contain "/"
    template_folders: tuple[str, ...] = ()  #: all that is in them is a template; never the root
    template_files: tuple[str, ...] = ()  #: templates elsewhere, with or without .md
    warnings: tuple[Skipped, ...] = ()  #: one for each file that is not wholly used


def read_settings(root: Path, read: Callable[[str], bytes]) -> ObsidianSettings:
    """The settings of the vault at `root`; never raises for what is in it.

    `read` gives at most `MAX_SETTINGS_BYTES` + 1 bytes of a vault-relative file. It raises OSError, and NoteNotFound
    for what leads out of the vault.
    """
    folder = _config_folder(root)
    if not Path(os.path.realpath(root / folder)).is_relative_to(os.path.realpath(root)):
        return ObsidianSettings(warnings=(Skipped(folder, "it leads out of the vault; its settings are not used"),))

    app = _SettingsFile(f"{folder}/app.json", read)
    daily = _SettingsFile(f"{folder}/daily-notes.json", read)
    templates = _SettingsFile(f"{folder}/templates.json", read)
    templater = _SettingsFile(f"{folder}/plugins/templater-obsidian/data.json", read)
    periodic = _SettingsFile(f"{folder}/plugins/periodic-notes/data.json", read)
    # Periodic Notes takes the place of the core plugin where its daily notes are switched on.
    days: _Values = periodic.inner("daily")
    if not days.flag("enabled"):
        days = daily

    return ObsidianSettings(
        config_folder=folder,
        new_link_format=cast("LinkFormat", app.one_of("newLinkFormat", get_args(LinkFormat))),
        use_markdown_links=app.flag("useMarkdownLinks"),
        new_file_location=cast("NewFileLocation", app.one_of("newFileLocation", get_args(NewFileLocation))),
        new_file_folder=app.folder("newFileFolderPath"),
        user_ignore_filters=app.texts("userIgnoreFilters"),
        daily_folder=days.folder("folder"),
        daily_format=days.text("format") or _DAILY_FORMAT,
        template_folders=_given(templates.folder("folder"), templater.folder("templates_folder")),
        template_files=_given(days.folder("template")),
        warnings=tuple(
            Skipped(file.path, "; ".join(file.wrong))
            for file in (app, daily, templates, templater, periodic)
            if file.wrong
        ),
    )


def _config_folder(root: Path) -> str:
    """Obsidian lets a vault have its settings in any folder with a dot in front."""
    if (root / _CONFIG_FOLDER).is_dir():
        return _CONFIG_FOLDER
    try:
        with os.scandir(root) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.name.startswith(".") and entry.name != ".trash" and entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return _CONFIG_FOLDER
    for name in filter(_is_text, names):
        if any((root / name / mark).is_file() for mark in _MARKS_OF_A_CONFIG_FOLDER):
            return name
    return _CONFIG_FOLDER


def _given(*folders: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, folders)))


class _Values:
    """Named values of a JSON file. One of the wrong type counts as absent, and is told in `wrong`."""

    def __init__(self, values: Mapping[str, Any], wrong: list[str]) -> None:
        self.wrong = wrong
        self._values = values

    def text(self, key: str) -> str:
        value = self._values.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not _is_text(value) or len(value) > _LONGEST_TEXT:
            self._complain(f"{key} is no text of at most {_LONGEST_TEXT} characters")
            return ""
        return value.strip()

    def folder(self, key: str) -> str:
        folder = self.text(key).strip("/")
        return "" if folder == "." else folder

    def flag(self, key: str) -> bool:
        value = self._values.get(key)
        if value is not None and not isinstance(value, bool):
            self._complain(f"{key} is neither true nor false")
        return value is True

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.text(key)
        if value and value not in allowed:
            self._complain(f"{key} is none of {', '.join(allowed)}")
        return value if value in allowed else allowed[0]

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self._complain(f"{key} is no list")
            return ()
        texts = [text for text in value if isinstance(text, str) and _is_text(text) and len(text) <= _LONGEST_TEXT]
        if len(texts) < len(value):
            self._complain(f"{key} holds what is no text of at most {_LONGEST_TEXT} characters")
        if len(texts) > _MOST_FILTERS:
            self._complain(f"only the first {_MOST_FILTERS} of {key} are used")
        return tuple(texts[:_MOST_FILTERS])

    def inner(self, key: str) -> _Values:
        value = self._values.get(key)
        if value is not None and not isinstance(value, dict):
            self._complain(f"{key} holds no settings")
        return _Values(value if isinstance(value, dict) else {}, self.wrong)

    def _complain(self, words: str) -> None:
        if words not in self.wrong:
            self.wrong.append(words)


class _SettingsFile(_Values):
    """One JSON file; a missing one holds nothing."""

    def __init__(self, path: str, read: Callable[[str], bytes]) -> None:
        self.path = path
        values: Mapping[str, Any] = {}
        wrong: list[str] = []
        try:
            values = _parse(read(path))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except NoteNotFound:
            wrong.append("it leads out of the vault and is not read")
        except OSError as error:
            wrong.append(f"it cannot be read: {error.strerror}")
        except ValueError as error:
            wrong.append(f"it cannot be read, so Obsidian's defaults are used: {error}")
        super().__init__(values, wrong)


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_SETTINGS_BYTES:
        raise ValueError(f"it is larger than {MAX_SETTINGS_BYTES // 1024**2} MiB")
    try:
        settings = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(settings, dict):
        raise ValueError("it holds no settings")
    return settings


def _is_text(value: str) -> bool:
    """JSON and file names may hold halves of characters, which can be neither stored nor shown."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
