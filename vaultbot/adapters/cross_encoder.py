"""The reranker: any sentence-transformers cross-encoder from a local folder.

torch takes seconds to import, so nothing is loaded before the first text. Only safetensors weights are read, for a
pickle can run code, and a folder that names code of its own is refused.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot.adapters.model_folder import refuse_code
from vaultbot.adapters.processor import physical_cores
from vaultbot.adapters.sentence_transformers import clean_text
from vaultbot.errors import ModelInvalid, ModelMissing
from vaultbot.protocols import FloatArray

_MOST_TOKENS = 512  #: of question and text together; passages are shorter, and the time grows with them
_KIND = "ForSequenceClassification"


class CrossEncoderReranker:
    """A `Reranker` over a folder with `config.json`, `tokenizer.json` and safetensors weights.

    Safe to use from several threads. Raises ModelMissing or ModelInvalid at once when the folder cannot be such a
    model.
    """

    def __init__(self, folder: Path, *, name: str | None = None) -> None:
        self._folder = folder
        self._name = name or folder.name
        self._lock = threading.Lock()
        self._loaded: Any = None
        self._pool: ThreadPoolExecutor | None = None
        if not folder.is_dir():
            raise ModelMissing(
                f'there is no reranker folder {folder}; set [retrieval] reranker to where it is, or to "none"'
            )
        if not (folder / "tokenizer.json").exists() or not list(folder.glob("*.safetensors")):
            raise ModelInvalid(
                f"{folder} is not a cross-encoder with safetensors weights; it must hold config.json, tokenizer.json "
                "and model.safetensors"
            )
        refuse_code(folder)
        self._check_kind()

    @property
    def name(self) -> str:
        """The name it was given, else its folder's."""
        return self._name

    def score(self, question: str, texts: Sequence[str]) -> FloatArray:
        """(len(texts),) from 0 to 1. Raises ModelInvalid when it cannot be loaded, else what torch raises."""
        if not texts:
            return np.zeros(0, np.float32)
        with self._lock:
            model = self._load()
            pairs = [(clean_text(question), clean_text(text)) for text in texts]
            if model.device.type == "cpu":
                return self._side_by_side(model, pairs)
            scores = model.predict(pairs, batch_size=len(pairs), show_progress_bar=False)
            return np.asarray(scores, np.float32)

    def _side_by_side(self, model: Any, pairs: Sequence[tuple[str, str]]) -> FloatArray:
        """Each in one thread: threads that share one text wait for each other, and the longer the busier the machine
        is (measured, eight times as long with two threads on two busy cores)."""
        import torch

        if self._pool is None:
            self._pool = ThreadPoolExecutor(physical_cores(), "rerank", initializer=lambda: torch.set_num_threads(1))
        features = [model.preprocess([pair]) for pair in pairs]

        def scored(one: dict[str, Any]) -> float:
            with torch.inference_mode():
                return float(torch.sigmoid(model(one)["scores"].float()).item())

        return np.asarray(list(self._pool.map(scored, features)), np.float32)

    def _load(self) -> Any:
        if self._loaded is None:
            # Nothing leaves the machine: no look-ups at a hub, no code from a model folder.
            os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
            os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
            import torch
            from sentence_transformers import CrossEncoder

            try:
                model = CrossEncoder(
                    str(self._folder),
                    local_files_only=True,
                    trust_remote_code=False,
                    model_kwargs={"use_safetensors": True},
                    activation_fn=torch.nn.Sigmoid(),
                )
                model.max_seq_length = min(model.max_seq_length or _MOST_TOKENS, _MOST_TOKENS)
                self._loaded = model.eval()
            except Exception as error:
                raise ModelInvalid(
                    f"the reranker {self._folder} cannot be loaded ({type(error).__name__}: {str(error)[:200]}); put "
                    'the model\'s files there again, or set [retrieval] reranker = "none"'
                ) from error
        return self._loaded

    def _check_kind(self) -> None:
        """A model of another kind would be loaded all the same, with a head that was never trained."""
        try:
            settings = json.loads((self._folder / "config.json").read_text(encoding="utf-8"))
            kinds = settings.get("architectures") or []
            labels = len(settings.get("id2label") or "01")  # What is written nowhere is two.
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
            raise ModelInvalid(
                f"{self._folder / 'config.json'} cannot be read ({type(error).__name__}); put the model's files there "
                "again"
            ) from error
        if not any(str(kind).endswith(_KIND) for kind in kinds) or labels != 1:
            raise ModelInvalid(
                f"{self._folder} is no cross-encoder that gives one score; choose one whose config.json names …{_KIND} "
                'and has one label, or set [retrieval] reranker = "none"'
            )
