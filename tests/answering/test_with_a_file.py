"""Answers with a model in a real GGUF file, run by llama.cpp in its process: one that says what it was made to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import VaultBuilder
from tests.gguf_files import scripted_model
from vaultbot.adapters.llama_cpp.chat import LlamaCppChatModel
from vaultbot.answering import answerer, prompt
from vaultbot.answering.prompt import Tier
from vaultbot.config import AnswerSettings, Config
from vaultbot.protocols import ChatModel

_SAYS = (
    "<think>", "The user", " asks.", "</think>", "\n\nAccording", " to note 7,", " bread", " rises", " slowly", " [7]",
    ".", " It was", " invented", " in Atlantis", " 【2】", "!", "\nSources", ":\n- Nature",
)  # fmt: skip


@pytest.fixture
def bakery(vault: VaultBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VaultBuilder]:
    """A file of some thousand weights that is used like one of a billion."""

    def as_of_a_billion(_: ChatModel) -> Tier:
        return Tier("ask", sentences=3, max_tokens=200, trusted=4, skips=True, reads_only_latin=False, rewords=False)

    for room in (answerer, prompt):
        monkeypatch.setattr(room, "tier_of", as_of_a_billion)
    model = LlamaCppChatModel(scripted_model(tmp_path / "says.gguf", _SAYS), context_tokens=1024, gpu_layers=0)
    vault.embedder, vault.model = None, model
    vault.write("Bread.md", "In a cold kitchen bread rises slowly [3].")
    yield vault
    model.close()


def test_what_the_notes_support_is_said_without_the_models_own_citations(bakery: VaultBuilder) -> None:
    answer = bakery.ask("How does bread rise in a cold kitchen?")

    assert [(one.text, one.support) for one in answer.sentences] == [
        ("In a cold kitchen bread rises slowly [3].", "quote"),
    ]
    assert answer.answer == "In a cold kitchen bread rises slowly (3). [1]"
    assert answer.warnings == ()


def test_what_they_do_not_is_marked_when_that_is_wanted(bakery: VaultBuilder) -> None:
    bakery.config = replace(Config(), answer=AnswerSettings(unsupported="mark"))

    answer = bakery.ask("How does bread rise in a cold kitchen?")

    assert [one.text for one in answer.sentences if one.support != "quote"] == ["It was invented in Atlantis!"]
    assert answer.answer.endswith("It was invented in Atlantis! (Not in your notes.)")
