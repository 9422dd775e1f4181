"""Many notes that go at once may have gone by mistake: that is told, and undone for free."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.index.conftest import Desk, counts

DAY_S = 24 * 3600.0


def word(number: int) -> str:
    """One that no other note has."""
    return "zx" + "".join("abcdefghij"[int(digit)] for digit in str(number))


@pytest.fixture
def large(desk: Desk) -> Desk:
    """A hundred notes in four folders, indexed."""
    for number in range(100):
        desk.write(f"Folder {number % 4}/Note {number}.md", f"# Topic {number}\nAll about {word(number)}.\n")
    assert desk.run().added == 100
    return desk


def take_away(desk: Desk, *folders: int) -> Path:
    away = desk.root.with_name("away")
    away.mkdir()
    for number in folders:
        shutil.move(desk.root / f"Folder {number}", away)
    return away


def told(desk: Desk) -> str:
    return desk.indexer.notice or ""


def put_back(desk: Desk, away: Path) -> None:
    for folder in away.iterdir():
        shutil.move(folder, desk.root)


def test_notes_that_went_at_once_are_told_and_come_back_without_an_embedding(large: Desk) -> None:
    embedded = large.embedded
    away = take_away(large, 0, 1, 2)

    assert large.run().removed == 75
    assert large.find(word(4)) == []
    assert told(large).startswith("75 notes disappeared at ")

    put_back(large, away)
    assert counts(large.run()) == (75, 0, 0, 0, 25)
    assert large.embedded == embedded
    assert told(large) == ""
    assert large.find(word(4)) == ["Folder 0/Note 4.md"]


def test_it_is_still_told_after_a_restart_and_for_those_alone_that_did_not_come_back(large: Desk) -> None:
    away = take_away(large, 0, 1)
    large.run()
    shutil.move(away / "Folder 0", large.root)
    large.reopen()

    large.run()

    assert told(large).startswith("25 notes disappeared at ")


def test_after_a_week_it_is_told_no_more_and_the_vectors_are_let_go(
    large: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = large.embedded
    away = take_away(large, 0, 1)
    large.run()
    now = time.time()
    monkeypatch.setattr(large.indexer._disappearances, "_clock", lambda: now + 7.1 * DAY_S)
    catalog, fingerprint = large.indexer._catalog, large.indexer.vectorizer.fingerprint
    for days in (1.1, 8.3):  # The first sweep finds them unused, and they are kept for a week from then on.
        catalog.sweep_vectors(fingerprint, now=now + days * DAY_S)

    large.run()
    assert told(large) == ""

    put_back(large, away)
    large.run()
    assert large.embedded == embedded + 2 * 50  # a card and a passage each


def test_notes_that_go_one_after_the_other_are_counted_together(large: Desk) -> None:
    for number in range(0, 30, 3):
        for one in range(number, number + 3):
            (large.root / f"Folder {one % 4}/Note {one}.md").unlink()
        large.run()

    assert told(large).startswith("30 notes disappeared at ")


def test_a_few_notes_are_no_news_and_neither_is_a_folder_that_was_renamed(large: Desk) -> None:
    for number in range(20):
        (large.root / f"Folder {number % 4}/Note {number}.md").unlink()
    large.run()
    (large.root / "Folder 0").rename(large.root / "Renamed")

    assert large.run().renamed == 20
    assert told(large) == ""
