"""What the links of a whole vault look like."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from tests.conftest import VaultBuilder
from vaultbot.links.report import NoteRef, VaultReport
from vaultbot.links.similar_tags import similar_tags

BREAD = "Flour, water, salt and a sourdough starter make a loaf of bread, baked until the crust is brown."
OVEN = "The loaf of bread with sourdough starter goes into the oven until its crust is brown, with flour on top."
CHESS = "Bishops move diagonally on the board, rooks along ranks and files, and the king may castle."
OTHERS = {
    "Chess": CHESS,
    "Music": "A sonata has an exposition, a development and a recapitulation; violins carry melodies above cellos.",
    "Ships": "Tides, currents and wind decide when sailors leave harbour and which sail they set at sea.",
    "Stars": "Telescopes gather light of distant galaxies; spectra tell how fast they move away and what burns there.",
}


def report(vault: VaultBuilder) -> VaultReport:
    vault.index()
    return vault.assistant.report()


def paths(notes: tuple[NoteRef, ...]) -> list[str]:
    return [one.path for one in notes]


def a_ring(vault: VaultBuilder, name: str, notes: int, text: str) -> None:
    """A hub and notes that are linked with it and with the next one. What they say is the text alone."""
    around = [f"{name} {number}" for number in range(notes)]
    vault.write(f"{name}.md", f"{text} " + " ".join(f"[[{other}|it]]" for other in around))
    for number, own in enumerate(around):
        vault.write(f"{own}.md", f"{text} {text} [[{name}|it]] [[{around[(number + 1) % notes]}|it]]")


def test_notes_that_link_among_themselves_are_a_cluster_named_after_its_middle(vault: VaultBuilder) -> None:
    a_ring(vault, "Bread", 6, BREAD)
    a_ring(vault, "Chess", 5, CHESS)

    found = report(vault)

    assert [(one.name, one.notes) for one in found.clusters] == [("Bread", 7), ("Chess", 6)]
    assert found.clusters[0].members[0].uri == "obsidian://open?vault=vault&file=Bread"
    assert (found.notes, found.linked_notes, found.links) == (13, 13, 22)
    assert (found.hubs[0].note.path, found.hubs[0].incoming, found.hubs[0].outgoing) == ("Bread.md", 6, 6)


@pytest.mark.parametrize("meaning", [True, False])
def test_clusters_that_say_much_the_same_without_a_link_are_told(vault: VaultBuilder, meaning: bool) -> None:
    if not meaning:
        vault.embedder = None
    a_ring(vault, "Bread", 6, BREAD)
    a_ring(vault, "Oven", 6, OVEN)
    for name, text in OTHERS.items():
        a_ring(vault, name, 6, text)

    (divide,) = report(vault).apart

    assert {divide.one.name, divide.other.name} == {"Bread", "Oven"}
    assert divide.links == 0
    assert {divide.here.title.split()[0], divide.there.title.split()[0]} == {"Bread", "Oven"}
    assert 0 < divide.close <= 1


def test_clusters_that_are_linked_well_are_not_apart(vault: VaultBuilder) -> None:
    a_ring(vault, "Bread", 6, BREAD)
    a_ring(vault, "Oven", 6, OVEN)
    for name, text in OTHERS.items():
        a_ring(vault, name, 6, text)
    vault.write("Bread 0.md", f"{BREAD} {BREAD} [[Oven 0|it]] [[Bread|it]] [[Bread 1|it]]")

    assert report(vault).apart == ()


def test_lonely_notes_are_told_but_days_and_templates_are_not(vault: VaultBuilder) -> None:
    vault.write(".obsidian/templates.json", '{"folder": "Templates"}')
    vault.write("Templates/Note.md", "Nothing.")
    vault.write("2026-05-01.md", "Got up.")
    vault.write("Home.md", "[[Food]]")
    vault.write("Food.md", "Bread.")
    vault.write("Alone.md", "[[Nowhere]]")

    found = report(vault)

    assert paths(found.isolated) == ["Alone.md"]
    assert paths(found.orphans) == ["Home.md"]
    assert paths(found.dead_ends) == ["Food.md"]
    assert found.notes == 4


def test_notes_with_nearly_the_same_words_are_told(vault: VaultBuilder) -> None:
    vault.write("Bread.md", f"{BREAD} {BREAD}")
    vault.write("Old/Bread copy.md", f"{BREAD} {BREAD} With butter.")
    vault.write("Chess.md", f"{CHESS} {CHESS}")
    vault.write("Short.md", "Milk, eggs.")
    vault.write("Shopping.md", "Milk, eggs.")

    assert [paths(group) for group in report(vault).near_copies] == [["Bread.md", "Old/Bread copy.md"]]


def test_days_that_were_written_to_a_form_are_no_copies(vault: VaultBuilder) -> None:
    for day in range(1, 5):
        vault.write(f"2026-05-0{day}.md", f"{BREAD} {BREAD}")

    assert report(vault).near_copies == ()


def test_tags_used_once_and_tags_written_in_two_ways_are_told(vault: VaultBuilder) -> None:
    vault.write("A.md", "---\ntags: [physics, machine-learning]\n---\n")
    vault.write("B.md", "---\ntags: [physics, machinelearning, Once]\n---\n")
    vault.write("C.md", "---\ntags: [physic]\n---\n")

    found = report(vault)

    assert [(one.tag, one.note.path) for one in found.tags_once] == [
        ("machine-learning", "A.md"),
        ("machinelearning", "B.md"),
        ("Once", "B.md"),
        ("physic", "C.md"),
    ]
    assert [(one.tag, other.tag, one.notes) for one, other in found.similar_tags] == [
        ("physics", "physic", 2),
        ("machine-learning", "machinelearning", 1),
    ]
    assert found.tags == 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("physics", "physic"),
        ("to-do", "todo"),
        ("grammar", "grammer"),
        ("ml/models", "ml/model"),
        ("read_later", "read-later"),
    ],
)
def test_tags_that_may_be_one(one: str, other: str) -> None:
    assert similar_tags([one, other]) == [(one, other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("year/2023", "year/2024"),
        ("affect", "effect"),
        ("cat", "car"),
        ("math/trees", "garden/trees"),
        ("food", "food/bread"),
        ("機械学習", "機械翻訳"),
    ],
)
def test_tags_that_are_two(one: str, other: str) -> None:
    assert similar_tags([one, other]) == []


def test_an_alias_that_names_another_note_too_is_told(vault: VaultBuilder) -> None:
    vault.write("Starter.md", "---\naliases: [Levain, Mother, starter]\n---\n")
    vault.write("levain.md", "")
    vault.write("Vinegar.md", "---\naliases: [mother]\n---\n")

    found = report(vault).alias_collisions

    assert [(one.name, paths(one.titled), paths(one.aliased)) for one in found] == [
        ("Levain", ["levain.md"], ["Starter.md"]),
        ("Mother", [], ["Starter.md", "Vinegar.md"]),
    ]


def test_names_that_most_links_wait_for_come_first(vault: VaultBuilder) -> None:
    vault.write("A.md", "[[Soon]] [[Later]] [[2026-05-01]] ![[gone.png]]")
    vault.write("B.md", "[[soon]]")

    assert [(one.name, one.path, paths(one.notes)) for one in report(vault).wanted] == [
        ("Soon", "Soon.md", ["A.md", "B.md"]),
        ("Later", "Later.md", ["A.md"]),
    ]


def test_growth_is_told_by_the_months_of_the_notes_where_most_have_one(vault: VaultBuilder) -> None:
    vault.write("2026-03-01.md", "")
    vault.write("2026-05-01.md", "")
    vault.write("Note.md", "---\ncreated: 2026-05-09\n---\n")
    assert [(one.month, one.notes) for one in report(vault).growth] == [("2026-03", 1), ("2026-04", 0), ("2026-05", 2)]

    for number in range(10):
        vault.write(f"{number}.md", "")
    assert report(vault).growth == ()


def test_islands_do_not_overlap_and_their_notes_stay_on_them(vault: VaultBuilder) -> None:
    for name, notes in (("Bread", 12), ("Chess", 5), ("Garden", 30), ("Music", 4)):
        a_ring(vault, name, notes, BREAD)
    vault.write("Home.md", "[[Bread]] [[Chess]] [[Garden]]")

    drawn = report(vault).map

    assert len(drawn.islands) == 4
    for one, other in combinations(drawn.islands, 2):
        assert math.dist((one.x, one.y), (other.x, other.y)) > one.r + other.r
    for dot in drawn.dots:
        island = drawn.islands[dot.cluster]
        assert math.dist((dot.x, dot.y), (island.x, island.y)) + dot.r <= island.r + 0.3
        assert 0 <= dot.x <= drawn.width
        assert 0 <= dot.y <= drawn.height
    assert {drawn.dots[line.one].cluster == drawn.dots[line.other].cluster for line in drawn.lines} == {True}
    assert [dot.title for dot in drawn.dots if dot.label][0:1] == ["Garden"]


def test_the_same_vault_has_the_same_map(vault: VaultBuilder) -> None:
    a_ring(vault, "Bread", 9, BREAD)
    a_ring(vault, "Chess", 7, CHESS)

    assert report(vault).map == report(vault).map


@pytest.mark.parametrize("notes", [{}, {"One.md": "Alone."}, {"A.md": "[[B]]", "B.md": ""}])
def test_a_vault_with_hardly_anything_has_a_report_too(vault: VaultBuilder, notes: dict[str, str]) -> None:
    for path, text in notes.items():
        vault.write(path, text)

    found = report(vault)

    assert found.notes == len(notes)
    assert (found.clusters, found.map.dots, found.apart) == ((), (), ())
