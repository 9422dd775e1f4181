"""What the machine has to offer a model: cores, memory, graphics cards. Asked in the child process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import llama_cpp as llama

from vaultbot.adapters.llama_cpp.devices import devices_here
from vaultbot.adapters.processor import is_busy, physical_cores
from vaultbot.errors import ModelInvalid
from vaultbot.models.memory import available_bytes, gpu_layers, needed_bytes

if TYPE_CHECKING:
    from vaultbot.models.gguf import GgufInfo


def fitting_layers(info: GgufInfo, context_tokens: int) -> int:
    """Layers for the graphics cards: -1 for all, 0 when llama.cpp was built without support for any."""
    return gpu_layers(info, devices_here().free_vram, context_tokens) if llama.llama_supports_gpu_offload() else 0


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
