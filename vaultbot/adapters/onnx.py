"""The embedder of the running daemon: a sentence-transformers model, embedded by onnxruntime.

A text takes a third of the time that it takes torch, and nothing waits seconds for an import. Whatever goes wrong with
that, torch serves, slower and with the same vectors.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vaultbot.adapters.onnx_export import EXPORT_VERSION, NotExported, Precision, exported_model
from vaultbot.adapters.onnx_model import OnnxModel
from vaultbot.adapters.processor import physical_cores
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.protocols import FloatArray

log = logging.getLogger("vaultbot")


class OnnxEmbedder:
    """An `Embedder` that does what `original` does. Safe to use from several threads.

    The first call waits until the model is loaded, and, the first time ever, exported into the folder `cache`.
    """

    def __init__(
        self,
        original: SentenceTransformersEmbedder,
        *,
        cache: Path,
        precision: Precision = "float32",
        batch_size: int = 8,
        timeout_s: float = 900.0,
    ) -> None:
        self._original = original
        self._cache = cache
        self._precision: Precision = precision
        self._batch_size = batch_size
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._engine: OnnxModel | SentenceTransformersEmbedder | None = None
        self._notice: str | None = None

    @property
    def name(self) -> str:
        """The original's."""
        return self._original.name

    @property
    def fingerprint(self) -> str:
        """The original's, whose vectors these are. Those of int8 are others, for which torch's serve as well."""
        if self._precision == "float32":
            return self._original.fingerprint
        return f"{self._original.fingerprint}-{self._precision}-{EXPORT_VERSION}"

    @property
    def dimensions(self) -> int:
        """The original's."""
        return self._original.dimensions

    @property
    def notice(self) -> str | None:
        """Why torch serves, once it does."""
        return self._notice

    def load(self) -> None:
        """Have the model ready. Raises ModelInvalid when the original cannot be loaded, either."""
        self._ready()

    @property
    def counts_exactly(self) -> bool:
        """As the original."""
        return True

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """By the model's tokenizer alone."""
        return self._original.count_tokens(texts)

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        return self._ready().embed_documents(texts)

    def embed_query(self, text: str) -> FloatArray:
        """(dimensions,) unit vector."""
        return self._ready().embed_query(text)

    def _ready(self) -> OnnxModel | SentenceTransformersEmbedder:
        with self._lock:
            if self._engine is None:
                try:
                    self._engine = self._onnx_model()
                except NotExported as error:
                    self._notice = f"the embedding model {self.name} runs with torch, which is slower: {error}"
                    log.warning("%s", self._notice)
                    self._original.load()
                    self._engine = self._original
            return self._engine

    def _onnx_model(self) -> OnnxModel:
        export = exported_model(self._original, self._cache, precision=self._precision, timeout_s=self._timeout_s)
        try:
            model = OnnxModel(export, batch_size=self._batch_size, threads=physical_cores())
            model.embed_query("ready")
        except Exception as error:
            # Its files are as they were written, so onnxruntime has changed: it is exported again at the next start.
            shutil.rmtree(export.folder, ignore_errors=True)
            raise NotExported(f"onnxruntime cannot load it ({type(error).__name__}: {str(error)[:200]})") from error
        return model
