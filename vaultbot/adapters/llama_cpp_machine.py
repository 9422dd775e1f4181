"""What the machine has to offer a model: cores, memory, graphics cards. Asked in the child process."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import llama_cpp as llama
from llama_cpp._ggml import libggml

from vaultbot.adapters.processor import is_busy, physical_cores
from vaultbot.errors import ModelInvalid
from vaultbot.models.memory import available_bytes, gpu_layers, needed_bytes

if TYPE_CHECKING:
    from vaultbot.models.gguf import GgufInfo

_GPU_KINDS = (1, 2)  # GGML_BACKEND_DEVICE_TYPE_GPU and _IGPU


def fitting_layers(info: GgufInfo, context_tokens: int) -> int:
    """Layers for the graphics cards: -1 for all, 0 when llama.cpp was built without support for any."""
    return gpu_layers(info, _free_vram(), context_tokens) if llama.llama_supports_gpu_offload() else 0


def _free_vram() -> int:
    """Free memory of all graphics cards in bytes, as llama.cpp sees them."""
    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    free, total, sum_free = ctypes.c_size_t(), ctypes.c_size_t(), 0
    for n in range(libggml.ggml_backend_dev_count()):
        device = libggml.ggml_backend_dev_get(n)
        if libggml.ggml_backend_dev_type(device) in _GPU_KINDS:
            libggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
            sum_free += free.value
    return sum_free


def check_memory(info: GgufInfo, context_tokens: int, *, advice: str) -> None:
    """Raise ModelInvalid, with what else to do, when the model does not fit the free memory."""
    need, have = needed_bytes(info, context_tokens), available_bytes()
    if have is not None and need > have:
        raise ModelInvalid(
            f"{info.path} needs about {need / 1e9:.1f} GB of memory with room for {context_tokens} tokens, "
            f"and {have / 1e9:.1f} GB are free: choose a smaller model, or {advice}"
        )


def idle_threads(best: tuple[int, int] | None = None) -> tuple[int, int]:
    """Threads to write with and to read the prompt with; `best` is what was measured when nothing else ran.

    Writing is bound by memory: one core less costs little, and keeps the machine responsive. Reading takes
    every core, unless others use them: threads that wait for each other are then slower than fewer threads.
    """
    cores = physical_cores()
    fewer = max(1, cores - 1)
    writing, reading = best or (fewer, cores)
    return (min(fewer, writing), min(fewer, reading)) if is_busy() else (writing, reading)
