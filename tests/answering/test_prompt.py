"""What a model gets to read: as much as fits its context, and as this machine reads in a few seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conftest import VaultBuilder
from tests.fakes import ScriptedChatModel
from vaultbot.answering.prompt import labels_of
from vaultbot.config import Config, RetrievalSettings
from vaultbot.protocols import Speed
from vaultbot.retrieval.query import parse_query

QUESTION = "What is quantization of weights?"


@pytest.fixture
def library(vault: VaultBuilder) -> VaultBuilder:
    """Six notes of about 150 words."""
    vault.embedder = None
    vault.config = replace(Config(), retrieval=RetrievalSettings(passages=6))
    for number in range(6):
        words = " ".join(f"word{number}x{place}" for place in range(145))
        vault.write(f"Q{number}.md", f"Quantization of weights saves {number + 2} bits. {words}")
    return vault


def read(vault: VaultBuilder, *, speed: Speed | None, context_tokens: int = 4096) -> int:
    """Tokens of the prompt."""
    model = ScriptedChatModel({"": ""}, parameters=7_000_000_000, speed=speed, context_tokens=context_tokens)
    vault.model = model
    vault.ask(QUESTION)
    prompt = sum(model.count_tokens([one.content for one in model.asked[0]]))
    vault.close()
    return prompt


def test_a_slow_machine_reads_fewer_sources_than_a_fast_one(library: VaultBuilder) -> None:
    whole = read(library, speed=None)

    assert read(library, speed=Speed(reading=1000, writing=50)) == whole
    assert read(library, speed=Speed(reading=100, writing=10)) <= 500 < whole
    assert read(library, speed=Speed(reading=60, writing=10)) < read(library, speed=Speed(reading=100, writing=10))


def test_however_slow_it_is_the_best_source_is_read(library: VaultBuilder) -> None:
    assert read(library, speed=Speed(reading=0.5, writing=0.1)) > 150


def test_a_small_context_is_not_exceeded_by_a_fast_machine(library: VaultBuilder) -> None:
    assert read(library, speed=Speed(reading=1000, writing=50), context_tokens=512) < 512


def test_a_model_may_call_its_sources_by_title_path_and_heading(library: VaultBuilder) -> None:
    library.write("Food/Bread.md", "# Rye\n\nQuantization of rye bread is of no use to anybody who bakes.")
    library.index()
    retriever = library.assistant._retriever
    with retriever._reader.snapshot():
        (reading,) = retriever.readings(parse_query("rye bread"))
        found = retriever.passages(reading, limit=1)

    assert labels_of(found) == {"Bread", "Food/Bread.md", "Rye", "Bread › Rye"}
