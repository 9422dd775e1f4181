"""What this machine has for a language model at the moment: memory, a graphics card's memory, and how fast it reads."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vaultbot.models.memory import available_bytes

_BLOCK = 64 << 20  # bytes: more than processors keep near
_ROUNDS = 5
_GPU_LIBRARIES = ("cuda", "vulkan", "hip", "sycl")


@dataclass(frozen=True, slots=True)
class Machine:
    """Sizes are bytes."""

    free_memory: int | None  #: None where the system does not say
    free_vram: int  #: 0 without a card, or where the installed llama.cpp cannot use it
    bytes_per_s: float  #: what the memory carries to one core


def look_at_machine() -> Machine:
    """Ask and measure; takes about a tenth of a second."""
    return Machine(available_bytes(), _free_vram() if _can_use_a_card() else 0, _bandwidth())


def _bandwidth() -> float:
    """What one core copies, read and written bytes together."""
    source, target = bytearray(_BLOCK), bytearray(_BLOCK)
    view = memoryview(target)
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        view[:] = source
        best = min(best, time.perf_counter() - began)
    return 2 * _BLOCK / best


def _can_use_a_card() -> bool:
    """Whether the installed llama.cpp was built for one, told from its files: importing it takes a second."""
    spec = find_spec("llama_cpp")
    folders = spec.submodule_search_locations if spec else None
    libraries = [file.name.lower() for folder in folders or () for file in (Path(folder) / "lib").glob("*ggml*")]
    return any(kind in name for name in libraries for kind in _GPU_LIBRARIES)


def _free_vram() -> int:
    """Of all of NVIDIA's cards together, as their driver says."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    try:
        asked = subprocess.run(
            [program, "--query-gpu=memory.free", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
        return sum(int(line) << 20 for line in asked.stdout.split()[:64])
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0
