"""What tells one model file from another without reading all of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from vaultbot.errors import ModelInvalid

_HEAD = 1 << 20  # bytes at the start: the settings of the model, and part of its vocabulary
_SAMPLES, _SAMPLE = 16, 1 << 16  # and so many stretches of the weights, so long each


def fingerprint(path: Path) -> str:
    """A hash of the size, the start and samples of the rest: 2 MB at most are read. Raises ModelInvalid."""
    try:
        size = path.stat().st_size
        digest = hashlib.blake2b(str(size).encode(), digest_size=16)
        with path.open("rb") as file:
            digest.update(file.read(_HEAD))
            for n in range(1, _SAMPLES + 1):
                file.seek(max(0, size * n // _SAMPLES - _SAMPLE))
                digest.update(file.read(_SAMPLE))
    except OSError as error:
        raise ModelInvalid(f"{path} cannot be read: {error.strerror or error}; choose another file") from error
    return digest.hexdigest()
