"""Why a hit is where it is, and why another note is none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import VaultBuilder
from vaultbot.types import Hit, SearchResult


@pytest.fixture
def garden(vault: VaultBuilder) -> VaultBuilder:
    vault.write("Compost.md", "# Compost\n\nA compost heap wants air and water.")
    vault.write("Heaps.md", "---\ntags: [tools]\n---\nA heap of sand, a heap of stones.")
    vault.write("Sand.md", "Sand is dug into heavy soil.")
    vault.index()
    return vault


def explained(vault: VaultBuilder, question: str, *, limit: int = 8) -> SearchResult:
    return vault.assistant.search(question, limit=limit, explain=True)


def told(hit: Hit) -> dict[str, Any]:
    assert hit.explained is not None
    return dict(hit.explained)


def test_what_each_signal_adds_makes_up_the_score(garden: VaultBuilder) -> None:
    for hit in explained(garden, "compost heap").hits:
        assert sum(told(hit)["parts"].values()) == pytest.approx(hit.score, abs=0.001)


def test_the_nearer_view_of_the_note_is_named(garden: VaultBuilder) -> None:
    first = told(explained(garden, "compost heap").hits[0])

    nearer = {"card": first["card_cosine"], "passage": first["passage_cosine"]}
    assert nearer[first["view"]] == max(nearer.values())


def test_without_an_embedder_no_view_is_nearer(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("Compost.md", "A compost heap.")
    vault.index()

    (hit,) = explained(vault, "heap").hits

    assert (told(hit)["view"], told(hit)["passage_cosine"], told(hit)["words_share"]) == (None, None, 1.0)


def test_the_words_that_a_note_lacks_are_named_as_they_were_asked(garden: VaultBuilder) -> None:
    by_path = {hit.path: told(hit)["missing"] for hit in explained(garden, "Composting on a heap").hits}

    assert by_path["Compost.md"] == []
    assert by_path["Heaps.md"] == ["Composting"]


def test_the_next_notes_are_told_with_their_places(garden: VaultBuilder) -> None:
    result = explained(garden, "compost heap", limit=1)

    assert [hit.path for hit in result.hits] == ["Compost.md"]
    assert result.left_out[0].path == "Heaps.md"
    assert result.left_out[0].reason.startswith("comes in place 2, with ")


def test_what_the_filter_left_out_is_told(garden: VaultBuilder) -> None:
    result = explained(garden, "compost heap tag:tools")

    assert [hit.path for hit in result.hits] == ["Heaps.md"]
    assert result.left_out[0].path == "Compost.md"
    assert result.left_out[0].reason == "does not fit the filter: tagged #tools"


def test_a_note_that_is_not_searched_is_told_when_its_name_was_asked_for(vault: VaultBuilder) -> None:
    vault.write(".obsidian/app.json", '{"userIgnoreFilters": ["Archive/"]}')
    vault.write("Archive/Compost.md", "An old heap.")
    vault.write("Private compost.md", "---\nvaultbot: false\n---\nA secret heap.")
    vault.write("Sand.md", "Sand.")
    vault.index()

    assert {one.path: one.reason for one in explained(vault, "compost").left_out} == {
        "Archive/Compost.md": 'is not searched: Obsidian\'s "Excluded files" name it',
        "Private compost.md": "it says vaultbot: false",
    }


def test_nothing_of_it_is_told_unasked(garden: VaultBuilder) -> None:
    result = garden.assistant.search("compost heap", limit=1)

    assert result.hits[0].explained is None
    assert result.left_out == ()
