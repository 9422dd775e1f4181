"""Vectors for clients that have texts of their own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vaultbot.api.dialects import CannotDo, model_not_found
from vaultbot.api.speaking import ANSWERS, EMBEDS, RAW, model_names
from vaultbot.assistant import Assistant
from vaultbot.errors import ModelMissing
from vaultbot.protocols import FloatArray

_TEXTS_AT_ONCE = 32  #: after these it is looked whether somebody still waits


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of some texts, in their order."""

    vectors: FloatArray
    tokens: int


def vectors_of(
    assistant: Assistant, model: str, texts: Sequence[str], *, dimensions: int | None, cancel: threading.Event
) -> Vectors:
    """The vectors by which passages of notes are compared.

    Raises CannotDo for another model or another length of vectors, ModelMissing when the settings want no embedder.
    """
    if model != EMBEDS:
        if model in (ANSWERS, RAW):
            raise CannotDo(f"{model} makes no vectors; choose {EMBEDS}", param="model")
        raise model_not_found(model_names(assistant))
    embedder = assistant.embedder
    if embedder is None:
        raise ModelMissing("no embedding model is set up; choose one in [embedding] model")
    if dimensions not in (None, embedder.dimensions):
        raise CannotDo(f"dimensions: {embedder.name} has {embedder.dimensions}", param="dimensions")
    found: list[FloatArray] = []
    for at in range(0, len(texts), _TEXTS_AT_ONCE):
        if found and cancel.is_set():
            break
        found.append(embedder.embed_documents(texts[at : at + _TEXTS_AT_ONCE]))
    return Vectors(np.concatenate(found), sum(embedder.count_tokens(texts)))
