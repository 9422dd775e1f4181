"""Which vault is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaultbot.config_reader import Settings, read_settings
from vaultbot.errors import VaultMissing
from vaultbot.paths import state_paths
from vaultbot.vault_choice import choose_vault


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VAULTBOT_VAULT_PATH", raising=False)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def settings_of(here: Path, text: str) -> Settings:
    file = here.parent / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file, environ={})


HOME = "[vaults.home]\npath = 'Notes'\n"
WORK = "[vaults.work]\npath = 'Work'\n[vaults.work.server]\nport = 7\n"


def test_a_name_is_stronger_than_a_folder_of_that_name_here(here: Path) -> None:
    (here / "work").mkdir()
    settings = settings_of(here, HOME + WORK)

    by_name, by_path = choose_vault(settings, "work"), choose_vault(settings, "./work")

    assert (by_name.name, by_name.root, by_name.config.server.port) == ("work", here.parent / "Work", 7)
    assert (by_path.name, by_path.root, by_path.config.server.port) == (None, here / "work", 8765)


def test_a_folder_that_has_a_name_is_the_vault_of_that_name(here: Path) -> None:
    settings = settings_of(here, HOME + WORK)

    for words in ("../Work", str(here.parent / "Work")):
        chosen = choose_vault(settings, words)
        assert (chosen.name, chosen.root, chosen.config.server.port) == ("work", here.parent / "Work", 7)


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("[vault]\npath = 'work'\n" + HOME + WORK, ".", "Work"),
        ("[vault]\npath = 'Other'\n" + HOME + WORK, ".", "Other"),
        (WORK, ".", "Work"),
        (HOME + WORK, "../Work/Deep", "Work"),
        (HOME + WORK, "../Obsidian/Deep", "Obsidian"),
    ],
)
def test_without_a_word_it_is_the_default_or_where_one_is_or_the_only_one(
    here: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: str, expected: str
) -> None:
    for folder in ("Work/Deep", "Obsidian/Deep", "Obsidian/.obsidian"):
        (here.parent / folder).mkdir(parents=True)
    monkeypatch.chdir(place)

    assert choose_vault(settings_of(here, text), None).root == here.parent / expected


def test_where_nothing_says_which_the_names_are_told(here: Path) -> None:
    with pytest.raises(
        VaultMissing, match=r"^no vault is named; give --vault home or work, or .*: vaultbot vaults use"
    ):
        choose_vault(settings_of(here, HOME + WORK), None)
    with pytest.raises(VaultMissing, match=r"^no vault is named; give --vault FOLDER, or .*: vaultbot init$"):
        choose_vault(settings_of(here, ""), None)


def test_a_misspelt_name_is_told_with_the_one_that_is_like_it(here: Path) -> None:
    settings = settings_of(here, HOME + WORK + "[vaults.'日本 メモ']\npath = 'M'\n")

    for wrong, meant in (("wrok", "work"), ("Home", "home"), ("日本メモ", "日本 メモ")):
        with pytest.raises(
            VaultMissing, match=rf"^no vault is called {wrong}, .*; did you mean {meant}\? The settings"
        ):
            choose_vault(settings, wrong)
    with pytest.raises(VaultMissing, match=r"no such folder here; The settings name home, work or 日本 メモ; see: "):
        choose_vault(settings, "xyz")


def test_a_word_may_still_be_a_folder_here_or_one_that_was_here(here: Path) -> None:
    settings = settings_of(here, HOME + WORK)
    (here / "There").mkdir()
    state_paths(here / "Gone").create()

    assert choose_vault(settings, "There").root == here / "There"
    assert choose_vault(settings, "Gone").root == here / "Gone"
    assert choose_vault(settings_of(here, ""), "Never").root == here / "Never"
