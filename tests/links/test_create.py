"""Notes that links wait for."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from tests.links.views import view_of
from vaultbot.links.create import CreateKind
from vaultbot.suggestion import NewNote, Suggestion


def created(vault: VaultBuilder, note: str) -> list[Suggestion]:
    with view_of(vault) as view:
        return CreateKind(view).suggest(view.page(note))


def paths(vault: VaultBuilder, note: str) -> list[str]:
    return [one.note for one in created(vault, note)]


def test_a_name_that_several_notes_link_to_is_worth_a_note(vault: VaultBuilder) -> None:
    vault.write("Bread.md", "With [[sourdough]].")
    vault.write("Pizza.md", "Some use [[Sourdough|a starter]].\n[[sourdough]]")
    vault.write("Pie.md", "[[sourdough]] and [[puff pastry]]")

    (found,) = created(vault, "Pie.md")

    assert (found.kind, found.note, found.target, found.text) == (
        "create", "sourdough.md", "sourdough.md", "sourdough",
    )  # fmt: skip
    assert found.edit == NewNote()
    assert found.sha256 == ""
    assert found.reasons == ("3 notes link to it: Bread, Pie, Pizza",)
    assert (found.line, found.col, found.context) == (1, 1, "[[sourdough]] and [[puff pastry]]")
    assert created(vault, "Bread.md")[0].id == found.id


def test_the_more_notes_link_to_it_the_more_it_is_worth(vault: VaultBuilder) -> None:
    for number in range(5):
        vault.write(f"{number}.md", "[[Often]] [[Twice]]" if number < 2 else "[[Often]]")

    assert paths(vault, "0.md") == ["Often.md", "Twice.md"]


def test_one_note_that_links_to_it_often_does_not_count_as_many(vault: VaultBuilder) -> None:
    vault.write("Bread.md", "[[sourdough]] [[sourdough]] [[sourdough]]")

    assert paths(vault, "Bread.md") == []


def test_days_pictures_comments_and_slips_are_not_worth_a_note(vault: VaultBuilder) -> None:
    vault.write(".obsidian/daily-notes.json", '{"format": "DD.MM.YYYY"}')
    vault.write("Quantization.md", "Rounding.")
    for number in range(3):
        vault.write(f"{number}.md", "[[01.05.2026]] [[2026-05-01]] ![[loaf.png]] %% [[secret]] %% [[Quantisation]]")

    assert paths(vault, "0.md") == []


@pytest.mark.parametrize("name", ["What is it?", "a:b", "a*b", ".hidden", "x" * 200])
def test_what_no_file_may_be_called_is_not_offered(vault: VaultBuilder, name: str) -> None:
    for number in range(3):
        vault.write(f"{number}.md", f"[[{name}]]")

    assert paths(vault, "0.md") == []


@pytest.mark.parametrize(
    ("settings", "link", "made"),
    [
        ("{}", "sourdough", "sourdough.md"),
        ('{"newFileLocation": "root"}', "sourdough", "sourdough.md"),
        ('{"newFileLocation": "current"}', "sourdough", "Kitchen/sourdough.md"),
        ('{"newFileLocation": "folder", "newFileFolderPath": "Inbox/New"}', "sourdough", "Inbox/New/sourdough.md"),
        ('{"newFileLocation": "folder"}', "sourdough", "sourdough.md"),
        ('{"newFileLocation": "current"}', "Baking/sourdough", "Baking/sourdough.md"),
        ('{"newFileLocation": "current"}', "/sourdough.md", "sourdough.md"),
    ],
)
def test_a_note_is_made_where_obsidian_would_make_it(vault: VaultBuilder, settings: str, link: str, made: str) -> None:
    vault.write(".obsidian/app.json", settings)
    vault.write("Kitchen/Bread.md", f"[[{link}]]")
    vault.write("Kitchen/Pizza.md", f"[[{link}]]")
    vault.write("Home.md", f"[[{link}]]")

    assert paths(vault, "Home.md") == [made]


def test_links_of_templates_and_excluded_notes_do_not_count(vault: VaultBuilder) -> None:
    vault.write(".obsidian/templates.json", '{"folder": "Templates"}')
    for path in ("Templates/A.md", "Templates/B.md", "Home.md"):
        vault.write(path, "[[sourdough]]")

    assert paths(vault, "Home.md") == []
