"""What vaultbot takes away is what vaultbot has made, and nothing beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vaultbot.belongings import belongings, delete, states
from vaultbot.errors import VaultbotError
from vaultbot.paths import StatePaths, state_paths


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def state(home: Path, tmp_path: Path) -> StatePaths:
    """The state of a vault, with every file of it."""
    state = state_paths(tmp_path / "Notes")
    state.create()
    for file in (state.catalog, state.lock, state.token, state.log, state.decisions, state.ranking, state.runtime):
        file.write_text("x" * 10)
    for ending in ("catalog.db-wal", "catalog.db-shm", "daemon.log.1", "token.new"):
        (state.root / ending).touch()
    for folder in (state.vectors, state.next_vectors, state.edits):
        folder.mkdir()
        (folder / "anything").write_text("x" * 5)
    return state


def test_all_of_it_is_listed_with_its_size_and_then_gone(home: Path, state: StatePaths) -> None:
    (home / "models").mkdir()
    (home / "models" / "qwen3-4b-q4_k_m.gguf").write_text("x" * 1000)
    (home / "models" / ".other.gguf.0123456789ab.part").write_text("x" * 500)
    (home / "cache" / "embedders" / "all-minilm").mkdir(parents=True)
    (home / "config.toml").write_text("")

    things = belongings()

    assert [(thing.path.relative_to(home).as_posix(), thing.size) for thing in things] == [
        (f"vaults/{state.root.name}", 85),
        ("models", 1500),
        ("cache/embedders", 0),
        ("config.toml", 0),
    ]
    delete(things)
    assert not home.exists()


def test_nothing_is_listed_where_vaultbot_was_never_used(home: Path) -> None:
    assert (belongings(), states()) == ([], [])


@pytest.mark.parametrize(
    "foreign",
    ["vaults/Notes-0123456789/Thesis.md", "vaults/Notes", "vaults/holiday.jpg", "models/Modelfile"],
)
def test_where_something_else_lies_among_it_nothing_is_listed_for_deletion(
    home: Path, state: StatePaths, foreign: str
) -> None:
    file = home / foreign.replace("Notes-0123456789", state.root.name)
    file.parent.mkdir(exist_ok=True)
    file.write_text("years of work")

    with pytest.raises(VaultbotError, match=re.escape(f"vaultbot did not make {file}; move that elsewhere")):
        belongings()


def test_what_lies_beside_it_stays(home: Path, state: StatePaths) -> None:
    for beside in ("notes.md", "cache/other/file", "services.txt"):
        (home / beside).parent.mkdir(parents=True, exist_ok=True)
        (home / beside).write_text("mine")

    delete(belongings())

    assert sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()) == [
        "cache/other/file",
        "notes.md",
        "services.txt",
    ]


def test_what_a_link_leads_to_stays(home: Path, state: StatePaths, tmp_path: Path) -> None:
    elsewhere = tmp_path / "big disk"
    elsewhere.mkdir()
    (elsewhere / "model.gguf").write_text("weights")
    (home / "models").symlink_to(elsewhere)
    (state.vectors / "link").symlink_to(elsewhere)
    with pytest.raises(VaultbotError, match=re.escape(f"vaultbot did not make {home / 'models'}")):
        belongings()

    (home / "models").unlink()
    delete(belongings())

    assert (elsewhere / "model.gguf").read_text() == "weights"
    assert not home.exists()


def test_a_state_that_is_a_link_is_not_vaultbots(home: Path, tmp_path: Path) -> None:
    (tmp_path / "Notes").mkdir()
    (home / "vaults").mkdir(parents=True)
    (home / "vaults" / "Notes-0123456789").symlink_to(tmp_path / "Notes")

    with pytest.raises(VaultbotError, match="vaultbot did not make"):
        belongings()
