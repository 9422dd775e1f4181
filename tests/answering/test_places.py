"""Where sources stand in the prompts of several questions."""

from __future__ import annotations

import pytest

from tests.conftest import VaultBuilder
from tests.fakes import ScriptedChatModel
from vaultbot.answering.places import Places


@pytest.mark.parametrize(
    ("last", "now", "ordered"),
    [
        ("", "abc", "abc"),
        ("abc", "abc", "abc"),
        ("abc", "cba", "abc"),
        ("abc", "dba", "abd"),
        ("abc", "dca", "adc"),  # b is gone, so nothing behind it needs its place
        ("abc", "cb", "cb"),
        ("abc", "", ""),
        ("aa", "baa", "ab"),  # said twice, a source says no more
    ],
)
def test_sources_that_the_last_prompt_began_with_stay_and_the_others_follow_by_rank(
    last: str, now: str, ordered: str
) -> None:
    places = Places()
    places.ordered("m", list(last))

    assert places.ordered("m", list(now)) == list(ordered)


def test_another_model_has_read_nothing_of_it() -> None:
    places = Places()
    places.ordered("m", list("abc"))

    assert places.ordered("n", list("cba")) == list("cba")


@pytest.fixture
def formats(vault: VaultBuilder) -> VaultBuilder:
    """Words alone are searched; a model of seven billion weights reads whole passages."""
    vault.embedder = None
    vault.model = ScriptedChatModel(parameters=7_000_000_000)
    vault.write("Eight.md", "Q8_0 uses 8.5 bits per weight.")
    vault.write("Four.md", "Q4_K_M uses about 4.85 bits per weight.")
    vault.write("Compost.md", "A compost heap wants 25 to 30 parts of carbon for each part of nitrogen.")
    return vault


def sources_read(vault: VaultBuilder, *questions: str) -> list[str]:
    """What stood before each of the questions."""
    for question in questions:
        vault.ask(question)
    assert isinstance(vault.model, ScriptedChatModel)
    return [messages[-1].content.partition("Question:")[0] for messages in vault.model.asked]


def test_the_best_source_comes_first(formats: VaultBuilder) -> None:
    (sources,) = sources_read(formats, "How many bits per weight does Q4_K_M use?")

    assert sources.splitlines()[1:3] == [
        "[1] (Four) Q4_K_M uses about 4.85 bits per weight.",
        "[2] (Eight) Q8_0 uses 8.5 bits per weight.",
    ]


def test_a_second_question_finds_the_sources_of_the_first_in_their_places(formats: VaultBuilder) -> None:
    first, second = sources_read(
        formats, "How many bits per weight does Q8_0 use?", "How many bits per weight does Q4_K_M use?"
    )

    assert first == second
    assert first.splitlines()[1] == "[1] (Eight) Q8_0 uses 8.5 bits per weight."
