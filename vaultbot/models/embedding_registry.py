"""Embedding models that are known by name: what they read, how large they are, and the words they want before a text.

The list is `embedding_models.toml` beside this file. It knows nothing of what is installed, and a model need not be in
it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

#: What stands behind a model's name when it is the same model: how it is packed, and a server's tag.
_PACKING = re.compile(
    r"(?:[-_.](?:gguf|ggml|onnx|fp?16|fp?32|bf16|int8|qat|i?q\d(?:_(?:[01ksml]|xl|xs|xxs|nl))*|ud))+$"
)
_TAG = re.compile(r":[^/:]*$")
_LONGEST_NAME = 200  # characters


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A known embedding model."""

    id: str  #: the repository on Hugging Face: "intfloat/multilingual-e5-small"
    reads: tuple[str, ...]  #: languages: "en", "ja", "zh", or "many"
    dimensions: int
    megabytes: int  #: of weights to download
    max_tokens: int  #: of one text; what is longer is cut
    licence: str
    why: str  #: one line for people
    query_prompt: str = ""  #: put before a question
    document_prompt: str = ""  #: put before a passage
    names: tuple[str, ...] = ()  #: other names it goes by
    as_folder: bool = True  #: whether its own folder can be used, and not a GGUF file alone

    @property
    def name(self) -> str:
        """Without its maker: "multilingual-e5-small"."""
        return self.id.rpartition("/")[2]

    def reads_all(self, languages: Collection[str]) -> bool:
        """Whether it reads every one of these languages."""
        return "many" in self.reads or set(languages) <= set(self.reads)


@cache
def known_embedding_models() -> tuple[EmbeddingModel, ...]:
    """All of them, smaller ones first within a language."""
    text = (files("vaultbot.models") / "embedding_models.toml").read_text(encoding="utf-8")
    return tuple(
        EmbeddingModel(**{**entry, "reads": tuple(entry["reads"]), "names": tuple(entry.get("names", ()))})
        for entry in tomllib.loads(text)["embedding"]
    )


def find_embedding_model(*names: str | None) -> EmbeddingModel | None:
    """The model that goes by one of these names, the first that is known: of a folder, a file, a server's list.

    Capitals, a maker in front and a quantization behind make no difference.
    """
    by_name = _by_name()
    return next((by_name[key] for name in names if name and (key := _key(name)) in by_name), None)


def smallest_embedding_model(languages: Collection[str]) -> EmbeddingModel | None:
    """The smallest known model that reads all of these languages, of those whose folder can be used as it is."""
    fitting = [one for one in known_embedding_models() if one.as_folder and one.reads_all(languages)]
    return min(fitting, key=lambda one: one.megabytes, default=None)


@cache
def _by_name() -> dict[str, EmbeddingModel]:
    return {_key(name): model for model in known_embedding_models() for name in (model.id, *model.names)}


def _key(name: str) -> str:
    """ "nomic-embed-text-v1.5" for "nomic-ai/Nomic-Embed-Text-v1.5.Q8_0.gguf"."""
    lower = name[: _LONGEST_NAME + 1].strip().lower().replace(" ", "-").replace("--", "/")
    return _PACKING.sub("", _TAG.sub("", lower).rpartition("/")[2]) if len(lower) <= _LONGEST_NAME else ""
