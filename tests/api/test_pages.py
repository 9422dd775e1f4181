"""What programs get to know of a note."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from vaultbot.api.pages import note_page
from vaultbot.api.schemas import NotePage


def page_of(vault: VaultBuilder, name: str) -> NotePage:
    vault.index()
    return note_page(vault.assistant.note(name), "Notes")


def test_a_page_tells_of_the_note_what_it_says_of_itself(vault: VaultBuilder) -> None:
    vault.write(
        "Daily/2025-02-03.md", "---\naliases: [Monday]\ntags: [day]\nmood: good\n---\n# Plan\n- [ ] a\n- [x] b #done"
    )

    page = page_of(vault, "Monday")

    assert (page.path, page.title, page.found_by, page.date) == (
        "Daily/2025-02-03.md",
        "2025-02-03",
        "alias",
        "2025-02-03",
    )
    assert (page.aliases, page.tags, page.properties["mood"]) == (("Monday",), ("day", "done"), "good")
    assert (page.open_tasks, page.done_tasks) == (1, 1)
    assert [heading.text for heading in page.headings] == ["Plan"]
    assert page.uri == "obsidian://open?vault=Notes&file=Daily%2F2025-02-03"
    assert (page.searched, page.unsearched_because) == (True, None)


def test_links_have_their_places_as_python_and_as_javascript_count_them(vault: VaultBuilder) -> None:
    vault.write("Home.md", "🍞🥖 [[Bread]] and [[Rye#Nope|r]]")
    vault.write("Rye.md", "# Yes")

    bread, rye = page_of(vault, "Home").links

    assert (bread.start, bread.end, bread.start_utf16, bread.end_utf16) == (3, 12, 5, 14)
    assert (bread.target, bread.uri, bread.subpath_ok) == (None, None, None)
    assert (rye.target, rye.subpath, rye.subpath_ok, rye.display) == ("Rye.md", "#Nope", False, "r")
    assert rye.uri == "obsidian://open?vault=Notes&file=Rye"


def test_a_backlink_opens_at_its_heading_as_the_file_has_it(vault: VaultBuilder) -> None:
    vault.write("Rye.md", "")
    vault.write("Home.md", "# About [[Oat|oats]]\nNot [[Rye]].")

    (backlink,) = page_of(vault, "Rye").backlinks

    assert backlink.heading_path == ("About oats",)
    assert backlink.uri == "obsidian://open?vault=Notes&file=Home%23About%20Oat%20oats"


def test_places_that_have_moved_since_are_not_told(vault: VaultBuilder) -> None:
    file = vault.write("Home.md", "[[Bread]]")
    vault.index()
    file.write_text("Now it begins with words: [[Bread]]", encoding="utf-8")

    (link,) = note_page(vault.assistant.note("Home"), "Notes").links

    assert (link.start_utf16, link.end_utf16) == (None, None)


def test_typed_links_and_neighbours_keep_their_types(vault: VaultBuilder) -> None:
    vault.write("Rye.md", "---\nis: '[[Grain]]'\n---\nof:: [[Bread]]")
    vault.write("Grain.md", "")
    vault.write("Bread.md", "[[Rye]]")

    page = page_of(vault, "Rye")

    assert [(link.key, link.kind, link.target) for link in page.links] == [
        ("is", "property", "Grain.md"),
        ("of", "wiki", "Bread.md"),
    ]
    assert [(one.path, one.direction, one.types) for one in page.neighbours] == [
        ("Bread.md", "both", ("of",)),
        ("Grain.md", "out", ("is",)),
    ]
    (backlink,) = page.backlinks
    assert (backlink.path, backlink.line, backlink.context, backlink.shown) == ("Bread.md", 1, "Rye", "Rye")


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("Private/Diary.md", "Words", 'Obsidian\'s "Excluded files" name it'),
        ("Templates/Day.md", "Words", "it is in the vault's folder of templates"),
        ("Form.md", "Dear <% name %>", "it is a template: it holds marks to be filled in"),
    ],
)
def test_a_note_that_is_not_searched_says_why(vault: VaultBuilder, path: str, text: str, why: str) -> None:
    vault.write(".obsidian/app.json", '{"userIgnoreFilters": ["Private/"]}')
    vault.write(".obsidian/templates.json", '{"folder": "Templates"}')
    vault.write(path, text)

    page = page_of(vault, path)

    assert (page.searched, page.unsearched_because) == (False, why)


def test_a_canvas_has_a_page_too(vault: VaultBuilder) -> None:
    vault.write("Board.canvas", '{"nodes": [{"id": "1", "type": "text", "text": "See [[Rye]]"}]}')
    vault.write("Rye.md", "")

    page = page_of(vault, "Board")

    assert (page.path, page.found_by, [link.target for link in page.links]) == ("Board.canvas", "title", ["Rye.md"])
    assert page.text[page.links[0].start : page.links[0].end] == "[[Rye]]"
