"""A model's own words: what was said goes to it as it is, and no note is looked at."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vaultbot.errors import InvalidRequest
from vaultbot.protocols import ChatModel, Message
from vaultbot.types import TokenUsage

_MOST_TOKENS = 2048
_FEWEST_TOKENS = 16
_TEMPLATE_ROOM = 64  #: tokens that the chat template itself may take


@dataclass(frozen=True, slots=True)
class FreeText:
    """A piece of a model's words. The last one has `usage`, and perhaps no text."""

    text: str
    usage: TokenUsage | None = None
    cut_off: bool = False  #: the last piece's: it has said all that it may, and not all that it would


def free_text(
    model: ChatModel,
    messages: Sequence[Message],
    *,
    max_tokens: int | None,
    stop: Sequence[str],
    cancel: threading.Event,
) -> Iterator[FreeText]:
    """What the model says. The first piece is empty and comes when the model is loaded and the messages fit.

    `max_tokens` None stands for as many as there is room for.
    Raises InvalidRequest when the messages leave no room, and what `ChatModel.stream` raises.
    """
    asked = sum(model.count_tokens([message.content for message in messages]))
    room = model.context_tokens - asked - _TEMPLATE_ROOM
    if room < _FEWEST_TOKENS:
        raise InvalidRequest(
            f"the messages have {asked:,} tokens, and {model.name} has room for {model.context_tokens:,} with its "
            "answer; send less, or raise [model] context_tokens"
        )
    limit = min(max_tokens or _MOST_TOKENS, _MOST_TOKENS, room)
    yield FreeText("")
    for piece in model.stream(messages, max_tokens=limit, stop=stop, cancel=cancel):
        if piece.before is not None:
            continue
        cut_off = piece.usage is not None and piece.usage.completion >= limit
        yield FreeText(piece.text, piece.usage, cut_off)
