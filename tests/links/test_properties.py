"""Links that a note's properties could hold."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from tests.links.views import added, view_of
from vaultbot.links.properties import PropertyKind
from vaultbot.suggestion import Suggestion

BREAD = "Flour, water, salt and a sourdough starter make a loaf of bread, baked until the crust is brown."
CHESS = "Bishops move diagonally on the board, rooks along ranks and files, and the king may castle."


def properties(vault: VaultBuilder, note: str, *, meaning: bool = True) -> list[Suggestion]:
    with view_of(vault, meaning=meaning) as view:
        return PropertyKind(view).suggest(view.page(note))


def a_vault_of_two_parents(vault: VaultBuilder, key: str = "up") -> None:
    vault.write("Maps/Baking.md", "All about loaves.")
    vault.write("Maps/Games.md", "All about games.")
    for number in range(5):
        vault.write(f"Loaf {number}.md", f'---\n{key}: "[[Baking]]"\n---\n{BREAD} Number {number}.')
        vault.write(f"Game {number}.md", f'---\n{key}: "[[Games]]"\n---\n{CHESS} Number {number}.')


@pytest.mark.parametrize("meaning", [True, False])
def test_a_note_is_offered_what_the_notes_like_it_have(vault: VaultBuilder, meaning: bool) -> None:
    a_vault_of_two_parents(vault)
    vault.write("New.md", f"{BREAD} A new one.")

    (found,) = properties(vault, "New.md", meaning=meaning)

    assert (found.kind, found.key, found.target, found.text) == ("property", "up", "Maps/Baking.md", "[[Baking]]")
    assert added(found) == ("up", "[[Baking]]")
    assert 0 < found.score <= 1
    assert any(reason.startswith("notes ") and "Loaf" in reason for reason in found.reasons)
    assert "Maps/Games.md" in found.alternatives


@pytest.mark.parametrize("key", ["is", "of", "parent", "親"])
def test_any_property_that_the_vault_links_with_will_do(vault: VaultBuilder, key: str) -> None:
    a_vault_of_two_parents(vault, key)
    vault.write("New.md", f"{CHESS} A new one.")

    assert [(one.key, one.target) for one in properties(vault, "New.md")] == [(key, "Maps/Games.md")]


def test_a_property_that_is_filled_is_left_alone(vault: VaultBuilder) -> None:
    a_vault_of_two_parents(vault)
    vault.write("New.md", f'---\nUp: "[[Games]]"\n---\n{BREAD}')
    vault.write("Plain.md", f"---\nup: somewhere\n---\n{BREAD}")
    vault.write("Empty.md", f"---\nUP:\n---\n{BREAD}")

    assert properties(vault, "New.md") == []
    assert properties(vault, "Plain.md") == []
    assert [added(one) for one in properties(vault, "Empty.md")] == [("UP", "[[Baking]]")]


def test_a_list_that_often_has_several_may_grow(vault: VaultBuilder) -> None:
    for name in ("Flour", "Ovens"):
        vault.write(f"{name}.md", f"About {name}.")
    for number in range(5):
        vault.write(f"Loaf {number}.md", f'---\nabout:\n  - "[[Flour]]"\n  - "[[Ovens]]"\n---\n{BREAD} {number}')
    vault.write("New.md", f'---\nabout:\n  - "[[Flour]]"\n---\n{BREAD}')

    (found,) = properties(vault, "New.md")

    assert added(found) == ("about", "[[Ovens]]")


def test_a_few_links_make_no_habit_and_pictures_are_no_values(vault: VaultBuilder) -> None:
    vault.write("Baking.md", "All about loaves.")
    vault.write("loaf.png", b"\x89PNG")
    for number in range(2):
        vault.write(f"Loaf {number}.md", f'---\nup: "[[Baking]]"\ncover: "[[loaf.png]]"\n---\n{BREAD} {number}')
    for number in range(2, 6):
        vault.write(f"Loaf {number}.md", f'---\ncover: "[[loaf.png]]"\n---\n{BREAD} {number}')
    vault.write("New.md", BREAD)

    assert properties(vault, "New.md") == []


def test_tags_and_aliases_are_not_for_links(vault: VaultBuilder) -> None:
    vault.write("Baking.md", "All about loaves.")
    for number in range(5):
        vault.write(f"Loaf {number}.md", f'---\naliases: ["[[Baking]]"]\ntags: ["[[Baking]]"]\n---\n{BREAD} {number}')
    vault.write("New.md", BREAD)

    assert properties(vault, "New.md") == []


def test_a_note_is_no_value_of_its_own(vault: VaultBuilder) -> None:
    a_vault_of_two_parents(vault)

    assert "Maps/Baking.md" not in [one.target for one in properties(vault, "Maps/Baking.md")]


def test_a_value_is_written_so_that_it_leads_there_and_nowhere_else(vault: VaultBuilder) -> None:
    vault.write(".obsidian/app.json", '{"useMarkdownLinks": true}')
    a_vault_of_two_parents(vault)
    vault.write("Baking.md", "Another of that name.")
    vault.write("New.md", f"{BREAD} A new one.")
    for number in range(5):
        vault.write(f"Loaf {number}.md", f'---\nup: "[[Maps/Baking]]"\n---\n{BREAD} Number {number}.')

    (found,) = properties(vault, "New.md")

    assert added(found) == ("up", "[[Maps/Baking]]")  # In properties this vault writes no Markdown links.


def test_what_links_to_a_note_may_be_its_parent(vault: VaultBuilder) -> None:
    a_vault_of_two_parents(vault)
    for number in range(3):
        vault.write(f"Maps/{number}.md", f'---\nup: "[[Maps/Games]]"\n---\nNothing {number}.')
    vault.write("Maps/Games.md", "All about games: [[New]]")
    vault.write("New.md", "To be written.")

    found = properties(vault, "New.md")[0]

    assert found.target == "Maps/Games.md"
    assert "Games links to it" in found.reasons


def test_broken_properties_are_left_alone(vault: VaultBuilder) -> None:
    a_vault_of_two_parents(vault)
    vault.write("New.md", f"---\na: [\n---\n{BREAD}")

    assert properties(vault, "New.md") == []


def test_notes_unlike_those_with_the_property_are_offered_it_with_less_hope(vault: VaultBuilder) -> None:
    a_vault_of_two_parents(vault)
    for number in range(1, 10):
        vault.write(f"Daily/2026-05-0{number}.md", f"Got up, had {number} coffees, walked the dog.")
    vault.write("New.md", f"{BREAD} A new one.")

    day = properties(vault, "Daily/2026-05-05.md")
    loaf = properties(vault, "New.md")

    assert not day or day[0].score < loaf[0].score / 2
