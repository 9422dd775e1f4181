"""A vault's own settings, which nobody vouches for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.vault.obsidian import ObsidianSettings, read_settings
from vaultbot.vault.vault import Vault


def write(root: Path, path: str, content: Any) -> None:
    """A settings file below .obsidian, or, with a dot in front, anywhere."""
    file = root / (path if path.startswith(".") else f".obsidian/{path}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def settings(root: Path) -> ObsidianSettings:
    return Vault(root).settings()


def told(root: Path) -> list[str]:
    return [warning.path for warning in settings(root).warnings]


def test_a_vault_without_settings_has_obsidians_defaults(tmp_path: Path) -> None:
    assert settings(tmp_path) == ObsidianSettings(
        config_folder=".obsidian",
        new_link_format="shortest",
        use_markdown_links=False,
        user_ignore_filters=(),
        daily_folder="",
        daily_format="YYYY-MM-DD",
        template_folders=(),
        template_files=(),
        warnings=(),
    )


def test_a_vault_that_is_not_there_has_the_defaults_too(tmp_path: Path) -> None:
    assert settings(tmp_path / "gone") == ObsidianSettings()


def test_the_settings_are_those_of_obsidians_own_files(tmp_path: Path) -> None:
    app = {"newLinkFormat": "relative", "useMarkdownLinks": True, "userIgnoreFilters": ["Old/", "/draft/"]}
    write(tmp_path, "app.json", app)
    write(tmp_path, "daily-notes.json", {"folder": "Journal/", "format": "YYYY/MM/DD", "template": "Meta/Day.md"})
    write(tmp_path, "templates.json", {"folder": "/Templates"})

    assert settings(tmp_path) == ObsidianSettings(
        new_link_format="relative",
        use_markdown_links=True,
        user_ignore_filters=("Old/", "/draft/"),
        daily_folder="Journal",
        daily_format="YYYY/MM/DD",
        template_folders=("Templates",),
        template_files=("Meta/Day.md",),
    )


def test_templaters_folder_is_one_of_templates(tmp_path: Path) -> None:
    write(tmp_path, "templates.json", {"folder": "Templates"})
    write(tmp_path, "plugins/templater-obsidian/data.json", {"templates_folder": "Meta/Templater"})
    assert settings(tmp_path).template_folders == ("Templates", "Meta/Templater")

    write(tmp_path, "plugins/templater-obsidian/data.json", {"templates_folder": "Templates/"})
    assert settings(tmp_path).template_folders == ("Templates",)


@pytest.mark.parametrize("folder", ["", "/", ".", " ", None])
def test_a_template_folder_that_is_not_chosen_makes_no_note_a_template(tmp_path: Path, folder: str | None) -> None:
    write(tmp_path, "templates.json", {"folder": folder})
    write(tmp_path, "plugins/templater-obsidian/data.json", {"templates_folder": folder})

    assert settings(tmp_path) == ObsidianSettings()


def test_periodic_notes_wins_where_its_daily_notes_are_on(tmp_path: Path) -> None:
    write(tmp_path, "daily-notes.json", {"folder": "Core", "format": "YYYYMMDD"})
    daily = {"enabled": True, "folder": "Days", "format": "", "template": "Day"}

    write(tmp_path, "plugins/periodic-notes/data.json", {"daily": daily})
    of_the_plugin = settings(tmp_path)
    assert (of_the_plugin.daily_folder, of_the_plugin.daily_format) == ("Days", "YYYY-MM-DD")
    assert of_the_plugin.template_files == ("Day",)

    write(tmp_path, "plugins/periodic-notes/data.json", {"daily": daily | {"enabled": False}})
    assert (settings(tmp_path).daily_folder, settings(tmp_path).daily_format) == ("Core", "YYYYMMDD")


# ── which folder ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mark", ["app.json", "appearance.json", "core-plugins.json"])
def test_the_settings_may_be_in_another_folder_with_a_dot(tmp_path: Path, mark: str) -> None:
    write(tmp_path, ".vimrc/note.json", {})
    write(tmp_path, ".trash/app.json", {})
    write(tmp_path, f".work/{mark}", {})
    write(tmp_path, ".zoo/app.json", {})
    write(tmp_path, ".work/daily-notes.json", {"folder": "Journal"})

    assert settings(tmp_path) == ObsidianSettings(config_folder=".work", daily_folder="Journal")


def test_the_folder_called_obsidian_wins(tmp_path: Path) -> None:
    write(tmp_path, ".mobile/app.json", {"useMarkdownLinks": True})
    write(tmp_path, ".obsidian/workspace.json", {})

    assert settings(tmp_path) == ObsidianSettings()


def test_a_file_in_place_of_the_folder_is_no_settings(tmp_path: Path) -> None:
    (tmp_path / ".obsidian").write_text("x")

    assert settings(tmp_path) == ObsidianSettings()


# ── what cannot be used ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "broken", [b"", b"{", b"[]", b"\xff", b"5", b"[" * 200_000, b"9" * 10_000, b"{}" + b" " * 2**20]
)
@pytest.mark.parametrize("path", ["app.json", "templates.json", "plugins/periodic-notes/data.json"])
def test_a_broken_file_is_told_once_and_the_others_hold(tmp_path: Path, path: str, broken: bytes) -> None:
    write(tmp_path, "daily-notes.json", {"folder": "Journal"})
    write(tmp_path, path, broken)

    found = settings(tmp_path)

    assert [warning.path for warning in found.warnings] == [f".obsidian/{path}"]
    assert found == ObsidianSettings(daily_folder="Journal", warnings=found.warnings)
    assert str(tmp_path) not in found.warnings[0].reason


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("app.json", {"newLinkFormat": "longest"}, "newLinkFormat is none of shortest, relative, absolute"),
        ("app.json", {"newLinkFormat": ["relative"]}, "newLinkFormat is no text"),
        ("app.json", {"useMarkdownLinks": 1}, "useMarkdownLinks is neither true nor false"),
        ("app.json", {"userIgnoreFilters": "a/"}, "userIgnoreFilters is no list"),
        ("daily-notes.json", {"folder": {}, "format": 7}, "folder is no text"),
        ("daily-notes.json", {"format": "Y" * 1001}, "format is no text of at most 1000 characters"),
        ("daily-notes.json", {"folder": "\udc80"}, "folder is no text"),
        ("templates.json", {"folder": True}, "folder is no text"),
        ("plugins/templater-obsidian/data.json", {"templates_folder": 1.5}, "templates_folder is no text"),
        ("plugins/periodic-notes/data.json", {"daily": [1]}, "daily holds no settings"),
        ("plugins/periodic-notes/data.json", {"daily": {"enabled": "yes"}}, "enabled is neither true nor false"),
    ],
)
def test_a_value_of_the_wrong_kind_counts_as_absent_and_is_named(
    tmp_path: Path, path: str, content: dict[str, Any], reason: str
) -> None:
    write(tmp_path, path, content)

    found = settings(tmp_path)

    (warning,) = found.warnings
    assert warning.path == f".obsidian/{path}"
    assert reason in warning.reason
    assert found == ObsidianSettings(warnings=found.warnings)


def test_null_is_no_value(tmp_path: Path) -> None:
    write(tmp_path, "app.json", {"newLinkFormat": None, "useMarkdownLinks": None, "userIgnoreFilters": None})

    assert settings(tmp_path) == ObsidianSettings()


def test_of_the_excluded_files_those_that_are_text_hold(tmp_path: Path) -> None:
    write(tmp_path, "app.json", {"userIgnoreFilters": ["a/", 5, "b", "\udc80", "c" * 1001, None]})

    assert settings(tmp_path).user_ignore_filters == ("a/", "b")
    assert "userIgnoreFilters holds what is no text" in settings(tmp_path).warnings[0].reason


def test_an_endless_list_of_excluded_files_is_cut(tmp_path: Path) -> None:
    write(tmp_path, "app.json", {"userIgnoreFilters": [f"{number}/" for number in range(5000)]})

    assert len(settings(tmp_path).user_ignore_filters) == 1000
    assert "only the first 1000" in settings(tmp_path).warnings[0].reason


def test_settings_outside_the_vault_are_not_read(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", ".obsidian/app.json", {"useMarkdownLinks": True})
    vault = tmp_path / "v"
    vault.mkdir()
    (vault / ".obsidian").symlink_to(tmp_path / "elsewhere/.obsidian")
    assert told(vault) == [".obsidian"]
    assert not settings(vault).use_markdown_links

    (vault / ".obsidian").unlink()
    (vault / ".obsidian/plugins").mkdir(parents=True)
    (vault / ".obsidian/app.json").symlink_to(tmp_path / "elsewhere/.obsidian/app.json")
    (vault / ".obsidian/plugins/periodic-notes").symlink_to(tmp_path / "elsewhere")
    write(tmp_path, "elsewhere/data.json", {"daily": {"enabled": True, "folder": "Stolen"}})
    assert told(vault) == [".obsidian/app.json", ".obsidian/plugins/periodic-notes/data.json"]
    assert all("leads out of the vault" in warning.reason for warning in settings(vault).warnings)
    assert not settings(vault).use_markdown_links


def test_settings_behind_a_link_within_the_vault_are_read(tmp_path: Path) -> None:
    write(tmp_path, ".dotfiles/obsidian/app.json", {"useMarkdownLinks": True})
    (tmp_path / ".obsidian").symlink_to(tmp_path / ".dotfiles/obsidian")

    assert settings(tmp_path) == ObsidianSettings(use_markdown_links=True)


def test_a_pipe_or_folder_in_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    (tmp_path / ".obsidian/app.json").mkdir(parents=True)
    os.mkfifo(tmp_path / ".obsidian/daily-notes.json")

    assert told(tmp_path) == [".obsidian/app.json", ".obsidian/daily-notes.json"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["newLinkFormat", "useMarkdownLinks", "userIgnoreFilters", "folder", "format", "template", "templates_folder"]
settings_files = st.dictionaries(st.sampled_from([*KEYS, "daily", "enabled"]), json_values).map(
    lambda values: json.dumps(values | {"daily": {**values, "enabled": True}} if "daily" in values else values).encode()
)


@given(settings_files | st.binary(max_size=40))
def test_no_settings_are_too_strange(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Whatever the files hold, the settings are of the right types and can be stored."""
    found = read_settings(tmp_path_factory.getbasetemp(), lambda path: data)

    assert found.new_link_format in ("shortest", "relative", "absolute")
    assert isinstance(found.use_markdown_links, bool)
    assert len(found.warnings) <= 5
    assert found.daily_format
    texts = [*found.user_ignore_filters, *found.template_folders, *found.template_files, found.daily_folder]
    for text in [*texts, found.daily_format, *(warning.reason for warning in found.warnings)]:
        text.encode()
    assert all(found.template_folders)


def test_where_new_notes_go_is_known(tmp_path: Path) -> None:
    assert (settings(tmp_path).new_file_location, settings(tmp_path).new_file_folder) == ("root", "")

    write(tmp_path, "app.json", {"newFileLocation": "folder", "newFileFolderPath": "/Inbox/"})
    assert (settings(tmp_path).new_file_location, settings(tmp_path).new_file_folder) == ("folder", "Inbox")

    write(tmp_path, "app.json", {"newFileLocation": "elsewhere"})
    assert settings(tmp_path).new_file_location == "root"
    assert told(tmp_path) == [".obsidian/app.json"]
