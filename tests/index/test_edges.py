"""Links lead where Obsidian's rules say at every moment, whichever files came and went before."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.index.conftest import Desk
from tests.index.test_catalog import read
from vaultbot.index.catalog import Catalog
from vaultbot.vault.resolver import Resolution, Resolver

TARGETS = (
    "Peer",
    "x/Peer",
    "peer",
    "./Peer",
    "../Peer",
    "/x/Peer",
    "Tie",
    "pic.png",
    "Café",
    "",
    "Peer.md",
    "deep/Peer",
)
FILES = (
    "Peer.md",
    "x/Peer.md",
    "y/Peer.md",
    "y/deep/Peer.md",
    "PEER.md",
    "aa/Tie.md",
    "bb/Tie.md",
    "img/pic.png",
    "Café.md",
)
SOURCES = ("Home.md", "x/Source.md", "y/deep/Source.md")


def targets(file: Path) -> list[tuple[str, str, str | None, bool]]:
    """(source, linkpath, target, ambiguous) of every link."""
    with closing(sqlite3.connect(file)) as db:
        rows = db.execute(
            "SELECT note.path, linkpath, target, ambiguous FROM link JOIN note ON note.id = link.note"
            " ORDER BY note.path, ordinal"
        )
        return [(source, linkpath, target, bool(ambiguous)) for source, linkpath, target, ambiguous in rows]


def target(desk: Desk, source: str) -> str | None:
    return next(target for path, _, target, _ in targets(desk.catalog_file) if path == source)


def test_a_new_note_at_the_root_takes_over_the_links_to_its_namesakes(desk: Desk) -> None:
    desk.write("x/Peer.md", "one")
    desk.write("Home.md", "[[Peer]]")
    desk.run()
    assert target(desk, "Home.md") == "x/Peer.md"

    desk.write("Peer.md", "another")
    report = desk.run()

    assert target(desk, "Home.md") == "Peer.md"
    assert (report.added, report.changed) == (1, 0)


def test_a_deleted_note_gives_its_links_back(desk: Desk) -> None:
    desk.write("x/Peer.md", "one")
    peer = desk.write("Peer.md", "another")
    desk.write("Home.md", "[[Peer]]")
    desk.run()

    peer.unlink()
    desk.run()
    assert target(desk, "Home.md") == "x/Peer.md"

    (desk.root / "x/Peer.md").unlink()
    desk.run()
    assert target(desk, "Home.md") is None


def test_a_renamed_note_leaves_links_to_its_old_name_unresolved(desk: Desk) -> None:
    old = desk.write("Old.md", "words")
    desk.write("Home.md", "[[Old]]")
    desk.run()

    old.rename(desk.root / "New.md")
    desk.run()

    assert target(desk, "Home.md") is None


def test_links_lead_to_attachments_as_soon_as_they_are_there(desk: Desk) -> None:
    desk.write("Home.md", "![[pic.png]]")
    desk.run()
    assert target(desk, "Home.md") is None

    picture = desk.write("img/pic.png", b"\x89PNG")
    desk.run()
    assert target(desk, "Home.md") == "img/pic.png"

    picture.unlink()
    desk.run()
    assert target(desk, "Home.md") is None


def test_a_note_that_is_missing_for_a_moment_keeps_its_links(desk: Desk) -> None:
    note = desk.write("Peer.md", "one")
    desk.write("Home.md", "[[Peer]]")
    desk.run()

    note.unlink()
    desk.run(settle=False)

    assert desk.indexer.waits_for_missing
    assert target(desk, "Home.md") == "Peer.md"


def test_what_is_kept_out_of_search_still_links_and_is_linked(desk: Desk) -> None:
    desk.write(".obsidian/app.json", '{"userIgnoreFilters": ["Private/"]}')
    desk.write("Private/Diary.md", "# Secret\n[[Home]]")
    desk.write("Home.md", "[[Diary]]")
    desk.run()

    assert [(source, target) for source, _, target, _ in targets(desk.catalog_file)] == [
        ("Home.md", "Private/Diary.md"),
        ("Private/Diary.md", "Home.md"),
    ]
    assert desk.reader.match_notes(["secret"], limit=5) == []


def test_a_note_that_is_let_into_search_again_is_found_without_being_touched(desk: Desk) -> None:
    desk.write(".obsidian/app.json", '{"userIgnoreFilters": ["Private/"]}')
    desk.write("Private/Diary.md", "secret")
    desk.run()

    desk.write(".obsidian/app.json", "{}")
    desk.run()

    assert len(desk.reader.match_notes(["secret"], limit=5)) == 1


def test_notes_are_dated_anew_when_the_vault_names_its_days_in_another_way(desk: Desk) -> None:
    desk.write("Days/03-02-2025.md", "what happened")
    desk.run()
    assert dates(desk) == {"Days/03-02-2025.md": None}

    desk.write(".obsidian/daily-notes.json", '{"folder": "Days", "format": "DD-MM-YYYY"}')
    report = desk.run()

    assert dates(desk) == {"Days/03-02-2025.md": "2025-02-03"}
    assert not report.touched


def dates(desk: Desk) -> dict[str, str | None]:
    with closing(sqlite3.connect(desk.catalog_file)) as db:
        return dict(db.execute("SELECT path, date FROM note").fetchall())


def test_a_note_that_is_excluded_while_it_waits_in_the_cloud_is_found_no_more(desk: Desk) -> None:
    note = desk.write("Private/Diary.md", "secret")
    desk.write("Home.md", "open")
    desk.run()
    assert desk.find("secret") == ["Private/Diary.md"]

    note.rename(note.with_name(".Diary.md.icloud"))
    desk.write(".obsidian/app.json", '{"userIgnoreFilters": ["Private/"]}')
    desk.run()

    assert desk.find("secret") == []


@pytest.mark.parametrize("broken", ["", "{", "<<<<<<< HEAD"])
def test_a_broken_settings_file_lets_nothing_into_search(desk: Desk, broken: str) -> None:
    desk.write(".obsidian/app.json", '{"userIgnoreFilters": ["Private/"]}')
    desk.write("Private/Diary.md", "secret")
    desk.run()

    desk.write(".obsidian/app.json", broken)
    desk.run()
    assert desk.find("secret") == []

    desk.write(".obsidian/app.json", "{}")
    desk.run()
    assert desk.find("secret") == ["Private/Diary.md"]


def test_template_marks_in_a_canvas_are_words(desk: Desk) -> None:
    desk.write("Board.canvas", '{"nodes": [{"id": "a", "type": "text", "text": "Write <%= link %> for a marmot."}]}')
    desk.run()

    assert desk.find("marmot") == ["Board.canvas"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from(FILES)), min_size=2, max_size=6), st.booleans())
def test_whatever_comes_and_goes_links_end_as_if_resolved_from_scratch(moments: list[set[str]], reopened: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "catalog.db"
        catalog = Catalog(file)
        try:
            for moment in moments:
                catalog.set_files([*SOURCES, *moment])
                # Only the first moment records sources; what changes later is told by the files alone.
                if moment is moments[0]:
                    words = " ".join(f"[[{one}|x]]" for one in TARGETS if one) + " [[#Top]]"
                    catalog.record([read(source, words) for source in SOURCES])
                if reopened:
                    catalog.close()
                    catalog = Catalog(file)
                resolver = Resolver([*SOURCES, *moment])
                for source, linkpath, found, ambiguous in targets(file):
                    assert Resolution(found, ambiguous) == resolver.resolve(linkpath, source)
        finally:
            catalog.close()
