"""Which embedding model fits a vault's languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vaultbot.models.embedding_registry import EmbeddingModel, smallest_embedding_model
from vaultbot.models.languages import CODES, WORTH_A_MODEL


@dataclass(frozen=True, slots=True)
class Advice:
    """What the installed model reads of a vault, and what to get for the rest."""

    installed: EmbeddingModel | None
    unread: tuple[str, ...]  #: languages that it does not read
    better: EmbeddingModel | None  #: that reads them all; None when nothing is lacking


def advise(languages: Mapping[str, float], installed: EmbeddingModel | None) -> Advice:
    """Compare the shares of a vault's languages with what the installed model reads."""
    spoken = [language for language, share in languages.items() if share >= WORTH_A_MODEL]
    unread = tuple(one for one in spoken if installed is None or not installed.reads_all([CODES.get(one, one)]))
    if not unread:
        return Advice(installed, (), None)
    # English is in every vault: in names, in quotes, in code.
    return Advice(installed, unread, smallest_embedding_model({"en", *(CODES.get(one, one) for one in spoken)}))


def spoken(model: EmbeddingModel) -> str:
    """What a model reads, in words."""
    names = {code: name for name, code in CODES.items()}
    return " and ".join(names.get(code, "a hundred languages") for code in model.reads)
