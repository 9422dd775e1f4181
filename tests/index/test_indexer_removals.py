"""What the indexer removes, and what it never takes for deleted."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.index.conftest import Desk, counts
from vaultbot import faults
from vaultbot.errors import VaultMissing
from vaultbot.vault.vault import Vault


class Meanwhile(threading.Event):
    """A stop event that never stops anything: something happens while the indexer waits for it."""

    def __init__(self, happening: Callable[[], object]) -> None:
        super().__init__()
        self._happening = happening
        self.happened = False

    def wait(self, timeout: float | None = None) -> bool:
        self._happening()
        self.happened = True
        return super().wait(timeout)


@contextmanager
def unlistable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As without permission, which does not stop root."""
    scandir = os.scandir

    def refuse(path: str | Path) -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        yield


# ── notes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deleted_note_goes_after_two_looks(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultbot.index.removals.SETTLE_S", 0.3)
    (garden.root / "Plants/Roses.md").unlink()

    first = garden.run(settle=False)
    assert (first.removed, garden.indexer.waits_for_missing) == (0, True)
    assert garden.find("prune") == ["Plants/Roses.md"]

    threading.Event().wait(0.3)
    second = garden.run(settle=False)
    assert (second.removed, garden.indexer.waits_for_missing) == (1, False)
    assert garden.find("prune") == []


def test_a_note_that_is_being_saved_is_never_missing_from_search(garden: Desk) -> None:
    text = (garden.root / "Home.md").read_bytes()
    (garden.root / "Home.md").unlink()
    garden.run(settle=False)
    assert garden.find("starts") == ["Home.md"]
    garden.write("Home.md", text)

    threading.Event().wait(0.1)
    report = garden.run()

    assert report.removed == 0
    assert not garden.indexer.waits_for_missing
    assert garden.find("starts") == ["Home.md"]


def test_a_note_that_comes_back_between_the_looks_stays(garden: Desk) -> None:
    text = (garden.root / "Home.md").read_bytes()
    (garden.root / "Home.md").unlink()
    meanwhile = Meanwhile(lambda: garden.write("Home.md", text))

    report = garden.indexer.run(settle=True, stopping=meanwhile)

    assert meanwhile.happened
    assert report.removed == 0
    assert garden.find("starts") == ["Home.md"]


@pytest.mark.parametrize("instead", ["folder", "link", "pipe"])
def test_a_note_whose_place_something_else_took_is_removed(garden: Desk, instead: str) -> None:
    note = garden.root / "Home.md"
    note.unlink()
    if instead == "folder":
        note.mkdir()
    elif instead == "link":
        note.symlink_to("Plants/Roses.md")
    else:
        os.mkfifo(note)

    report = garden.run()

    assert report.removed == 1
    assert not garden.indexer.waits_for_missing
    assert garden.reader.paths() == ["Plants/Roses.md", "Plants/Tulips.md"]


def test_a_folder_that_went_with_its_notes_is_removed(garden: Desk) -> None:
    shutil.rmtree(garden.root / "Plants")

    assert garden.run().removed == 2


def test_notes_that_obsidian_excludes_now_are_found_no_more_at_once(garden: Desk) -> None:
    garden.write(".obsidian/app.json", '{"userIgnoreFilters": ["Plants/"]}')

    report = garden.run(settle=False)

    assert counts(report) == (0, 2, 0, 0, 1)
    assert garden.reader.counts()[0] == 1
    assert garden.find("prune") == []
    garden.write(".obsidian/app.json", "{}")
    assert garden.run().embedded == 0
    assert garden.find("prune") == ["Plants/Roses.md"]


def test_a_note_that_says_so_is_left_out(garden: Desk) -> None:
    garden.write("Home.md", "---\nvaultbot: false\n---\nsecret\n")

    report = garden.run()

    assert report.removed == 1
    assert [(s.path, s.reason) for s in report.skipped] == [("Home.md", "it says vaultbot: false")]
    assert garden.find("secret") == []
    assert counts(garden.run()) == (0, 0, 0, 0, 2)


def test_a_folder_that_cannot_be_listed_keeps_its_notes(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with unlistable(garden.root / "Plants", monkeypatch):
        for _ in range(3):
            report = garden.run()
            assert report.removed == 0
            assert report.warnings == ("the folder Plants cannot be listed; its notes are kept as they were",)
    assert garden.find("prune") == ["Plants/Roses.md"]
    assert counts(garden.run()) == (0, 0, 0, 0, 3)


def test_a_note_that_cannot_be_read_keeps_its_last_version(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    garden.write("Home.md", "changed\n")
    read = Vault.read

    def refuse(vault: Vault, path: str, *, known_hash: str | None = None) -> object:
        if path == "Home.md":
            raise PermissionError(13, "Permission denied", path)
        return read(vault, path, known_hash=known_hash)

    with monkeypatch.context() as patch:
        patch.setattr(Vault, "read", refuse)
        report = garden.run()
    assert [s.path for s in report.failed] == ["Home.md"]
    assert "Permission denied" in report.failed[0].reason
    assert garden.find("starts") == ["Home.md"]

    assert counts(garden.run()) == (0, 1, 0, 0, 2)


# ── the vault itself ───────────────────────────────────────────────────────────────────────────────────────────────


def refuses(desk: Desk) -> str:
    """The message of the refusal; nothing may have changed."""
    before = desk.indexer._catalog.recorded()
    with pytest.raises(VaultMissing) as caught:
        desk.run()
    assert desk.indexer._catalog.recorded() == before
    assert not desk.indexer.waits_for_missing
    return str(caught.value)


def test_a_vault_that_went_away_loses_nothing_and_comes_back_for_free(garden: Desk) -> None:
    away = garden.root.with_name("away")
    garden.root.rename(away)

    assert "does not exist" in refuses(garden)

    away.rename(garden.root)
    report = garden.run()
    assert counts(report) == (0, 0, 0, 0, 3)
    assert report.embedded == 0


@pytest.mark.parametrize("instead", ["empty folder", "file", "only settings"])
def test_a_vault_that_is_not_mounted_loses_nothing(garden: Desk, instead: str) -> None:
    garden.root.rename(garden.root.with_name("away"))
    if instead == "file":
        garden.root.touch()
    else:
        garden.root.mkdir()
    if instead == "only settings":
        (garden.root / ".obsidian").mkdir()

    for _ in range(3):
        refuses(garden)

    if instead == "file":
        garden.root.unlink()
    else:
        shutil.rmtree(garden.root)
    garden.root.with_name("away").rename(garden.root)
    assert counts(garden.run()) == (0, 0, 0, 0, 3)


def test_a_vault_that_was_emptied_in_place_loses_nothing_either(garden: Desk) -> None:
    for entry in garden.root.iterdir():
        shutil.move(entry, garden.root.parent / f"away-{entry.name}")

    assert "is empty" in refuses(garden)


def test_another_vault_in_its_place_is_refused(garden: Desk) -> None:
    garden.root.rename(garden.root.with_name("away"))
    garden.write("Recipes.md", "Other notes.")

    message = refuses(garden)

    assert "holds none of the 3 notes" in message
    assert "is it the same vault?" in message


def test_another_vault_that_has_a_note_of_the_same_name_is_refused_too(garden: Desk) -> None:
    garden.root.rename(garden.root.with_name("away"))
    garden.write("Home.md", "Another home.")

    assert "holds 1 of the 3 notes" in refuses(garden)


def test_another_vault_becomes_the_vault_when_its_owner_says_so(garden: Desk) -> None:
    garden.root.rename(garden.root.with_name("away"))
    garden.write("Recipes.md", "Other notes.")
    assert "vaultbot index --relink" in refuses(garden)

    report = garden.indexer.run(settle=True, relink=True)

    assert counts(report) == (1, 0, 0, 3, 0)
    assert garden.reader.paths() == ["Recipes.md"]
    assert counts(garden.run()) == (0, 0, 0, 0, 1)


def test_a_vault_that_its_owner_emptied_is_empty_when_he_says_so(garden: Desk) -> None:
    shutil.rmtree(garden.root)
    garden.root.mkdir()
    refuses(garden)

    assert garden.indexer.run(settle=True, relink=True).removed == 3


@pytest.mark.parametrize("nth", [1, 2])
def test_a_listing_that_breaks_off_removes_nothing(garden: Desk, monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    """A bad disk: the first folder that is listed is the vault's own, the second one in it."""
    shutil.rmtree(garden.root / "Plants")
    (garden.root / "Plants").mkdir()
    monkeypatch.setattr(faults, "_passed", {})
    monkeypatch.setenv("VAULTBOT_FAULT", f"listing.folder:eio:{nth}")
    if nth == 1:
        refuses(garden)
    else:
        assert garden.run().removed == 0
    assert len(garden.reader.paths()) == 3

    monkeypatch.delenv("VAULTBOT_FAULT")
    assert garden.run().removed == 2


def test_another_vault_with_an_unreadable_folder_is_refused_too(garden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    garden.root.rename(garden.root.with_name("away"))
    garden.write("Recipes.md", "Other notes.")
    garden.write("Private/x.md", "x")

    with unlistable(garden.root / "Private", monkeypatch):
        refuses(garden)


def test_a_vault_that_vanishes_between_the_looks_loses_nothing(garden: Desk) -> None:
    (garden.root / "Home.md").unlink()

    def unmount() -> None:
        garden.root.rename(garden.root.with_name("away"))
        garden.root.mkdir()

    meanwhile = Meanwhile(unmount)
    report = garden.indexer.run(settle=True, stopping=meanwhile)

    assert meanwhile.happened
    assert report.removed == 0
    assert len(garden.reader.paths()) == 3


def test_a_vault_copied_to_another_disk_is_the_same_vault(garden: Desk) -> None:
    garden.root.rename(garden.root.with_name("old"))
    shutil.copytree(garden.root.with_name("old"), garden.root)
    (garden.root / "Home.md").unlink()

    report = garden.run()

    assert counts(report) == (0, 0, 0, 1, 2)
    assert report.embedded == 0


def test_an_empty_vault_is_no_mistake_before_anything_was_indexed(desk: Desk) -> None:
    assert counts(desk.run()) == (0, 0, 0, 0, 0)
    desk.write("First.md", "first")
    assert counts(desk.run()) == (1, 0, 0, 0, 0)
