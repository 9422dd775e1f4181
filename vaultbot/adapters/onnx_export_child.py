"""Makes one export: loads the model with torch, writes it as ONNX, and compares the two on texts of many kinds.

Run as `python -m vaultbot.adapters.onnx_export_child MODEL FOLDER float32|int8`. It ends when its input is closed, so
that it does not outlive the daemon.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from vaultbot.adapters.onnx_export import REFUSED, Precision, versions
from vaultbot.adapters.onnx_model import INPUTS, MODEL, TOKENIZER, Export, ExportFacts, OnnxModel, finish_export
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder

_OPSET = 17
#: The least cosine between a vector of the export and the original's.
_LEAST_COSINE = {"float32": 0.9999, "int8": 0.97}

_SAMPLES = (
    "Kimchi is cabbage with salt, chilli and time.",
    "word",
    "",
    " \n\t ",
    "  Spaces before,\n\nTwo lines, ÀÉÎ õ ñ and CAPITALS. ",
    "# Heading\n\n- [ ] a task with a [[link|name]] #tag\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n```sh\nx = f(y)\n```",
    "量子化は、ニューラルネットワークの重みをより少ないビットで保存することです。",
    "量化是用更少的位数来存储神经网络权重的做法，它使模型更小、更快。",
    "Гавань Триеста была построена в 1719 году. 🌊 Ελληνικά, עברית, العربية",
    "The harbour of Trieste was built in 1719 under Charles VI, and its first pier was paid for by merchants. " * 3,
    "Later, the quiet ledger explains every harbour while the old bridge follows a narrow river to the sea. " * 60,
)


class _NotEqual(Exception):
    """The export does not do what the original does."""


def main() -> None:
    """Export, and leave the reason when that does not work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    model, folder, precision = sys.argv[1:]
    export(
        SentenceTransformersEmbedder(Path(model), batch_size=4),
        Path(folder),
        precision="int8" if precision == "int8" else "float32",
    )


def export(original: SentenceTransformersEmbedder, folder: Path, *, precision: Precision) -> None:
    """Write into `folder` an export that embeds as the original does, or the reason why there is none.

    Raises what loading the original raises, and OSError and MemoryError: those are no reasons not to try again.
    """
    original.load()
    try:
        made = _write(original, folder, precision=precision)
        _compare(original, made, least=_LEAST_COSINE[precision])
    except (OSError, MemoryError):
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, _NotEqual) else f"{type(error).__name__}: {str(error)[:200]}"
        for file in folder.iterdir():
            file.unlink()
        refused = {"why": f"onnxruntime cannot stand in for it ({reason})", "with": versions()}
        (folder / REFUSED).write_text(json.dumps(refused), encoding="utf-8")


def _write(original: SentenceTransformersEmbedder, folder: Path, *, precision: Precision) -> Export:
    model = original.load().to("cpu").eval()
    if precision == "float32":
        inputs = _write_graph(model, folder / MODEL)
    else:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        exact = folder / "exact.onnx"
        inputs = _write_graph(model, exact)
        quantize_dynamic(exact, folder / MODEL, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
        exact.unlink()
    # The very tokenizer that is in use, which may not be the one in the model's file.
    tokenizer = model.tokenizer
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    if model.max_seq_length:
        backend.enable_truncation(model.max_seq_length, direction=tokenizer.truncation_side)
    backend.save(str(folder / TOKENIZER))
    facts = ExportFacts(
        query_prompt=_prompt(model, "query"),
        document_prompt=_prompt(model, "document", "passage", "corpus"),
        inputs=tuple(inputs),
        pad_id=tokenizer.pad_token_id or 0,
        pad_left=tokenizer.padding_side == "left",
        alone=precision == "int8",
    )
    return finish_export(folder, facts)


def _write_graph(model: Any, file: Path) -> list[str]:
    """Write the whole model as one graph; returns the names of its inputs."""
    import torch

    # Of different lengths, or the trace would not see what padding is for.
    features = model.preprocess(["a short text", "a text that is somewhat longer than the other one"])
    tensors = {name: value for name, value in features.items() if isinstance(value, torch.Tensor)}
    others = {name: value for name, value in features.items() if name not in tensors}
    if unknown := sorted(set(tensors) - set(INPUTS)):
        raise _NotEqual(f"it takes more than text: {', '.join(unknown)}")

    class Sentences(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: Any) -> Any:
            made = self.model({**others, **dict(zip(tensors, values, strict=True))})
            return torch.nn.functional.normalize(made["sentence_embedding"], p=2, dim=1)

    with torch.inference_mode(), warnings.catch_warnings():
        # Of what a trace may get wrong: whether it did is found out by comparing.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Sentences().eval(),
            tuple(tensors.values()),
            str(file),
            input_names=list(tensors),
            output_names=["vectors"],
            dynamic_axes={**{name: {0: "texts", 1: "tokens"} for name in tensors}, "vectors": {0: "texts"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    return list(tensors)


def _prompt(model: Any, *names: str) -> str:
    """What sentence-transformers puts in front of a text of that kind."""
    name = next((name for name in names if name in model.prompts), model.default_prompt_name)
    return model.prompts.get(name) or ""


def _compare(original: SentenceTransformersEmbedder, export: Export, *, least: float) -> None:
    """Raises _NotEqual."""
    # In batches of several lengths, and one by one: the graph may have learned the shape it was traced with.
    model = OnnxModel(export, batch_size=4, threads=2)
    cosines = [
        *(original.embed_documents(_SAMPLES) * model.embed_documents(_SAMPLES)).sum(axis=1),
        *(original.embed_query(text) @ model.embed_query(text) for text in _SAMPLES),
    ]
    # Also false for what is no number.
    if not min(cosines) >= least or not np.isfinite(cosines).all():
        raise _NotEqual(f"its vectors differ: cosine {min(cosines):.5f}, at least {least} is needed")


def _end_with_parent() -> None:
    # Unbuffered, for a lock that a thread holds would make the end of this process a crash.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
