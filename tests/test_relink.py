"""A vault whose folder was moved keeps its index."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import VaultBuilder
from tests.fakes import HashEmbedder
from vaultbot.errors import InvalidRequest, VaultbotError
from vaultbot.index.roster import count_of
from vaultbot.paths import state_paths
from vaultbot.relink import moved_from, moved_to, take_along
from vaultbot.runtime import hold_lock
from vaultbot.states import owner_of, remember_owner
from vaultbot.vault.journal import Journal


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def vault(tmp_path: Path) -> VaultBuilder:
    """Twelve notes, indexed and left."""
    root = tmp_path / "Notes"
    vault = VaultBuilder(root, state_paths(root))
    for number in range(12):
        vault.write(f"Deep/Note {number}.md", f"# Note {number}\n\nThe word w{number} stands here.\n")
    indexed(vault)
    return vault


def indexed(vault: VaultBuilder) -> int:
    """Look through the vault as a daemon does; returns how many texts were embedded for that."""
    vault.state.create()
    embedder = vault.embedder = HashEmbedder()
    vault.index()
    embedded = len(embedder.embedded)
    remember_owner(vault.state, vault.root)
    assert vault.search("w7")[0].path == "Deep/Note 7.md"
    vault.close()
    return embedded


def at(root: Path) -> VaultBuilder:
    return VaultBuilder(root, state_paths(root))


def test_the_index_is_taken_along_without_embedding_a_text(vault: VaultBuilder, tmp_path: Path) -> None:
    root = tmp_path / "elsewhere" / "Garden 庭"
    root.parent.mkdir()
    vault.root.rename(root)
    token = "t" * 43
    vault.state.token.write_text(token)

    (moved,) = moved_to(root)
    assert (moved.vault, moved.known, moved.here) == (vault.root, 12, 12)
    take_along(moved)

    assert indexed(at(root)) == 0
    assert not vault.state.root.exists()
    assert state_paths(root).token.read_text() == token
    owner = owner_of(state_paths(root))
    assert owner is not None
    assert owner.vault == root


def test_a_vault_that_came_back_on_another_disk_is_the_same_by_its_notes(vault: VaultBuilder, tmp_path: Path) -> None:
    """A copy has other inodes, as a restored backup has."""
    root = tmp_path / "Restored"
    shutil.copytree(vault.root, root)
    shutil.rmtree(vault.root)
    (root / "Deep" / "Note 1.md").unlink()

    (moved,) = moved_to(root)
    assert (moved.known, moved.here) == (12, 11)
    take_along(moved)

    assert indexed(at(root)) == 0


def test_an_index_of_an_earlier_version_is_known_by_all_its_notes(vault: VaultBuilder, tmp_path: Path) -> None:
    with closing(sqlite3.connect(vault.state.catalog)) as catalog:
        catalog.execute("ALTER TABLE note DROP COLUMN searched")
    root = vault.root.rename(tmp_path / "Moved")

    (moved,) = moved_to(root)

    assert (moved.known, count_of(vault.state.catalog)) == (12, 12)


def test_a_copy_beside_the_vault_is_another_vault(vault: VaultBuilder, tmp_path: Path) -> None:
    root = tmp_path / "Copy"
    shutil.copytree(vault.root, root)

    assert moved_to(root) == []
    with pytest.raises(
        InvalidRequest, match=r"holds 12 of the 12 notes .* or they are still there as well, so it is an"
    ):
        moved_from(vault.state, root)


def test_another_vault_in_the_old_place_does_not_keep_the_index_there(vault: VaultBuilder, tmp_path: Path) -> None:
    root = tmp_path / "Moved"
    vault.root.rename(root)
    vault.root.mkdir()
    (vault.root / "Stranger.md").write_text("Something else.")

    (moved,) = moved_to(root)
    take_along(moved)

    assert indexed(at(root)) == 0
    assert not vault.state.root.exists()


def test_a_folder_with_other_notes_is_refused(vault: VaultBuilder, tmp_path: Path) -> None:
    shutil.rmtree(vault.root)
    root = tmp_path / "Other"
    (root / "Deep").mkdir(parents=True)
    (root / "Deep" / "Note 1.md").write_text("One of twelve.")

    assert moved_to(root) == []
    with pytest.raises(InvalidRequest, match=r"holds 1 of the 12 notes that were indexed in .*Notes"):
        moved_from(vault.state, root)
    with pytest.raises(InvalidRequest, match="there is no index in "):
        moved_from(state_paths(tmp_path / "Never"), root)


def test_an_index_that_was_made_there_meanwhile_is_dropped_unless_it_holds_what_only_it_knows(
    vault: VaultBuilder, tmp_path: Path
) -> None:
    root = tmp_path / "Moved"
    vault.root.rename(root)
    meanwhile = at(root)
    assert indexed(meanwhile) > 0
    journal = Journal(meanwhile.state.edits, clock=time.time)
    journal.plan(journal.begin(), "N.md", before=b"old", after=b"new", mode=0o600, mtime_ns=0, temp="t")
    journal.close()
    (moved,) = moved_to(root)
    with pytest.raises(VaultbotError, match=r"has an index of its own that holds edits that can be undone; if you"):
        take_along(moved)
    assert vault.state.catalog.exists()
    shutil.rmtree(meanwhile.state.edits)
    sentinel = meanwhile.state.root / "sentinel"
    sentinel.touch()

    take_along(moved)

    assert not sentinel.exists()
    assert indexed(at(root)) == 0
    assert list(state_paths(root).root.parent.iterdir()) == [state_paths(root).root]


def test_nothing_is_moved_under_a_daemon(vault: VaultBuilder, tmp_path: Path) -> None:
    root = tmp_path / "Moved"
    vault.root.rename(root)
    (moved,) = moved_to(root)

    with hold_lock(vault.state), pytest.raises(VaultbotError, match=rf"vaultbot stop --vault {vault.root}$"):
        take_along(moved)
    state_paths(root).create()
    with hold_lock(state_paths(root)), pytest.raises(VaultbotError, match=rf"vaultbot stop --vault {root}$"):
        take_along(moved)

    assert vault.state.catalog.exists()
