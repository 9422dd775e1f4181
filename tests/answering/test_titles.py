"""Titles of conversations: by a model that keeps to what was said, or by rule."""

from __future__ import annotations

import pytest

from tests.fakes import ScriptedChatModel
from vaultbot.answering.followup import Turn
from vaultbot.answering.titles import Namer, read_title, title_by_rule

TURNS = (
    Turn("user", "What is quantization?"),
    Turn("assistant", "Fewer bits. [1]", ("Quantization",)),
    Turn("user", "and how many bits per weight does it use?"),
)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is quantization?", "Quantization"),
        ("how long does the dough of rye bread rest in a cold kitchen?", "Long dough rye bread rest cold"),
        ("量子化とは何ですか", "量子化"),
        ("堆肥最合适的碳氮比是多少？", "堆肥最合适・碳氮比"),
        ("why?", "Conversation"),
        ('a/b: "c"?', "B c"),
        ("x" * 200, "X" + "x" * 59),
    ],
)
def test_the_words_of_the_first_question_make_one(question: str, title: str) -> None:
    assert title_by_rule([Turn("user", question), Turn("assistant", "."), Turn("user", "and rye?")]) == title


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Quantization and bits", "Quantization and bits"),
        ('"Bits per weight in quantization."', "Bits per weight in quantization"),
        ("Title: Quantization/bits", "Quantization bits"),
        ("Sourdough bread", None),
        ("Quantization\nIt stores weights.", None),
        ("", None),
        ("Quantization " * 20, None),
    ],
)
def test_a_model_may_word_it_but_not_make_it_up(said: str, title: str | None) -> None:
    assert read_title(said, TURNS) == title


def test_a_model_that_can_is_asked_and_sees_questions_and_titles_alone() -> None:
    model = ScriptedChatModel({"": "Bits in quantization"})

    assert Namer(prompts=None).title(TURNS, model) == "Bits in quantization"
    assert "Fewer bits" not in model.asked[0][-1].content
    assert "in English" in model.asked[0][0].content


def test_a_small_model_is_not_asked() -> None:
    model = ScriptedChatModel({"": "Bits in quantization"}, parameters=135_000_000)

    assert Namer(prompts=None).title(TURNS, model) == "Quantization"
    assert model.asked == []
