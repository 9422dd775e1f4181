from __future__ import annotations

import stat
from pathlib import Path

import pytest

from vaultbot.errors import ConfigError, VaultbotError
from vaultbot.paths import absolute, config_folder, embedder_cache, state_folder, state_paths


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_one_variable_moves_everything(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config_folder() == state_folder() == home
    assert embedder_cache().is_relative_to(home)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAULTBOT_HOME", "relative")

    assert state_folder() == tmp_path / "relative"


def test_without_it_the_systems_own_places_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULTBOT_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    assert embedder_cache().is_relative_to(tmp_path)
    assert config_folder().is_relative_to(tmp_path)
    assert state_folder().is_relative_to(tmp_path)


def test_a_vault_has_one_state_by_whatever_path_it_is_reached(tmp_path: Path) -> None:
    (tmp_path / "Notes").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "Notes")

    assert state_paths(tmp_path / "link") == state_paths(tmp_path / "Notes" / ".." / "Notes")
    assert state_paths(tmp_path / "Notes").root.name.startswith("Notes-")


def test_two_vaults_of_one_name_have_two_states(tmp_path: Path) -> None:
    assert state_paths(tmp_path / "a" / "Notes") != state_paths(tmp_path / "b" / "Notes")


@pytest.mark.parametrize("name", ["メモ帳", "a/../b.", "x" * 200, "my notes; rm -rf", "-n"])
def test_the_states_folder_has_a_name_that_any_disk_takes(name: str) -> None:
    root = state_paths(Path("/vaults") / name).root

    assert len(root.name) <= 51
    assert all(c.isalnum() or c in "-_" for c in root.name)


def test_state_is_never_inside_the_vault(tmp_path: Path, home: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    for vault in (tmp_path, home, tmp_path / "link"):
        with pytest.raises(ConfigError, match="is inside the vault; set VAULTBOT_HOME to a folder elsewhere"):
            state_paths(vault)
        with pytest.raises(ConfigError, match="is inside the vault; set VAULTBOT_HOME to a folder elsewhere"):
            embedder_cache(vault)
    assert state_paths(tmp_path / "hom")
    assert embedder_cache(tmp_path / "hom")


def test_every_folder_that_is_made_is_for_the_owner_alone(tmp_path: Path, home: Path) -> None:
    tmp_path.chmod(0o755)
    state = state_paths(tmp_path / "Notes")
    state.create()
    state.root.chmod(0o777)
    state.create()

    modes = {stat.S_IMODE(folder.stat().st_mode) for folder in (home, home / "vaults", state.root)}
    assert modes == {0o700}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, home: Path) -> None:
    home.write_text("a file")

    with pytest.raises(VaultbotError, match=r"cannot use the state folder .*; set VAULTBOT_HOME to a folder you can"):
        state_paths(tmp_path / "Notes").create()


def test_a_path_is_made_absolute_without_following_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/people/ana")
    (tmp_path / "link").symlink_to("/")

    assert absolute("link/x") == tmp_path / "link" / "x"
    assert absolute("x", base="/base") == Path("/base/x")
    assert absolute("~/x", base="/base") == Path("/people/ana/x")
    assert absolute("~nobody-of-that-name/x", base="/base") == Path("/base/~nobody-of-that-name/x")
