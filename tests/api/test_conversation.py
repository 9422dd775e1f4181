"""What chat plugins send, as a question."""

from __future__ import annotations

import pytest

from vaultbot.answering.followup import Turn
from vaultbot.api.conversation import Said, prompt_of, question_of, turns_of
from vaultbot.api.dialects import CannotDo
from vaultbot.protocols import Message
from vaultbot.retrieval.query import MAX_QUESTION

NOTE = "```Food/Kimchi.md\n# Kimchi\nCabbage, salt and time. Is it sour?\n```\n"


@pytest.mark.parametrize(
    "sent",
    [
        "What is kimchi?",
        f"{NOTE}\n\nWhat is kimchi?\n\n",
        f"## Potentially Relevant Snippets from the current vault\n{NOTE}{NOTE}\n\n\nWhat is kimchi?\n\n",
        "<active_note>\n<title>Kimchi</title>\nCabbage?\n</active_note>\n\n---\n\n[User query]:\n\nWhat is kimchi?",
        '<note_context path="Kimchi.md">\nCabbage?\n</note_context>\n\nWhat is kimchi?',
        "~~~~\n```\nCabbage?\n```\n~~~~\nWhat is kimchi?",
        "Cabbage and salt. " * 100 + "\n\nWhat is kimchi?",
    ],
)
def test_the_question_is_what_the_person_wrote_and_not_what_a_plugin_put_around_it(sent: str) -> None:
    assert question_of(sent) == "What is kimchi?"


def test_a_message_of_nothing_but_pasted_text_is_asked_as_it_is() -> None:
    assert question_of("```\nWhat is kimchi?\n```") == "```\nWhat is kimchi?\n```"
    assert question_of("What does `a < b` mean in <b>?") == "What does `a < b` mean in <b>?"


def test_no_message_is_too_long_for_a_question() -> None:
    assert len(question_of("word " * 100_000)) <= MAX_QUESTION
    assert len(question_of("~~~a\n" * 50_000)) <= MAX_QUESTION


def test_instructions_that_a_plugin_sends_as_the_user_are_no_question() -> None:
    messages = [
        Said("system", "You are an intelligent assistant."),
        Said("user", "Here are additional instructions:\n<custom_instructions>\nBe brief\n</custom_instructions>"),
        Said("user", f"# Inputs\n## Current File\nHere is the file I'm looking at.\n{NOTE}\n"),
        Said("user", f"{NOTE}\n\nWhat is kimchi?\n\n"),
        Said("user", 'If you need to reference blocks:\n<smtcmp_block filename="x" startLine="1"></smtcmp_block>'),
    ]

    assert turns_of(messages) == (Turn("user", "What is kimchi?"),)


def test_a_conversation_keeps_its_turns_and_the_titles_that_were_cited() -> None:
    messages = [
        Said("user", "What is kimchi?"),
        Said("assistant", "Cabbage. [1]\n\n**Sources**\n1. [[Food/Kimchi#Salt|Kimchi › Salt]]"),
        Said("user", "and how long?"),
        Said("assistant", ""),
    ]

    first, answered, last = turns_of(messages)
    assert (first.content, answered.cited, last.content) == ("What is kimchi?", ("Kimchi",), "and how long?")


@pytest.mark.parametrize("messages", [[], [Said("system", "x")], [Said("assistant", "x")], [Said("user", " ")]])
def test_a_conversation_without_a_question_is_refused(messages: list[Said]) -> None:
    with pytest.raises(CannotDo, match="no question"):
        turns_of(messages)
    with pytest.raises(CannotDo, match="no message of the user"):
        prompt_of(messages)


def test_a_prompt_has_one_system_message_and_turns_that_alternate() -> None:
    messages = [
        Said("system", "Be brief."),
        Said("user", "One."),
        Said("user", "Two."),
        Said("system", "Be kind."),
        Said("assistant", "Yes."),
        Said("user", "Three."),
    ]

    assert prompt_of(messages) == [
        Message("system", "Be brief.\n\nBe kind."),
        Message("user", "One.\n\nTwo."),
        Message("assistant", "Yes."),
        Message("user", "Three."),
    ]
