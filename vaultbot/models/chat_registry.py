"""Chat models that are known by name: where their files are, what they need, and how they want to be spoken to.

The list is `chat_models.toml` beside this file. It knows nothing of what is installed, and a model need not be in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from vaultbot.errors import InvalidRequest
from vaultbot.models.shape import Shape


@dataclass(frozen=True, slots=True)
class KnownChatModel:
    """A known chat model."""

    id: str  #: what people type: "qwen2.5-1.5b"
    repository: str  #: on Hugging Face: "Qwen/Qwen2.5-1.5B-Instruct-GGUF"
    file: str  #: "qwen2.5-1.5b-instruct-{}.gguf", with {} for the quantization
    quantizations: tuple[str, ...]  #: the one to take first
    architecture: str  #: what the file's header must say
    context: int  #: tokens it was trained for
    languages: tuple[str, ...]  #: "en", "ja", "zh", or "many"
    licence: str
    why: str  #: one line for people
    shape: Shape
    recommend: int = 0  #: the higher, the better its answers; 0 is never recommended
    template: str = ""  #: "llama-2" or "vicuna" where the file brings none
    lower_case: bool = False  #: whether the file's name has the quantization in small letters

    def speaks_all(self, languages: Collection[str]) -> bool:
        """Whether it answers in every one of these languages."""
        return "many" in self.languages or set(languages) <= set(self.languages)

    def file_name(self, quantization: str) -> str:
        """The file of that quantization."""
        return self.file.format(quantization.lower() if self.lower_case else quantization)


@dataclass(frozen=True, slots=True)
class Choice:
    """A known model in one quantization."""

    model: KnownChatModel
    quantization: str

    @property
    def name(self) -> str:
        """ "qwen2.5-1.5b:Q4_K_M"."""
        return f"{self.model.id}:{self.quantization}"

    @property
    def file_name(self) -> str:
        """Of the GGUF file."""
        return self.model.file_name(self.quantization)

    @property
    def weight_bytes(self) -> int:
        """About the size of the file."""
        return self.model.shape.weight_bytes(self.quantization)


@cache
def known_chat_models() -> tuple[KnownChatModel, ...]:
    """All of them, smaller ones first within a family."""
    text = (files("vaultbot.models") / "chat_models.toml").read_text(encoding="utf-8")
    return tuple(
        KnownChatModel(
            **{
                **entry,
                "quantizations": tuple(entry["quantizations"]),
                "languages": tuple(entry["languages"]),
                "shape": Shape(**entry["shape"]),
            }
        )
        for entry in tomllib.loads(text)["chat"]
    )


def choose(name: str) -> Choice:
    """The model called "ID" or "ID:QUANT". Raises InvalidRequest, naming what there is."""
    wanted, _, quantization = name.strip().partition(":")
    model = next((one for one in known_chat_models() if one.id == wanted.lower()), None)
    if model is None:
        raise InvalidRequest(f"no model called {wanted[:60]!r} is known; see: vaultbot models list")
    if not quantization:
        return Choice(model, model.quantizations[0])
    if quantization.upper() not in model.quantizations:
        raise InvalidRequest(
            f"{model.id} is not offered in {quantization[:20]!r}; choose from: {', '.join(model.quantizations)}"
        )
    return Choice(model, quantization.upper())


def choice_of_file(file_name: str) -> Choice | None:
    """The known model whose file is called so; capitals make no difference."""
    return _by_file().get(file_name.lower())


@cache
def _by_file() -> dict[str, Choice]:
    return {
        model.file_name(quantization).lower(): Choice(model, quantization)
        for model in known_chat_models()
        for quantization in model.quantizations
    }
