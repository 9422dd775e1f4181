"""Copies of a note take one place in a search, and are named there."""

from __future__ import annotations

from tests.conftest import VaultBuilder
from vaultbot.index.reader import Passage
from vaultbot.retrieval.copies import below_originals, copies_among

SOUP = (
    "# Soup\n\nLeeks and potatoes are boiled in milk until they fall apart, and the pot is stirred now and then.\n\n"
    "Nutmeg goes in at the end, when the soup is off the fire, and chives are cut over each of the plates.\n"
)


def test_a_copy_is_named_at_the_note_it_copies_and_is_no_hit_itself(vault: VaultBuilder) -> None:
    vault.write("Soup.md", SOUP)
    vault.write("Soup (conflicted copy).md", SOUP)
    vault.write("Milk.md", "Milk is boiled before it is kept.")

    hits = vault.search("soup with leeks and milk")

    assert (hits[0].path, hits[0].copies) == ("Soup.md", ("Soup (conflicted copy).md",))
    assert [hit.path for hit in hits[1:]] == ["Milk.md"]


def test_a_sync_programs_copy_never_comes_before_its_note_however_well_it_fits(vault: VaultBuilder) -> None:
    vault.write("Soup.md", SOUP)
    vault.write("Soup.sync-conflict-20261129-101500-ABCDEFG.md", "# Soup of leeks\n\nLeeks, leeks and milk.\n")
    vault.write("Leeks.md", "Leeks and milk, leeks and milk.")

    paths = [hit.path for hit in vault.search("leeks and milk")]

    assert paths.index("Soup.sync-conflict-20261129-101500-ABCDEFG.md") == paths.index("Soup.md") + 1
    assert vault.search("leeks and milk", limit=1)[0].path == "Leeks.md"


def test_a_sync_programs_copy_whose_note_is_gone_keeps_its_place() -> None:
    order = ["A (conflicted copy 2026-11-29).md", "B (conflicted copy 2026-11-29).md", "C.md", "B.md"]

    assert below_originals(order, path=str) == [order[0], "C.md", "B.md", order[1]]


def test_a_name_that_a_person_may_give_too_is_a_copys_only_beside_its_note() -> None:
    order = ["A-DESKTOP-AB12CD3.md", "B.conflict.md", "A.md"]

    assert below_originals(order, path=str) == ["B.conflict.md", "A.md", "A-DESKTOP-AB12CD3.md"]


def test_a_copy_that_went_on_is_a_note_of_its_own(vault: VaultBuilder) -> None:
    vault.write("Soup.md", SOUP)
    vault.write("Soup, improved.md", SOUP.replace("Leeks and potatoes", "Onions") + "\nCream makes it better." * 3)

    assert len(vault.search("soup with milk")) == 2


def test_short_notes_with_the_same_words_are_copies_only_under_the_same_name(vault: VaultBuilder) -> None:
    vault.write("Buy leeks.md", "Done in May.")
    vault.write("Buy milk.md", "Done in May.")
    vault.write("Archive/Buy milk.md", "Done in May.")

    hits = vault.search("done in May")

    assert len(hits) == 2
    assert sorted(path for hit in hits for path in (hit.path, *hit.copies)) == [
        "Archive/Buy milk.md",
        "Buy leeks.md",
        "Buy milk.md",
    ]


def test_copies_cost_no_other_note_its_place(vault: VaultBuilder) -> None:
    for number in range(8):
        vault.write(f"Backup {number}/Soup.md", SOUP)
    vault.write("Milk.md", "Milk is boiled in a pot.")
    vault.write("Pots.md", "A pot holds milk.")

    hits = vault.search("milk boiled in a pot", limit=3)

    assert {hit.path for hit in hits} >= {"Milk.md", "Pots.md"}
    assert max(len(hit.copies) for hit in hits) == 7


def test_thousands_of_like_notes_are_told_apart_in_linear_time() -> None:
    """Quadratic time would run into the time limit of the tests."""
    count = 30_000
    passages = [Passage(n, str(n), n, f"Daily/{n}.md", str(n), (), 1, 1, "Done.") for n in range(count)]

    assert copies_among(range(count), passages) == {}


def test_a_copy_is_found_among_thousands_of_like_notes() -> None:
    passages = [Passage(n, str(n), n, f"{n}/Daily.md", "Daily", (), 1, 1, "Done.") for n in range(3_000)]

    assert copies_among(range(3_000), passages) == dict.fromkeys(range(1, 3_000), 0)
