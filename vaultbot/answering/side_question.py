"""A short question to a language model beside the answer: it may take little time, and is missed by nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from vaultbot.answering.enough import Enough
from vaultbot.errors import InvalidRequest, ModelCrashed, ModelMissing, Unreachable
from vaultbot.protocols import ChatModel, Message

log = logging.getLogger("vaultbot")


def side_question(
    model: ChatModel,
    messages: Sequence[Message],
    *,
    prefix: str,
    max_tokens: int,
    limit_s: float,
    cancel: threading.Event | None,
) -> str | None:
    """What the model said; None when it failed, was cancelled, or was not done in time."""
    enough = Enough(cancel or threading.Event())
    late = threading.Timer(limit_s, enough.set)
    late.daemon = True
    try:
        model.count_tokens(["ready"])  # Loading takes its time, and is not done twice: the answer needs it, too.
        late.start()
        stream = model.stream(messages, max_tokens=max_tokens, prefix=prefix, cancel=enough)
        said = "".join(piece.text for piece in stream)
    except (ModelMissing, ModelCrashed, Unreachable, InvalidRequest) as error:
        log.warning("the question was not put in other words: %s", error)
        return None
    finally:
        late.cancel()
    return None if enough.is_set() else said
