"""An embedding model that fails, as a server does that is not running: words are searched, and the reason is told."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from vaultbot.errors import ModelCrashed, ModelInvalid

AWAY = "http://127.0.0.1:1/v1 does not embed: is the server running?"


def fail(vault: VaultBuilder) -> None:
    assert vault.embedder is not None
    vault.embedder.failure = ModelCrashed(AWAY)


def test_words_are_searched_while_the_model_is_away_and_meaning_when_it_is_back(vault: VaultBuilder) -> None:
    vault.write("Kimchi.md", "Cabbage, salt and time.")
    vault.index()
    fail(vault)

    found = vault.assistant.search("cabbage and salt")
    assert [hit.path for hit in found.hits] == ["Kimchi.md"]
    assert found.warnings == (f"words alone were searched, for {AWAY}",)

    assert vault.embedder is not None
    vault.embedder.failure = None
    assert vault.assistant.search("cabbage and salt").warnings == ()


def test_a_question_is_answered_by_words_while_the_model_is_away(vault: VaultBuilder) -> None:
    vault.model = None
    vault.write("Kimchi.md", "Kimchi is cabbage with salt, chilli and time.")
    vault.index()
    fail(vault)

    answer = vault.assistant.ask("What is kimchi?")

    assert answer.citations[0].path == "Kimchi.md"
    assert f"words alone were searched, for {AWAY}" in answer.warnings


def test_who_asks_for_meaning_alone_is_told_that_there_is_none(vault: VaultBuilder) -> None:
    vault.write("Kimchi.md", "Cabbage, salt and time.")
    vault.index()
    fail(vault)

    with pytest.raises(ModelCrashed, match="is the server running"):
        vault.assistant.search("cabbage", mode="dense")


def test_a_vault_that_was_never_embedded_is_searched_by_its_words(vault: VaultBuilder) -> None:
    vault.write("Kimchi.md", "Cabbage, salt and time.")
    assert vault.embedder is not None
    vault.embedder.failure = ModelInvalid("the model is not there")

    with pytest.raises(ModelInvalid):
        vault.index()

    assert [hit.path for hit in vault.assistant.search("cabbage").hits] == ["Kimchi.md"]
    assert vault.assistant.state().state == "degraded"
