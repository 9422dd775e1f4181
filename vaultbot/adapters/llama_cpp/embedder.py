"""An embedding model in a GGUF file, run by llama.cpp in a process of its own.

The file's header is read at once; the process starts at the first text. When native code takes it down, that call fails
and the next one starts it again; at the second time the model is given up, and words alone are searched.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from vaultbot.adapters.llama_cpp.host import ModelHost
from vaultbot.errors import ModelCrashed, ModelInvalid, ModelMissing
from vaultbot.models import gguf
from vaultbot.models.embedding_registry import find_embedding_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vaultbot.protocols import FloatArray

    CountTokens: TypeAlias = Callable[[Sequence[str]], list[int]]

#: Longer texts are cut: a model may be made for more, and room for that takes memory. Passages are shorter.
_MOST_TOKENS = 2048
#: A word as long as a page is not worth its time; a packet holds no more.
_MOST_CHARACTERS = 200_000
#: Grows when the same file would give other vectors than before.
_VERSION = 1


class LlamaCppEmbedder:
    """An `Embedder` over a GGUF file. Safe to use from several threads."""

    def __init__(
        self,
        path: Path,
        *,
        estimate: CountTokens,
        batch_size: int = 8,
        gpu_layers: int | Literal["auto"] = "auto",
        threads: int | Literal["auto"] = "auto",
    ) -> None:
        """Read the header only. `estimate` counts tokens where the model cannot. Raises ModelMissing, ModelInvalid."""
        self._info = gguf.read(path)
        if self._info.pooling == gguf.RANKS:
            raise ModelInvalid(f"{path} is a reranker, which gives no vectors: choose an embedding model")
        if not self._info.is_embedder:
            raise ModelInvalid(
                f"{path} is a language model ({self._info.architecture}), not one for embedding: choose one such as "
                "nomic-embed-text-v1.5 or bge-m3 for [embedding] model, and give this one to [model] path"
            )
        known = find_embedding_model(path.name, self._info.name)
        self._query_prompt = known.query_prompt if known else ""
        self._document_prompt = known.document_prompt if known else ""
        self._estimate = estimate
        self._batch_size = batch_size
        # Files promise as many as there are positions, and a model may have been trained on fewer.
        trained = known.max_tokens if known else _MOST_TOKENS
        self._most_tokens = min(self._info.context_length or _MOST_TOKENS, trained, _MOST_TOKENS)
        options = {
            "task": "embedding",
            "path": str(path.absolute()),
            "context_tokens": self._most_tokens,
            "layers": None if gpu_layers == "auto" else gpu_layers,
            "threads": None if threads == "auto" else threads,
        }
        self._host = ModelHost(self._info, options, choose="[embedding] model")

    @property
    def name(self) -> str:
        """ "nomic-embed-text-v1.5 (Q8_0)": the file's name."""
        return self._info.label

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the file and of the words that are put before a text."""
        digest = hashlib.blake2b(f"llama.cpp {_VERSION} {self._most_tokens}".encode(), digest_size=16)
        digest.update(f"{self._query_prompt}\0{self._document_prompt}\0".encode())
        with self._info.path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    @property
    def dimensions(self) -> int:
        """As the header says."""
        return self._info.embedding_length

    @property
    def notice(self) -> str | None:
        """Nothing a person need know."""
        return None

    def load(self) -> None:
        """Have the model ready. Raises ModelInvalid, ModelCrashed."""
        self._host.running()

    def close(self) -> None:
        """End the model's process. A later call starts it again."""
        self._host.close()

    @property
    def counts_exactly(self) -> bool:
        """By the tokenizer in its file."""
        return True

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """By the model's tokenizer, also while texts are being embedded. When the model is gone, an estimate.

        Notes are to be found by their words then, and that does not depend on how they are cut.
        """
        counts: list[int] = []
        try:
            for part in _packets(texts):
                counts += self._host.answer("count", texts=part)["counts"]
        except (ModelCrashed, ModelMissing):
            return self._estimate(texts)
        # What was too long for a packet is counted in pieces.
        pieces = iter(counts)
        return [sum(next(pieces) for _ in _cuts(text)) for text in texts]

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors."""
        return self._embed([self._document_prompt + text for text in texts])

    def embed_query(self, text: str) -> FloatArray:
        """(dimensions,) unit vector."""
        vector: FloatArray = self._embed([self._query_prompt + text])[0]
        return vector

    def _embed(self, texts: Sequence[str]) -> FloatArray:
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        # Little at once, the longest first: a question waits for no more than what is at work.
        order = sorted(range(len(texts)), key=lambda n: -len(texts[n]))
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            reply = self._host.answer("embed", texts=[texts[n][:_MOST_CHARACTERS] for n in batch])
            found = np.frombuffer(base64.b64decode(reply["vectors"]), "<f4")
            if len(found) != len(batch) * self.dimensions:
                raise ModelInvalid(f"{self._info.path} gives vectors of another size than it says: choose another file")
            vectors[batch] = found.reshape(len(batch), -1)
        return vectors


def _cuts(text: str) -> range:
    """Where each of its pieces begins."""
    return range(0, len(text) or 1, _MOST_CHARACTERS)


def _packets(texts: Sequence[str]) -> list[list[str]]:
    """The pieces of all texts, as many to a packet as it holds."""
    packets: list[list[str]] = []
    room = 0
    for text in texts:
        for start in _cuts(text):
            piece = text[start : start + _MOST_CHARACTERS]
            if not packets or len(piece) > room:
                packets.append([])
                room = _MOST_CHARACTERS
            packets[-1].append(piece)
            room -= len(piece) + 1
    return packets
