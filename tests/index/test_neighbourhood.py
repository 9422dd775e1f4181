"""The notes around a note, as they are drawn."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from vaultbot.errors import InvalidRequest, NoteNotFound
from vaultbot.index.neighbourhood import Neighbourhood, Tie


@pytest.fixture
def garden(vault: VaultBuilder) -> VaultBuilder:
    vault.write("Tomato.md", '---\nis: "[[Vegetable]]"\n---\nLikes [[Compost]]. See ![[plan.png]] and [[Nowhere]].')
    vault.write("Compost.md", "Feeds the [[Tomato]]. Made of [[Leaf]].")
    vault.write("Diary/Monday.md", "Planted the [[Tomato]], turned the [[Compost]].")
    vault.write("Vegetable.md", "Eaten. [[Vegetable]]")
    vault.write("Leaf.md", "Falls from a [[Tree]].")
    vault.write("Tree.md", "Stands.")
    vault.write("Alone.md", "Nothing.")
    vault.index()
    return vault


def drawn(found: Neighbourhood) -> list[tuple[str, int, int]]:
    return [(one.title, one.distance, one.links) for one in found.notes]


def test_what_is_linked_whichever_way_is_around_a_note_and_the_links_between_are_told(garden: VaultBuilder) -> None:
    found = garden.assistant.neighbourhood("tomato")

    # First what is linked both ways or by a property.
    assert drawn(found) == [("Tomato", 0, 3), ("Compost", 1, 3), ("Vegetable", 1, 1), ("Monday", 1, 2)]
    assert set(found.ties) == {
        Tie(0, 1, "both", ()),
        Tie(0, 2, "out", ("is",)),
        Tie(0, 3, "in", ()),
        Tie(1, 3, "in", ()),
    }
    assert found.left_out == 0


def test_two_links_reach_farther_and_no_farther(garden: VaultBuilder) -> None:
    found = garden.assistant.neighbourhood("Tomato", depth=2)

    assert drawn(found)[4:] == [("Leaf", 2, 2)]
    assert Tie(1, 4, "out", ()) in found.ties


def test_what_is_more_than_wanted_is_counted(garden: VaultBuilder) -> None:
    found = garden.assistant.neighbourhood("Tomato", depth=2, limit=2)

    assert [one.title for one in found.notes] == ["Tomato", "Compost", "Vegetable"]
    assert found.left_out == 2  # Monday, and Leaf behind Compost
    assert all(tie.other < 3 for tie in found.ties)


def test_a_note_without_links_is_alone(garden: VaultBuilder) -> None:
    assert drawn(garden.assistant.neighbourhood("Alone")) == [("Alone", 0, 0)]


def test_a_name_of_no_note_or_of_several_is_refused(garden: VaultBuilder) -> None:
    with pytest.raises(NoteNotFound):
        garden.assistant.neighbourhood("Nowhere")
    garden.write("One/Twin.md", "First.")
    garden.write("Other/Twin.md", "Second.")
    garden.index()
    with pytest.raises(InvalidRequest, match="several notes"):
        garden.assistant.neighbourhood("twin")
