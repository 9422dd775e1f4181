"""Opens a language model as it is run best here, measuring that the first time. In the child process only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vaultbot.adapters.llama_cpp.engine import Engine
from vaultbot.adapters.llama_cpp.machine import fitting_layers
from vaultbot.adapters.llama_cpp.tuning import tune
from vaultbot.adapters.llama_cpp.weights import gains_by_repacking
from vaultbot.adapters.processor import is_busy, physical_cores
from vaultbot.models import gguf

if TYPE_CHECKING:
    from pathlib import Path

    from vaultbot.adapters.llama_cpp.measured import MeasuredFile
    from vaultbot.adapters.llama_cpp.sampler import Sampling

_WHOLE_NUMBERS = ("F32", "F16", "BF16")  # weights of these have one order only


def open_engine(
    path: Path,
    *,
    context_tokens: int,
    layers: int | None,
    threads: int | None,
    sampling: Sampling,
    measured: MeasuredFile | None,
) -> Engine:
    """Load the model, by what is in `measured`; what is not there is measured and written into it.

    Raises ModelInvalid with llama.cpp's own reason.
    """
    info = gguf.read(path)
    layers = fitting_layers(info, context_tokens) if layers is None else layers
    load = partial(Engine, path, context_tokens=context_tokens, layers=layers, threads=threads, sampling=sampling)
    if measured is None:
        return load()
    known, busy = measured.read(), is_busy()
    if known is None or known.layers != layers or (known.busy and not busy):
        engine, known = tune(
            lambda repack: load(repack=repack),
            usually_repacked=gains_by_repacking(info),
            choice_of_order=not layers and info.weight_type not in _WHOLE_NUMBERS,
            cores=physical_cores(),
            threads=threads,
            busy=busy,
            layers=layers,
        )
        measured.write(known)
    else:
        engine = load(repack=known.repack)
    engine.use(known)
    return engine
