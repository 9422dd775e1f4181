"""Tags that a note could have."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conftest import VaultBuilder
from tests.links.views import added, mended, view_of
from vaultbot.links.learning import chances, fitted
from vaultbot.links.tags import TagKind
from vaultbot.suggestion import Suggestion

BREAD = "Flour, water, salt and a sourdough starter make a loaf of bread, baked until the crust is brown."
CHESS = "Bishops move diagonally on the board, rooks along ranks and files, and the king may castle."


def tags(vault: VaultBuilder, note: str, *, meaning: bool = True) -> list[Suggestion]:
    with view_of(vault, meaning=meaning) as view:
        return TagKind(view).suggest(view.page(note))


def names(vault: VaultBuilder, note: str, *, meaning: bool = True) -> list[str]:
    return [one.target for one in tags(vault, note, meaning=meaning)]


def a_vault_of_two_tags(vault: VaultBuilder) -> None:
    for number in range(4):
        vault.write(f"Loaf {number}.md", f"---\ntags: [baking]\n---\n{BREAD} Number {number}.")
        vault.write(f"Game {number}.md", f"---\ntags: [chess]\n---\n{CHESS} Number {number}.")


@pytest.mark.parametrize("meaning", [True, False])
def test_a_note_is_offered_the_tag_of_the_notes_like_it(vault: VaultBuilder, meaning: bool) -> None:
    a_vault_of_two_tags(vault)
    vault.write("New.md", f"{BREAD} A new one.")

    best = tags(vault, "New.md", meaning=meaning)[0]

    assert (best.kind, best.target, best.text, added(best)) == ("tag", "baking", "baking", ("tags", "baking"))
    assert 0 < best.score <= 1
    assert any("Loaf" in reason and reason.endswith("have it") for reason in best.reasons)
    assert best.sha256


def test_only_tags_that_another_note_has_are_offered(vault: VaultBuilder) -> None:
    vault.write("Bread.md", f"---\ntags: [baking]\n---\n{BREAD}")
    vault.write("Cake.md", f"Cake, cooking and recipes. {BREAD}")

    assert names(vault, "Cake.md") == ["baking"]
    assert names(vault, "Bread.md") == []


def test_a_tag_is_written_as_most_notes_write_it(vault: VaultBuilder) -> None:
    for number, written in enumerate(("baking", "Baking", "Baking")):
        vault.write(f"Loaf {number}.md", f"---\ntags: [{written}]\n---\n{BREAD}")
    vault.write("New.md", BREAD)

    assert names(vault, "New.md") == ["Baking"]


def test_a_child_implies_no_parent_and_a_note_with_a_child_needs_none(vault: VaultBuilder) -> None:
    for number in range(3):
        vault.write(f"Loaf {number}.md", f"---\ntags: [food/bread]\n---\n{BREAD}")
    vault.write("New.md", BREAD)
    assert names(vault, "New.md") == ["food/bread"]

    vault.write("Meal.md", f"---\ntags: [food]\n---\n{BREAD}")
    assert "food" not in names(vault, "Loaf 0.md")
    assert "food/bread" in names(vault, "Meal.md")


def test_a_tag_that_the_note_has_in_any_casing_is_not_offered(vault: VaultBuilder) -> None:
    a_vault_of_two_tags(vault)
    vault.write("New.md", f"{BREAD} #Baking")

    assert "baking" not in [name.lower() for name in names(vault, "New.md")]


def test_the_name_of_a_tag_in_the_title_speaks_for_it(vault: VaultBuilder) -> None:
    a_vault_of_two_tags(vault)
    vault.write("Openings in chess.md", "To be written.")

    best = tags(vault, "Openings in chess.md")[0]

    assert best.target == "chess"
    assert "the title says “chess”" in best.reasons


def test_linked_notes_speak_for_their_tags(vault: VaultBuilder) -> None:
    a_vault_of_two_tags(vault)
    vault.write("New.md", "[[Game 0]] and [[Game 1]] and [[Game 2]]")

    best = tags(vault, "New.md")[0]

    assert best.target == "chess"
    assert "3 of 3 tagged notes that it is linked with have it" in best.reasons


def test_tags_that_stand_together_are_offered_together(vault: VaultBuilder) -> None:
    for number in range(6):
        vault.write(f"{number}.md", f"---\ntags: [talk, conference]\n---\nRemark {number * 7}.")
    vault.write("New.md", "---\ntags: [talk]\n---\nNothing that any other note says.")

    best = tags(vault, "New.md")[0]

    assert best.target == "conference"
    assert "it often stands beside #talk" in best.reasons


def test_where_the_vault_tags_in_its_text_a_line_of_tags_grows(vault: VaultBuilder) -> None:
    for number in range(4):
        vault.write(f"Loaf {number}.md", f"#baking #bread\n\n{BREAD}")
    vault.write("New.md", f"#bread  \r\n{BREAD}")
    vault.write("Bare.md", BREAD)

    grown = tags(vault, "New.md")[0]

    assert grown.target == "baking"
    assert mended(vault, grown).startswith("#bread #baking  \r\n")
    assert (grown.line, grown.col) == (1, 7)
    assert added(tags(vault, "Bare.md")[0]) in [("tags", "baking"), ("tags", "bread")]


def test_the_property_keeps_its_spelling_and_a_broken_one_is_left_alone(vault: VaultBuilder) -> None:
    a_vault_of_two_tags(vault)
    vault.write("New.md", f"---\nTags:\n---\n{BREAD}")
    vault.write("Broken.md", f"---\na: [\n---\n{BREAD}")

    assert added(tags(vault, "New.md")[0]) == ("Tags", "baking")
    assert tags(vault, "Broken.md") == []


def test_a_vault_that_hardly_tags_is_hardly_sure(vault: VaultBuilder) -> None:
    vault.write("New.md", BREAD)
    for number in range(3):
        vault.write(f"Loaf {number}.md", f"---\ntags: [baking]\n---\n{BREAD}")
    before = tags(vault, "New.md")[0].score

    for number in range(30):
        vault.write(f"Plain {number}.md", f"Words {number}.")
    after = tags(vault, "New.md")[0].score

    assert after < before


def test_templates_neither_get_tags_nor_lend_theirs(vault: VaultBuilder) -> None:
    vault.write(".obsidian/templates.json", '{"folder": "Templates"}')
    vault.write("Templates/Loaf.md", f"---\ntags: [template]\n---\n{BREAD}")
    vault.write("New.md", BREAD)

    assert names(vault, "New.md") == []
    assert names(vault, "Templates/Loaf.md") == []


def test_the_same_suggestion_has_the_same_id_after_an_edit_elsewhere(vault: VaultBuilder) -> None:
    a_vault_of_two_tags(vault)
    vault.write("New.md", f"{BREAD} A new one.")
    before = tags(vault, "New.md")[0]

    vault.write("New.md", f"More.\n\n{BREAD} A new one.")
    after = tags(vault, "New.md")[0]

    assert (before.id, before.target) == (after.id, after.target)
    assert before.sha256 != after.sha256


def test_few_examples_leave_the_weights_and_many_change_them() -> None:
    start = np.array([1.0, 1.0, -1.0])
    figures, right = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 0.0])

    few, many = fitted(start, figures, right), fitted(start, np.tile(figures, (500, 1)), np.tile(right, 500))

    assert abs(few - start).max() < abs(many - start).max()
    assert chances(many, figures)[0] > 0.95
    assert chances(many, figures)[1] < 0.05
    assert fitted(start, np.zeros((0, 2)), np.zeros(0)).tolist() == start.tolist()


def test_weights_that_are_known_need_not_be_learned_again(vault: VaultBuilder) -> None:
    a_vault_of_two_tags(vault)
    vault.write("New.md", f"{BREAD} A new one.")

    with view_of(vault) as view:
        first = TagKind(view)
        again = TagKind(view, weights=first.weights)
        page = view.page("New.md")

        assert again.weights is first.weights
        assert again.suggest(page) == first.suggest(page)
