"""What is taken for a note, and what is left out and why."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from vaultbot.vault.ignore import Ignore, exclude_spec
from vaultbot.vault.listing import Listing, is_in_the_cloud, list_vault
from vaultbot.vault.obsidian import ObsidianSettings


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def listed(root: Path, *exclude: str, pdf: bool = False) -> Listing:
    return list_vault(root, Ignore(exclude_spec(exclude)), pdf=pdf)


def reasons(listing: Listing) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in listing.skipped}


def test_notes_and_attachments_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, "b.md", "Food/Kimchi.md", "Ext.MD", "img/pic.png", "Board.canvas", "md")

    listing = listed(tmp_path)

    assert list(listing.notes) == ["Board.canvas", "Ext.MD", "Food/Kimchi.md", "b.md"]
    assert listing.files == ("img/pic.png", "md")
    assert listing.skipped == ()
    assert listing.notes["b.md"].size == 4


def test_a_pdf_is_a_document_only_where_pdfs_are_wanted(tmp_path: Path) -> None:
    write(tmp_path, "files/doc.PDF", "Week.pdf/Monday.md", ".Far.pdf.icloud")

    plain, wanted = listed(tmp_path), listed(tmp_path, pdf=True)

    assert (list(plain.notes), plain.files) == (["Week.pdf/Monday.md"], ("files/doc.PDF",))
    assert plain.unknown == frozenset()
    assert (list(wanted.notes), wanted.files) == (["Week.pdf/Monday.md", "files/doc.PDF"], ())
    assert wanted.unknown == {"Far.pdf"}


def test_hidden_folders_and_node_modules_are_no_part_of_the_vault(tmp_path: Path) -> None:
    write(tmp_path, ".obsidian/x.md", ".trash/Gone.md", "a/.git/y.md", ".hidden.md", "node_modules/p/README.md")

    assert listed(tmp_path) == Listing({}, (), ())


def test_an_excluded_note_can_still_be_linked_to(tmp_path: Path) -> None:
    write(tmp_path, "Private/Diary.md", "Open.md")

    listing = listed(tmp_path, "Private/")

    assert list(listing.notes) == ["Open.md"]
    assert listing.files == ("Private/Diary.md",)


def test_a_hidden_note_that_cannot_be_read_now_is_known_to_be_hidden(tmp_path: Path) -> None:
    write(tmp_path, "Old/.Far.md.icloud", "Old/Near.md", "Old/pic.png")
    settings = ObsidianSettings(user_ignore_filters=("Old/",))

    listing = list_vault(tmp_path, Ignore(exclude_spec(()), settings))

    assert listing.unsearched == {"Old/Far.md": "excluded", "Old/Near.md": "excluded"}
    assert listing.unknown == {"Old/Far.md"}
    assert listing.files == ("Old/pic.png",)


def test_links_are_not_followed(tmp_path: Path) -> None:
    vault, outside = tmp_path / "v", tmp_path / "v-evil"
    write(vault, "Real.md", "sub/Deep.md")
    write(outside, "secret.md")
    (vault / "file-out.md").symlink_to(outside / "secret.md")
    (vault / "folder-out").symlink_to(outside)
    (vault / "sub/parent").symlink_to(vault)
    (vault / "twin.md").symlink_to(vault / "Real.md")
    (vault / "lost.md").symlink_to(vault / "nothing.md")
    (vault / "round-a.md").symlink_to(vault / "round-b.md")
    (vault / "round-b.md").symlink_to(vault / "round-a.md")

    listing = listed(vault)

    assert list(listing.notes) == ["Real.md", "sub/Deep.md"]
    assert reasons(listing) == {
        "file-out.md": "a link that leads out of the vault",
        "folder-out": "a link that leads out of the vault",
        "sub/parent": "a link to another place in the vault, which is read there",
        "twin.md": "a link to another place in the vault, which is read there",
        "lost.md": "a link that leads nowhere",
        "round-a.md": "a link that leads in a circle",
        "round-b.md": "a link that leads in a circle",
    }


def test_pipes_and_sockets_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.md")
        listing = listed(tmp_path)

    assert listing.notes == {}
    assert reasons(listing) == {"pipe.md": "a named pipe, not a file", "socket.md": "a socket, not a file"}


def test_a_folder_named_like_a_note_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "Week.md/Monday.md")

    listing = listed(tmp_path)

    assert list(listing.notes) == ["Week.md/Monday.md"]
    assert reasons(listing) == {"Week.md": "a folder, not a note; the notes in it are indexed"}


def test_a_name_that_is_no_unicode_is_reported_readably(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("x")
    (tmp_path / "a\\b.md").write_text("x")

    listing = listed(tmp_path)

    assert listing.notes == {}
    assert list(reasons(listing)) == ["a\\b.md", "caf\\xe9.md"]
    for path, reason in reasons(listing).items():
        (path + reason).encode()


def test_both_twins_of_a_composed_name_are_notes(tmp_path: Path) -> None:
    write(tmp_path, "Caf\u00e9.md", "Cafe\u0301.md")

    assert sorted(listed(tmp_path).notes) == ["Cafe\u0301.md", "Caf\u00e9.md"]


def test_a_note_that_waits_in_the_cloud_is_not_gone(tmp_path: Path) -> None:
    write(tmp_path, "a/.Kimchi.md.icloud", "a/.pic.png.icloud")

    listing = listed(tmp_path)

    assert listing.notes == {}
    assert "in the cloud" in reasons(listing)["a/Kimchi.md"]
    assert not listing.is_gone("a/Kimchi.md")
    assert listing.is_gone("a/Other.md")


@pytest.mark.parametrize("info", [{"st_flags": 0x40000000}, {"st_file_attributes": 0x00400020}])
def test_a_file_without_its_data_is_known_by_its_flags(info: dict[str, int]) -> None:
    assert is_in_the_cloud(cast("os.stat_result", SimpleNamespace(**info)))


def test_an_ordinary_file_is_here(tmp_path: Path) -> None:
    assert not is_in_the_cloud(tmp_path.stat())


@contextmanager
def unlistable(monkeypatch: pytest.MonkeyPatch, folder: Path, *, after: int = 0) -> Iterator[None]:
    """A folder whose listing fails after some entries. Root may list anything, so chmod would not do."""
    scandir = os.scandir

    @contextmanager
    def failing(path: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        def entries() -> Iterator[os.DirEntry[str]]:
            with scandir(path) as found:
                for number, entry in enumerate(sorted(found, key=lambda entry: entry.name)):
                    if Path(path) == folder and number >= after:
                        raise PermissionError(13, "Permission denied", path)
                    yield entry

        yield entries()

    with monkeypatch.context() as patch:
        patch.setattr("vaultbot.vault.listing.os.scandir", failing)
        yield


@pytest.mark.parametrize("after", [0, 1])
def test_notes_below_a_folder_that_cannot_be_listed_are_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    write(tmp_path, "locked/a.md", "locked/deep/b.md", "locked-not/c.md", "d.md")

    with unlistable(monkeypatch, tmp_path / "locked", after=after):
        listing = listed(tmp_path)

    assert listing.unreadable == {"locked"}
    assert set(listing.notes) == {"d.md", "locked-not/c.md", *["locked/a.md"] * after}
    assert reasons(listing) == {"locked": "a folder that cannot be read: Permission denied"}
    assert not listing.is_gone("locked/a.md")
    assert not listing.is_gone("locked/deep/b.md")
    assert listing.is_gone("locked-not/gone.md")
    assert listing.is_gone("gone.md")
    assert not listing.is_gone("d.md")


def test_a_root_that_fails_half_way_is_an_error_not_an_empty_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.md", "b.md")

    with unlistable(monkeypatch, tmp_path, after=1), pytest.raises(PermissionError):
        listed(tmp_path)


@pytest.fixture
def deep_vault(tmp_path: Path) -> Iterator[Path]:
    """A note below 1200 folders, removed again by `rm`: Python's own way would recurse too deep."""
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("a", dir_fd=folder)
        below = os.open("a", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(os.open("Bottom.md", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)
    yield tmp_path
    subprocess.run(["rm", "-r", tmp_path / "a"], check=True)


def test_a_thousand_folders_deep_is_no_trouble(deep_vault: Path) -> None:
    assert list(listed(deep_vault).notes) == ["a/" * 1200 + "Bottom.md"]
