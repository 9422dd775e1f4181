"""What the chat doors say, piece by piece: an answer from the notes, or a model's own words."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from vaultbot.api.conversation import Said, prompt_of, turns_of
from vaultbot.api.dialects import CannotDo, model_not_found
from vaultbot.api.markdown import answer_parts
from vaultbot.assistant import Assistant
from vaultbot.errors import ModelMissing
from vaultbot.types import Answer, TokenUsage

ANSWERS = "vaultbot"  #: answers from the vault
RAW = "vaultbot-raw"  #: the language model by itself
EMBEDS = "vaultbot-embed"  #: makes vectors


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of what is said. The last one has `usage` and, of an answer from the notes, the whole of it."""

    text: str
    usage: TokenUsage | None = None
    answer: Answer | None = None
    cut_off: bool = False  #: the last piece's: it is as long as it may be, and not at its end


def model_names(assistant: Assistant) -> list[str]:
    """The models that can be asked for now."""
    names = [ANSWERS]
    with suppress(ModelMissing):  # `vaultbot status` tells of it.
        names += [RAW] if assistant.model_name() else []
    return [*names, *([EMBEDS] if assistant.embedder else [])]


def said_by(
    assistant: Assistant,
    model: str,
    messages: Sequence[Said],
    *,
    cancel: threading.Event,
    only_words: bool = False,
    max_tokens: int | None = None,
    stop: Sequence[str] = (),
) -> Iterator[Piece]:
    """What this model says to these messages. The first piece comes when it is sure that there will be an answer.

    With `only_words` (JSON was asked for, say) the notes are not asked, for their citations would be in the way.
    Raises CannotDo for another model, and what `Assistant.ask_stream` and `generate` raise.
    """
    if model not in (ANSWERS, RAW):
        if model == EMBEDS:
            raise CannotDo(f"{EMBEDS} makes vectors and does not chat; choose {ANSWERS}", param="model")
        raise model_not_found(model_names(assistant))
    if model == ANSWERS and not only_words:
        return _answered(assistant, messages, cancel)
    return _generated(assistant, messages, cancel, max_tokens=max_tokens, stop=stop)


def _answered(assistant: Assistant, messages: Sequence[Said], cancel: threading.Event) -> Iterator[Piece]:
    *history, last = turns_of(messages)
    for text, event in answer_parts(assistant.ask_stream(last.content, history=history, cancel=cancel)):
        if isinstance(event, Answer):
            yield Piece(text, event.tokens, event)
        else:
            yield Piece(text)


def _generated(
    assistant: Assistant,
    messages: Sequence[Said],
    cancel: threading.Event,
    *,
    max_tokens: int | None,
    stop: Sequence[str],
) -> Iterator[Piece]:
    prompt = prompt_of(messages)
    for piece in assistant.generate(prompt, max_tokens=max_tokens, stop=stop, cancel=cancel):
        yield Piece(piece.text, piece.usage, cut_off=piece.cut_off)
