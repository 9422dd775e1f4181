"""A short title for a conversation, which can be the name of a note."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaultbot.answering.followup import Turn, stand_alone
from vaultbot.answering.language import language_of_question
from vaultbot.answering.prompt import tier_of
from vaultbot.answering.restater import conversation
from vaultbot.answering.side_question import side_question
from vaultbot.answering.templates import load_template
from vaultbot.index.analyzer import content_terms, content_words
from vaultbot.protocols import ChatModel
from vaultbot.retrieval.rewriting import cleaned_line

_MOST_TOKENS = 24
_MOST_WORDS = 6
_LONGEST = 60  #: characters
_OWN_WORDS = 0.5  #: of a model's title must stand in the conversation
#: What a note's name must not have, in Obsidian or in some file system.
_FORBIDDEN = re.compile(r'[\\/:*?"<>|#^\[\]%\x00-\x1f\x7f]+')
UNTITLED = "Conversation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Namer:
    """Names conversations. Safe to use from several threads."""

    prompts: Path | None  #: a folder with templates of one's own
    limit_s: float = 4.0  #: the model may think for so long

    def title(self, turns: Sequence[Turn], model: ChatModel | None) -> str:
        """By the model, if it is large enough and what it says holds; else by the words of the first question."""
        asked = [turn.content for turn in turns if turn.role == "user"]
        if not asked:
            return UNTITLED
        if model is not None and tier_of(model).rewords:
            template = load_template("title", folder=self.prompts)
            said = side_question(
                model,
                template.messages(
                    conversation=conversation(turns[:-1]),
                    question=asked[-1][:300],
                    language=language_of_question(asked[0]),
                ),
                prefix=template.prefix,
                max_tokens=_MOST_TOKENS,
                limit_s=self.limit_s,
                cancel=None,
            )
            if title := read_title(said or "", turns):
                return title
        return title_by_rule(turns)


def title_by_rule(turns: Sequence[Turn]) -> str:
    """The words of the first question that carry its meaning: "What is quantization?" → "Quantization"."""
    first = next((turn.content for turn in turns if turn.role == "user"), "")
    words = content_words(stand_alone([Turn("user", first)]))[:_MOST_WORDS]
    unspaced = any("\u3040" <= letter <= "\u9fff" for word in words for letter in word)
    title = _name(("・" if unspaced else " ").join(words))
    return title[:1].upper() + title[1:] if title else UNTITLED


def read_title(said: str, turns: Sequence[Turn]) -> str | None:
    """The title that a model wrote; None when it is none: too long, empty, or of something else."""
    lines = [line for line in said.splitlines() if line.strip()]
    if len(lines) != 1:
        return None
    title = _name(re.sub(r"^(?:title|タイトル|标题|標題)\s*[:：]\s*", "", cleaned_line(lines[0]), flags=re.IGNORECASE))
    known = set(content_terms(" ".join(" ".join((turn.content, *turn.cited)) for turn in turns)))
    own = content_terms(title)
    if not own or len(said.strip()) > 2 * _LONGEST or len(known.intersection(own)) < _OWN_WORDS * len(own):
        return None
    return title


def _name(text: str) -> str:
    text = " ".join(_FORBIDDEN.sub(" ", text).split()).strip(" .。?？!！,，、;；'“”‘’「」『』*_`")
    if len(text) <= _LONGEST:
        return text
    return text[:_LONGEST].rpartition(" ")[0] or text[:_LONGEST]
