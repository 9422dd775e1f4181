"""Questions of common words in a large vault: which notes are scored at all."""

from __future__ import annotations

from vaultbot.retrieval.ranking import telling_terms


def test_every_note_with_a_word_is_scored_while_there_are_not_many() -> None:
    assert telling_terms({"sourdough": 40, "bread": 6_000, "time": 9_000}) is None
    assert telling_terms({}) is None


def test_of_many_notes_those_with_the_rarest_words_are_scored() -> None:
    assert telling_terms({"time": 60_000, "sourdough": 1_200, "bread": 6_000}) == ["sourdough", "bread"]


def test_a_word_that_hardly_any_note_has_does_not_choose_alone() -> None:
    assert telling_terms({"xylograph": 5, "time": 60_000, "state": 40_000}) == ["xylograph", "state"]
    assert telling_terms({"time": 60_000}) is None
