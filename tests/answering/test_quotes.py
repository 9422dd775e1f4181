"""An answer of quotes alone: the best sentences in reading order, cited, and no model asked."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from tests.fakes import ScriptedChatModel
from vaultbot.answering.quotes import same_words
from vaultbot.types import Answer, Sources

COMPOST = """\
A compost heap is turned once a month.

The compost heap gets warm within a week.

Leaves fall in October.

A compost heap that smells is too wet.
"""


@pytest.fixture
def garden(vault: VaultBuilder) -> VaultBuilder:
    vault.embedder = None
    vault.write("Compost.md", COMPOST)
    vault.write("Bread.md", "Bread is baked on Sunday.")
    return vault


def extracted(vault: VaultBuilder, question: str) -> Answer:
    vault.index()
    return vault.assistant.ask(question, extractive=True)


def test_the_best_sentences_stand_in_the_notes_order(garden: VaultBuilder) -> None:
    answer = extracted(garden, "Is the compost heap too wet?")

    assert [sentence.text for sentence in answer.sentences] == [
        "A compost heap is turned once a month.",
        "The compost heap gets warm within a week.",
        "A compost heap that smells is too wet.",
    ]
    assert [citation.line_start for citation in answer.citations] == [1, 3, 7]
    assert {sentence.support for sentence in answer.sentences} == {"quote"}
    assert [sentence.citations for sentence in answer.sentences] == [(n + 1,) for n in range(len(answer.sentences))]


def test_no_model_is_asked_and_none_is_missed(garden: VaultBuilder) -> None:
    model = garden.model = ScriptedChatModel({"": "A compost heap is turned once a month."})
    answer = extracted(garden, "How often is a compost heap turned?")

    assert (answer.model, answer.grounded, model.asked) == (None, True, [])
    garden.close()
    garden.model = None
    assert extracted(garden, "How often is a compost heap turned?").warnings == ()


def test_what_is_not_in_the_notes_is_refused_all_the_same(garden: VaultBuilder) -> None:
    answer = extracted(garden, "Who discovered Neptune with a telescope?")

    assert (answer.refused, answer.answer) == (True, "Not in your notes.")


def test_its_first_event_names_no_model(garden: VaultBuilder) -> None:
    garden.index()
    first, *_ = garden.assistant.ask_stream("How often is a compost heap turned?", extractive=True)

    assert isinstance(first, Sources)
    assert first.model is None


def test_a_sentence_within_another_says_the_same() -> None:
    assert same_words("It heats up.", "it heats up")
    assert same_words("Bread rises.", "Good bread rises")
    assert not same_words("Bread rises.", "Bread falls.")
