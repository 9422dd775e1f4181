"""How editors save and people rename: a note is found all the time, as it was or as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.index.conftest import Desk
from vaultbot.index.schema import open_reader

OLD = b"# Home\nWhere it starts.\n"
NEW = b"# Home\nWhere it starts, and where it ends.\n"


def in_place(note: Path) -> Iterator[None]:
    note.write_bytes(NEW)
    yield


def emptied_first(note: Path) -> Iterator[None]:
    note.write_bytes(b"")
    note.write_bytes(NEW)
    yield


def by_a_hidden_file(note: Path) -> Iterator[None]:
    """Obsidian Sync, VS Code, vaultbot."""
    new = note.with_name(".Home.md.tmp")
    new.write_bytes(NEW)
    yield
    new.replace(note)
    yield


def by_a_file_beside(note: Path) -> Iterator[None]:
    """TextEdit."""
    new = note.with_name("Home.md.sb-6f2d1a3b-ToFRtW")
    new.write_bytes(NEW)
    yield
    old = note.with_name("Home.md.sb-6f2d1a3b-old")
    note.rename(old)
    yield
    new.rename(note)
    yield
    old.unlink()
    yield


def with_a_backup(note: Path) -> Iterator[None]:
    """Vim and Emacs."""
    backup = note.with_name("Home.md~")
    note.rename(backup)
    yield
    note.write_bytes(NEW)
    yield
    backup.unlink()
    yield


def deleted_and_written(note: Path) -> Iterator[None]:
    note.unlink()
    yield
    note.write_bytes(NEW)
    yield


SAVES = [in_place, emptied_first, by_a_hidden_file, by_a_file_beside, with_a_backup, deleted_and_written]


@pytest.mark.parametrize("save", SAVES)
def test_a_note_is_found_at_every_moment_of_its_being_saved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, save: Callable[[Path], Iterator[None]]
) -> None:
    monkeypatch.setattr("vaultbot.index.removals.SETTLE_S", 60.0)
    note = desk.write("Home.md", OLD)
    desk.write("Other.md", "Something else.")
    desk.run(settle=False)

    seen: list[list[str]] = []
    for _ in save(note):
        desk.run(settle=False)
        seen.append(desk.find("starts"))

    assert set(map(tuple, seen)) == {("Home.md",)}
    assert desk.find("ends") == ["Home.md"]
    assert desk.reader.paths() == ["Home.md", "Other.md"]
    assert not desk.indexer.waits_for_missing


def test_a_note_whose_letters_changed_case_is_one_note(desk: Desk) -> None:
    desk.write("Note.md", OLD)
    desk.write("Other.md", "Something else.")
    desk.run()
    (desk.root / "Note.md").rename(desk.root / "note.md")

    report = desk.run()

    assert (report.renamed, report.removed, report.added) == (1, 0, 0)
    assert desk.find("starts") == ["note.md"]


def test_a_chain_of_renames_between_two_looks_is_followed_by_what_the_notes_say(desk: Desk) -> None:
    for name in "abc":
        desk.write(f"{name}.md", f"Words of {name * 5}.")
    desk.run()
    (desk.root / "c.md").rename(desk.root / "d.md")
    (desk.root / "b.md").rename(desk.root / "c.md")
    (desk.root / "a.md").rename(desk.root / "b.md")

    desk.run()

    assert [desk.find(name * 5) for name in "abc"] == [["b.md"], ["c.md"], ["d.md"]]
    assert desk.reader.paths() == ["b.md", "c.md", "d.md"]


def test_a_folder_of_many_notes_is_renamed_without_an_embedding(desk: Desk) -> None:
    for number in range(200):
        desk.write(f"Old/Note {number}.md", f"# Topic {number}\nText {number}. [[Note {number + 1}]]\n")
    desk.run()
    embedded = desk.embedded
    (desk.root / "Old").rename(desk.root / "New")

    report = desk.run()

    assert (report.renamed, report.removed, report.added) == (200, 0, 0)
    assert desk.embedded == embedded
    with closing(open_reader(desk.catalog_file)) as db:
        assert db.execute("SELECT DISTINCT target FROM link WHERE target LIKE 'Old/%'").fetchall() == []
