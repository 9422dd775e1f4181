"""What a chat client sends, as a question to the notes or as a prompt for a model.

Plugins put text of their own around a question: the note that is open, passages they found, instructions. The notes
are asked the question alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from vaultbot.answering.followup import Turn
from vaultbot.api.dialects import CannotDo
from vaultbot.api.markdown import cited_titles
from vaultbot.protocols import Message
from vaultbot.retrieval.query import MAX_QUESTION

_MOST_TURNS = 100
_LONG = 600  #: characters; a question that a person typed is shorter

# Copilot writes this line between what it attaches and what was asked.
_ASKED_BELOW = re.compile(r"^\[User query\]:[ \t]*$", re.MULTILINE)
# Smart Composer's own instructions, which come as messages of the user, before and behind the question.
_INSTRUCTIONS = ("<smtcmp_block", "<custom_instructions>", "# Inputs\n## Current File\n")
_OPENS = re.compile(r"(?P<fence>`{3,}|~{3,})|<(?P<tag>[a-z][\w-]{0,63})(?:\s[^<>]*)?>\s*$")
_HEADING = re.compile(r"#{1,6} ")


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a client, with the text of its parts."""

    role: Literal["system", "user", "assistant"]
    text: str


def turns_of(messages: Sequence[Said]) -> tuple[Turn, ...]:
    """The conversation, the question last. What a system message says does not matter: the notes answer.

    Raises CannotDo when no question was asked.
    """
    said = [one for one in messages if one.role != "system" and one.text.strip()]
    while said and said[-1].role == "assistant":
        said.pop()  # Some clients send the beginning of an answer, to be gone on with.
    said = [one for at, one in enumerate(said) if one.role != "user" or not _is_instruction(one.text, said, at)]
    turns = tuple(_turns(said))
    if not turns or turns[-1].role != "user":
        raise CannotDo("messages: there is no question; the last message of the user is the question", param="messages")
    return turns[-_MOST_TURNS:]


def prompt_of(messages: Sequence[Said]) -> list[Message]:
    """The conversation for a model: one system message, then users and assistants by turns.

    Raises CannotDo when there is nothing to answer.
    """
    system = "\n\n".join(one.text for one in messages if one.role == "system" and one.text.strip())
    prompt: list[Message] = [Message("system", system)] if system else []
    for one in messages:
        if one.role == "system" or not one.text.strip():
            continue
        if prompt and prompt[-1].role == one.role:
            prompt[-1] = Message(one.role, f"{prompt[-1].content}\n\n{one.text}")
        else:
            prompt.append(Message(one.role, one.text))
    if not any(message.role == "user" for message in prompt):
        raise CannotDo("messages: there is no message of the user", param="messages")
    return prompt


def question_of(text: str) -> str:
    """The question in a message: without pasted notes, fenced or in tags, and of a long text its last words."""
    *_, asked = _ASKED_BELOW.split(text)
    asked = (_without_pasted(asked) or asked).strip()
    if len(asked) > _LONG:
        asked = asked.rpartition("\n\n")[2].strip()
    # A last paragraph without end is cut off at its front: what is asked stands at the end of what was pasted.
    return asked[-MAX_QUESTION:].strip()


def _without_pasted(text: str) -> str:
    """The lines outside of fences and of tags that stand on lines of their own; of those with such, no headings."""
    kept: list[str] = []
    until, pasted = "", False
    for line in text.splitlines():
        bare = line.strip()
        if until:
            if bare == until or (until[0] != "<" and bare.startswith(until) and not bare.strip(until[0])):
                until = ""
        elif opens := _OPENS.match(bare):
            until, pasted = opens["fence"] or f"</{opens['tag']}>", True
        else:
            kept.append(line)
    return "\n".join(line for line in kept if not (pasted and _HEADING.match(line))).strip()


def _turns(said: Sequence[Said]) -> Iterator[Turn]:
    for one in said:
        if one.role == "user":
            yield Turn("user", question_of(one.text))
        else:
            yield Turn("assistant", one.text, cited_titles(one.text))


def _is_instruction(text: str, said: Sequence[Said], at: int) -> bool:
    """Whether a plugin wrote it and not a person; the only message of the user is always a question."""
    others = any(one.role == "user" for other, one in enumerate(said) if other != at)
    return others and any(mark in text for mark in _INSTRUCTIONS) and not text.rstrip().endswith("?")
