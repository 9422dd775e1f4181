"""What a model has read, kept on disk from one life of its process to the next. In the child process only.

The file is a line of JSON and then llama.cpp's own data, sealed with a hash, because native code may crash on
damaged data. It is deleted before it is given to llama.cpp: should that crash after all, it happens once.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import mmap
import os
from typing import TYPE_CHECKING, Any

import llama_cpp as llama

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MOST_BYTES = 256 << 20
_LONGEST_HEAD = 4 << 20  # a line with the tokens
_SEQUENCE = 0


class KeptState:
    """One file, for one model in one setting."""

    def __init__(self, path: Path, key: str) -> None:
        """`key` changes when the data would mean something else."""
        self.path = path
        self._key = key

    def save(self, context: Any, tokens: Sequence[int], *, bytes_per_token: int) -> bool:
        """Write what the context holds of these tokens, or as many of them as may be kept. Whether it was done."""
        tokens = list(tokens[: _MOST_BYTES // max(1, bytes_per_token)])
        memory = llama.llama_get_memory(context)
        if not tokens or not llama.llama_memory_seq_rm(memory, _SEQUENCE, len(tokens), -1):
            return False
        size = llama.llama_state_seq_get_size(context, _SEQUENCE)
        if not 0 < size <= 2 * _MOST_BYTES:
            return False
        data = mmap.mmap(-1, size)
        view = (ctypes.c_uint8 * size).from_buffer(data)
        try:
            if llama.llama_state_seq_get_data(context, view, size, _SEQUENCE) != size:
                return False
            self._write(_head(self._key, tokens, data), data)
        except OSError:  # A full disk costs the next start a few seconds.
            return False
        finally:
            del view
            data.close()
        return True

    def restore(self, context: Any) -> list[int]:
        """Take up what was kept; the tokens that the context holds now. Of a file that does not fit, none."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            with self.path.open("rb") as file:
                head = json.loads(file.readline(_LONGEST_HEAD))
                if head["key"] != self._key:
                    return []  # It is another model's, which may be asked again.
                self.path.unlink()
                data = file.read(2 * _MOST_BYTES + 1)
            tokens = head["tokens"]
            if _head(self._key, tokens, data) != head or not all(type(token) is int for token in tokens):
                return []
            return self._take_up(context, tokens, data)
        return []

    def _take_up(self, context: Any, tokens: list[int], data: bytes) -> list[int]:
        memory = llama.llama_get_memory(context)
        view = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        taken = llama.llama_state_seq_set_data(context, view, len(data), _SEQUENCE)
        if taken == len(data) and llama.llama_memory_seq_pos_max(memory, _SEQUENCE) == len(tokens) - 1:
            return tokens
        llama.llama_memory_clear(memory, True)
        return []

    def _write(self, head: dict[str, Any], data: mmap.mmap) -> None:
        # Always the same name: what a kill leaves there is written over, and never stays for long.
        beside = self.path.with_name(f"{self.path.name}.part")
        try:
            beside.unlink(missing_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(head).encode("ascii") + b"\n")
                file.write(data)
            beside.replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise


def _head(key: str, tokens: Sequence[int], data: bytes | mmap.mmap) -> dict[str, Any]:
    seal = hashlib.blake2b(json.dumps([key, list(tokens)]).encode(), digest_size=32)
    seal.update(data)
    return {"key": key, "seal": seal.hexdigest(), "tokens": list(tokens)}
