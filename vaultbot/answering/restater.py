"""Has a language model make a question of a conversation stand alone, where one is there that can."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaultbot.answering.followup import Turn, stand_alone
from vaultbot.answering.language import language_of_question
from vaultbot.answering.leaning import leaning_of
from vaultbot.answering.prompt import tier_of
from vaultbot.answering.side_question import side_question
from vaultbot.answering.templates import load_template
from vaultbot.index.analyzer import content_terms
from vaultbot.protocols import ChatModel
from vaultbot.retrieval.rewriting import cleaned_line

_MOST_TOKENS = 80
_LONGEST = 300  #: characters
_SHORT = 3  #: terms; a question with fewer may lean on what no rule sees
_SHOWN_TURNS = 8
_LONGEST_SHOWN = 300  #: characters of each question
_OWN_WORDS = 2 / 3  #: of what it says must stand in the conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Restater:
    """Makes the last question of a conversation stand alone. Safe to use from several threads."""

    prompts: Path | None  #: a folder with templates of one's own
    limit_s: float = 4.0  #: the model may think for so long

    def restated(self, turns: Sequence[Turn], model: ChatModel | None, *, cancel: threading.Event | None = None) -> str:
        """The last question as the model put it, if that holds; else as the rule does."""
        by_rule, question = stand_alone(turns), turns[-1].content
        before = turns[:-1]
        unclear = leaning_of(question) is not None or len(content_terms(question)) <= _SHORT
        if model is None or not tier_of(model).rewords or not unclear or not any(t.role == "user" for t in before):
            return by_rule
        template = load_template("follow-up", folder=self.prompts)
        said = side_question(
            model,
            template.messages(
                conversation=conversation(before),
                question=question[:_LONGEST_SHOWN],
                language=language_of_question(question),
            ),
            prefix=template.prefix,
            max_tokens=_MOST_TOKENS,
            limit_s=self.limit_s,
            cancel=cancel,
        )
        return read_restated(said or "", turns) or by_rule


def read_restated(said: str, turns: Sequence[Turn]) -> str | None:
    """The question that a model wrote; None when it cannot be the last one, put in other words.

    It is one line, has no filters, keeps what the last question says, brings something of the questions before it or
    the titles of the notes cited, and little else.
    """
    lines = [line for line in said.splitlines() if line.strip()]
    if len(lines) != 1 or len(lines[0]) > _LONGEST:
        return None
    text = cleaned_line(lines[0])
    own, asked = set(content_terms(text)), set(content_terms(turns[-1].content))
    earlier = [turn.content if turn.role == "user" else " ".join(turn.cited) for turn in turns[:-1]]
    known = set(content_terms(" ".join(earlier)))
    brings = (own - asked) & known
    if not brings or len(own & (asked | known)) < _OWN_WORDS * len(own):
        return None
    return text if len(own & asked) * 2 >= len(asked - _leaning_words(turns[-1].content, known)) else None


def _leaning_words(question: str, known: set[str]) -> set[str]:
    """The terms of a question that says nothing but "why?", which may well be said otherwise."""
    terms = set(content_terms(question))
    return terms if len(terms) == 1 and not terms & known else set()


def conversation(turns: Sequence[Turn]) -> str:
    """The questions and titles alone: what a note or an answer says could be meant to mislead."""
    lines = []
    for turn in turns[-_SHOWN_TURNS:]:
        if turn.role == "user":
            lines.append(f"Question: {' '.join(turn.content.split())[:_LONGEST_SHOWN]}")
        elif turn.cited:
            lines.append(f"Note: {' '.join(turn.cited[0].split())[:100]}")
    return "\n".join(lines)
