"""An embedding model that was exported to ONNX: the folder that holds it, and how texts go through it.

Needs onnxruntime and tokenizers, and no torch. The folder holds `model.onnx` (pooling and normalisation inside),
`tokenizer.json` (with the model's own truncation) and `export.json`: the facts below and a hash of both files.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot.adapters.sentence_transformers import clean_text
from vaultbot.protocols import FloatArray

MODEL, TOKENIZER, FACTS = "model.onnx", "tokenizer.json", "export.json"
#: What can be given to an exported model.
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
#: More at once are no faster, and onnxruntime keeps the memory of the largest batch.
_BATCH_TOKENS = 512


class ExportDamaged(Exception):
    """The folder holds no export, or not the one that was made."""


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What the model's settings say, as far as it is needed to run it."""

    query_prompt: str
    document_prompt: str
    inputs: tuple[str, ...]  #: some of `INPUTS`
    pad_id: int
    pad_left: bool
    #: A text is quantized together with its batch, so only alone does it have one vector.
    alone: bool


@dataclass(frozen=True, slots=True)
class Export:
    """A folder with a model whose files are as they were written."""

    folder: Path
    facts: ExportFacts


class OnnxModel:
    """Embeds with onnxruntime. Safe to use from several threads. Raises what onnxruntime and tokenizers raise."""

    def __init__(self, export: Export, *, batch_size: int, threads: int) -> None:
        self._facts = export.facts
        self._batch_size = 1 if self._facts.alone else batch_size
        self._threads = threads
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Texts side by side, each in one thread: threads that share one text wait for each other, and the longer the
        # busier the machine is.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(export.folder / MODEL, options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(export.folder / TOKENIZER))

    def embed_documents(self, texts: Sequence[str]) -> FloatArray:
        """(len(texts), dimensions) unit vectors of at least one text."""
        return self._embed([self._facts.document_prompt + text for text in texts])

    def embed_query(self, text: str) -> FloatArray:
        """(dimensions,) unit vector."""
        vector: FloatArray = self._embed([self._facts.query_prompt + text])[0]
        return vector

    def _embed(self, texts: Sequence[str]) -> FloatArray:
        encoded = self._tokenizer.encode_batch([clean_text(text) for text in texts])
        # Padding is the waste: texts of a batch are of about the same length. The longest first, for the last batch
        # is the one that others wait for.
        order = sorted(range(len(texts)), key=lambda n: -len(encoded[n].ids))
        size = min(self._batch_size, math.ceil(len(texts) / self._threads))
        batches = _batches([encoded[n] for n in order], size=size)
        if len(batches) == 1 or self._threads == 1:
            vectors = [self._run(batch) for batch in batches]
        else:
            with ThreadPoolExecutor(self._threads, thread_name_prefix="embed") as pool:
                vectors = list(pool.map(self._run, batches))
        sorted_back = np.empty((len(texts), vectors[0].shape[1]), np.float32)
        sorted_back[order] = np.concatenate(vectors)
        return sorted_back

    def _run(self, batch: Sequence[Any]) -> FloatArray:
        longest = max(1, *(len(one.ids) for one in batch))
        values = {name: np.zeros((len(batch), longest), np.int64) for name in INPUTS}
        values["input_ids"][:] = self._facts.pad_id
        for row, one in enumerate(batch):
            length = len(one.ids)
            held = slice(longest - length, longest) if self._facts.pad_left else slice(0, length)
            values["input_ids"][row, held] = one.ids
            values["token_type_ids"][row, held] = one.type_ids
            values["attention_mask"][row, held] = 1
        vectors: FloatArray = self._session.run(None, {name: values[name] for name in self._facts.inputs})[0]
        return vectors


def _batches(longest_first: Sequence[Any], *, size: int) -> list[list[Any]]:
    """At most `size` texts each, and no more tokens than `_BATCH_TOKENS` unless one text has them."""
    batches: list[list[Any]] = []
    for one in longest_first:
        if not batches or len(batches[-1]) == size or (len(batches[-1]) + 1) * len(batches[-1][0].ids) > _BATCH_TOKENS:
            batches.append([])
        batches[-1].append(one)
    return batches


def finish_export(folder: Path, facts: ExportFacts) -> Export:
    """Seal the folder, whose other two files are there."""
    values = {"facts": asdict(facts), "digest": _digest(folder, facts)}
    (folder / FACTS).write_text(json.dumps(values), encoding="utf-8")
    return Export(folder, facts)


def read_export(folder: Path) -> Export:
    """The export in this folder. Raises ExportDamaged."""
    try:
        values = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        facts = ExportFacts(**{**values["facts"], "inputs": tuple(values["facts"]["inputs"])})
        sound = values["digest"] == _digest(folder, facts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportDamaged(f"{folder} holds no export of a model ({type(error).__name__})") from error
    if not sound:
        raise ExportDamaged(f"{folder} holds other files than were exported")
    return Export(folder, facts)


def _digest(folder: Path, facts: ExportFacts) -> str:
    whole = hashlib.sha256(json.dumps(asdict(facts)).encode())
    for name in (MODEL, TOKENIZER):
        with (folder / name).open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()
