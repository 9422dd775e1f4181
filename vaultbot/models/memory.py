"""How much memory a model needs, how much there is, and how many layers fit a graphics card."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaultbot.models.gguf import GgufInfo
    from vaultbot.models.shape import Shape

ALL_LAYERS = -1  #: on the graphics card
BATCH = 256  #: tokens of the prompt that are computed at once
_ENGINE = 48 << 20  # the libraries
_WIDTH = 23 * BATCH * 4  # bytes of buffers that get touched, for each number that a token is between two layers
_WORD = 260  # bytes of memory for each word of the vocabulary
_GPU_RESERVE = 600 << 20  # the driver's context, and room for the desktop


def kv_bytes(info: GgufInfo, context_tokens: int) -> int:
    """Size of the f16 key-value cache. llama.cpp rounds the context up to a multiple of 256 tokens."""
    return _kv_bytes(info.kv_bytes_per_token, context_tokens)


def needed_bytes(info: GgufInfo, context_tokens: int) -> int:
    """Memory of the model's process without a graphics card."""
    return info.weight_bytes + kv_bytes(info, context_tokens) + _engine_bytes(info.vocabulary, info.embedding_length)


def needed_bytes_of(shape: Shape, quantization: str, context_tokens: int) -> int:
    """The same, reckoned from a model's measures before there is a file."""
    weights = shape.weight_bytes(quantization)
    return weights + _kv_bytes(shape.kv_bytes_per_token, context_tokens) + _engine_bytes(shape.vocabulary, shape.width)


def _kv_bytes(per_token: int, context_tokens: int) -> int:
    return -(-context_tokens // 256) * 256 * per_token


def _engine_bytes(vocabulary: int, width: int) -> int:
    return _ENGINE + _WIDTH * width + _WORD * vocabulary


def available_bytes() -> int | None:
    """Memory that can be had without swapping, also in a container; None where the system does not say."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _text("/proc/meminfo"), re.MULTILINE)
    if not found:
        return None
    limit = _text("/sys/fs/cgroup/memory.max").strip()
    free = int(found[1]) * 1024
    return min(free, int(limit)) if limit.isdigit() else free


def gpu_layers(info: GgufInfo, free_vram: int, context_tokens: int) -> int:
    """How many layers, counted from the last, fit into so much free video memory; -1 when everything does."""
    free = free_vram - _GPU_RESERVE - BATCH * (info.vocabulary + 8 * info.embedding_length) * 4
    cache = kv_bytes(info, context_tokens)
    if info.weight_bytes + cache <= free:
        return -1
    layers = 0
    for size in reversed(info.block_bytes):
        free -= size + cache // len(info.block_bytes)
        if free < 0:
            break
        layers += 1
    return layers


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
