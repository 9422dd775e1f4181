"""How much memory a model needs, how much there is, and how many layers fit a graphics card."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
# Of both versions: the process's group, where it is mounted, its limit, what is in use, and what of that is only the
# cache of files, which goes when memory is wanted.
_CONTROL_GROUPS = (
    (r"^0::/(.*)$", "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    (
        r"^\d+:(?:\S*,)?memory(?:,[^:]*)?:/(.*)$",
        "sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)
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


def available_bytes(*, system: Path = Path("/")) -> int | None:
    """Memory that can be had without swapping, also in a container; None where the system does not say."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _text(system / "proc/meminfo"), re.MULTILINE)
    return min([int(found[1]) * 1024, *_left_in_groups(system)]) if found else None


def _left_in_groups(system: Path) -> Iterator[int]:
    """What the limits leave of the control groups that this process is in, from its own one up."""
    groups = _text(system / "proc/self/cgroup")
    for line, mounted, limit, used, cache in _CONTROL_GROUPS:
        own = re.search(line, groups, re.MULTILINE)
        top = system / mounted
        # In a container the path may be the host's, which is not there: then the topmost folder is its own group.
        path = top / own[1].strip("/") if own and ".." not in own[1] else top
        for folder in (path, *(above for above in path.parents if above.is_relative_to(top))):
            most, now = _text(folder / limit).strip(), _text(folder / used).strip()
            if most.isdigit():
                back = re.search(rf"^{cache} (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
                yield max(0, int(most) - max(0, int(now or 0) - int(back[1] if back else 0)))


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


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
