"""Loads the weights of a GGUF file through llama.cpp, and keeps what llama.cpp says. Runs in the child process only."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

import llama_cpp as llama

from vaultbot.adapters.llama_cpp.machine import check_memory, fitting_layers
from vaultbot.errors import ModelInvalid

if TYPE_CHECKING:
    from vaultbot.models.gguf import GgufInfo


_BUFFER = re.compile(rb"load_tensors:\s+(\S+) model buffer size")


class Weights:
    """A model's weights in memory."""

    def __init__(
        self, info: GgufInfo, *, context_tokens: int, layers: int | None, advice: str, repack: bool | None = None
    ) -> None:
        """Load them; None layers means: find out how many the graphics card has room for.

        `repack` puts them into an order that llama.cpp may read faster; None: where that is usual.

        Raises ModelInvalid with llama.cpp's own reason, or with `advice` when there is not enough memory.
        """
        self.log = Log()
        self.layers = fitting_layers(info, context_tokens) if layers is None else layers
        if not self.layers:
            check_memory(info, context_tokens, advice=advice)
        params = llama.llama_model_default_params()
        params.n_gpu_layers = self.layers
        # Measured: repacked Q4_K weights read prompts 1.2 to 1.7 times slower.
        params.use_extra_bufts = info.weight_type != "Q4_K" if repack is None else repack
        if repack or (repack is None and gains_by_repacking(info)):
            # Else they would be in memory twice: in the file's order, and in the new one.
            params.load_mode = llama.LLAMA_LOAD_MODE_NONE
        llama.llama_backend_init()
        self.model: Any = llama.llama_model_load_from_file(os.fsencode(info.path), params)
        if not self.model:
            raise ModelInvalid(f"llama.cpp cannot load {info.path}: {self.log.reason()}; choose another file")


def gains_by_repacking(info: GgufInfo) -> bool:
    """Whether the order of the file is known to be the slower one, on most processors."""
    return info.weight_type in ("Q4_0", "IQ4_NL")


class Log:
    """llama.cpp's warnings and errors, which are the only place where it gives reasons."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=50)
        self._level = 0
        self.repacked = False  #: weights were put into another order
        self._callback = llama.llama_log_callback(self._take)
        llama.llama_log_set(self._callback, ctypes.c_void_p(0))

    def reason(self) -> str:
        """The most telling line so far."""
        told = [line for line in self._lines if "error" in line]
        line = (told or list(self._lines) or ["no reason given"])[-1]
        return line.partition("error loading model: ")[2] or line

    def _take(self, level: int, text: bytes, _: object) -> None:
        self._level = level if level != 5 else self._level  # 5 continues the line before
        if self._level in (3, 4):  # GGML_LOG_LEVEL_WARN and _ERROR
            line = text.decode("utf-8", "replace")
            self._lines.append(line.strip()[:500])
            sys.stderr.write(line)
        elif buffer := _BUFFER.match(text):
            self.repacked = self.repacked or buffer[1] not in (b"CPU", b"CPU_Mapped")
