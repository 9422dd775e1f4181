"""An embedding model through llama.cpp's C interface: texts in, unit vectors out. Runs in the child process only."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import llama_cpp as llama
import numpy as np

from vaultbot.adapters.llama_cpp.machine import idle_threads
from vaultbot.adapters.llama_cpp.vocabulary import Vocabulary
from vaultbot.adapters.llama_cpp.weights import Weights
from vaultbot.errors import ModelInvalid
from vaultbot.models import gguf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vaultbot.protocols import FloatArray

#: Texts that go through the model together, and their tokens: more at once are no faster.
_TEXTS, _TOKENS = 16, 512
_FLOATS = ctypes.POINTER(ctypes.c_float)


class EmbeddingEngine:
    """One loaded embedding model. For one thread; counting tokens alone is for others, too."""

    def __init__(
        self, path: Path, *, context_tokens: int, layers: int | None = None, threads: int | None = None
    ) -> None:
        """Load the model; None means: find out. Raises ModelInvalid with llama.cpp's own reason."""
        info = gguf.read(path)
        self._path = path
        self._most = context_tokens
        self._threads = threads
        weights = Weights(info, context_tokens=context_tokens, layers=layers, advice="close other programs")
        self._log, self._model = weights.log, weights.model
        self.vocabulary = Vocabulary(self._model)
        self.dimensions: int = llama.llama_model_n_embd_out(self._model)
        params = llama.llama_context_default_params()
        # A text is read in one go: what stands first in it may depend on what stands last.
        params.n_ctx = params.n_batch = params.n_ubatch = context_tokens
        params.n_seq_max = _TEXTS
        params.kv_unified = True
        params.embeddings = True
        params.pooling_type = info.pooling if info.pooling in gguf.POOLS else llama.LLAMA_POOLING_TYPE_MEAN
        # Measured: without it, texts that go together cost several times what they cost one by one.
        params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_AUTO
        self._context = llama.llama_init_from_model(self._model, params)
        if not self._context:
            raise ModelInvalid(
                f"llama.cpp cannot embed with {path}: {self._log.reason()}; choose another file for [embedding] model"
            )
        self._memory = llama.llama_get_memory(self._context)
        self._batch = llama.llama_batch_init(context_tokens, 0, 1)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors. Raises ModelInvalid when the model gives none."""
        llama.llama_set_n_threads(self._context, *((self._threads,) * 2 if self._threads else idle_threads()))
        tokens = [self.vocabulary.whole(text, most=self._most) for text in texts]
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        for batch in _batches(tokens, most=min(_TOKENS, self._most)):
            self._run([tokens[n] for n in batch])
            for place, n in enumerate(batch):
                numbers = ctypes.cast(llama.llama_get_embeddings_seq(self._context, place), _FLOATS)
                vectors[n] = np.ctypeslib.as_array(numbers, (self.dimensions,))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise ModelInvalid(f"{self._path} gives no vectors but numbers without sense; download it again")
        unit: FloatArray = vectors / lengths
        return unit

    def _run(self, texts: Sequence[Sequence[int]]) -> None:
        if self._memory:
            llama.llama_memory_clear(self._memory, True)
        at = 0
        for place, tokens in enumerate(texts):
            for position, token in enumerate(tokens):
                self._batch.token[at] = token
                self._batch.pos[at] = position
                self._batch.n_seq_id[at] = 1
                self._batch.seq_id[at][0] = place
                self._batch.logits[at] = 1
                at += 1
        self._batch.n_tokens = at
        compute: Any = llama.llama_decode if self._memory else llama.llama_encode
        if result := compute(self._context, self._batch):
            raise RuntimeError(f"llama.cpp returned {result}: {self._log.reason()}")


def _batches(texts: Sequence[Sequence[int]], *, most: int) -> Iterator[list[int]]:
    """Which texts go together, neighbours in length."""
    batch: list[int] = []
    held = 0
    for n in sorted(range(len(texts)), key=lambda n: len(texts[n])):
        if batch and (len(batch) == _TEXTS or held + len(texts[n]) > most):
            yield batch
            batch, held = [], 0
        batch.append(n)
        held += len(texts[n])
    if batch:
        yield batch
