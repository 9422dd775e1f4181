"""What a GGUF file is, told from its header alone, in milliseconds and without loading it.

The header is untrusted: every count and length is checked against what is left of the file before it is
used. The file is read, never memory-mapped, because a mapped file that shrinks kills the process that looks
at it. Passing this check does not make a file safe; it is why models are loaded in a child process only.
"""

from __future__ import annotations

import math
import os
import re
import stat
import struct
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from vaultbot.errors import ModelInvalid, ModelMissing
from vaultbot.models.gguf_types import FILE_TYPES, TENSOR_TYPES

if TYPE_CHECKING:
    from pathlib import Path

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LONGEST_TEXT = 1 << 20  # longer strings (whole tokenizer files) are skipped
_LONGEST_LIST = 4096  # longer lists (the vocabulary) are counted and skipped
_MOST_BLOCKS = 4096
_EMBEDDING_ARCHITECTURES = ("bert", "clip", "-embedding", "t5encoder")
#: How an embedding model makes one vector: the mean of those of all tokens, the first, the last. 0 stands for none.
POOLS = (1, 2, 3)
RANKS = 4  #: a reranker's score in place of a vector


@dataclass(frozen=True, slots=True)
class GgufInfo:
    """A complete GGUF file. Sizes are bytes."""

    path: Path
    size: int
    architecture: str  #: "llama", "qwen2", …
    name: str | None  #: as its maker wrote it; `label` is better for people
    parameters: int
    quantization: str  #: "Q4_K_M"
    weight_type: str  #: the tensor type that most bytes have: "Q4_K"
    context_length: int  #: tokens it was trained for; 0 when the file does not say
    embedding_length: int
    block_bytes: tuple[int, ...]  #: weights of each layer, in order
    other_bytes: int  #: weights outside the layers: embedding, output
    kv_bytes_per_token: int  #: of an f16 cache
    vocabulary: int
    tokenizer: str  #: "gpt2" (byte-level BPE), "llama" (SentencePiece), …
    chat_template: str | None
    pooling: int  #: how an embedding model makes one vector of many, by llama.cpp's number; -1 when it does not say

    @property
    def label(self) -> str:
        """The name for people: "SmolLM2-135M-Instruct (Q4_1)"."""
        stem = re.sub(rf"[.\-_]{re.escape(self.quantization)}$", "", self.path.stem, flags=re.IGNORECASE)
        return f"{stem} ({self.quantization})"

    @property
    def is_embedder(self) -> bool:
        """Whether it was made to turn texts into vectors, and not to write."""
        return self.pooling in POOLS or any(word in self.architecture for word in _EMBEDDING_ARCHITECTURES)

    @property
    def weight_bytes(self) -> int:
        """All weights together."""
        return sum(self.block_bytes) + self.other_bytes


def read(path: Path) -> GgufInfo:
    """Read the header of a GGUF file.

    Raises ModelMissing when there is no such file, ModelInvalid when it is not a complete GGUF model.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ModelMissing(f"{path} is a folder; give the path of the .gguf file in it")
        if not stat.S_ISREG(status.st_mode):
            raise ModelInvalid(f"{path} is not a regular file; give the path of a .gguf file")
        with path.open("rb") as file:
            return _read(path, file, os.fstat(file.fileno()).st_size)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelMissing(f"there is no model file at {path}; give a GGUF file with --model or [model] path") from None
    except PermissionError:
        raise ModelInvalid(f"{path} cannot be read; give yourself permission: chmod u+r") from None
    except OSError as error:
        raise ModelInvalid(f"{path} cannot be read: {error.strerror or error}") from None
    except _DamagedError as damage:
        raise ModelInvalid(f"{path}: {damage}; download it again") from None


class _DamagedError(Exception):
    """The header contradicts itself or the file."""


class _Header:
    """Reads values in file order and never beyond the end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.left = size

    def take(self, length: int) -> bytes:
        self._claim(length)
        data = self._file.read(length)
        if len(data) != length:
            raise _DamagedError("the file shrank while it was read")
        return data

    def skip(self, length: int) -> None:
        self._claim(length)
        self._file.seek(length, os.SEEK_CUR)

    def number(self, code: str) -> int:
        value: int = struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]
        return value

    def count(self, least_bytes: int) -> int:
        """How many things follow, each of which takes at least so many bytes."""
        count = self.number("Q")
        if count * least_bytes > self.left:
            raise _DamagedError(f"its header promises {count} entries, which do not fit the file")
        return count

    def text(self) -> str | None:
        length = self.count(1)
        if length > _LONGEST_TEXT:
            self.skip(length)
            return None
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> object:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise _DamagedError(f"its header holds a value of the unknown kind {kind}")
        return self.number(_SCALARS[kind])

    def _array(self) -> object:
        kind = self.number("I")
        if kind == _STRING:
            count = self.count(8)
            for _ in range(count):
                self.skip(self.count(1))
            return range(count)
        if kind not in _SCALARS:
            raise _DamagedError(f"its header holds a list of the unknown kind {kind}")
        code = _SCALARS[kind]
        count = self.count(struct.calcsize("<" + code))
        if count > _LONGEST_LIST:
            self.skip(count * struct.calcsize("<" + code))
            return range(count)
        return struct.unpack(f"<{count}{code}", self.take(count * struct.calcsize("<" + code)))

    def _claim(self, length: int) -> None:
        if length > self.left:
            raise _DamagedError("it ends in the middle of its header")
        self.left -= length


def _read(path: Path, file: BinaryIO, size: int) -> GgufInfo:
    header = _Header(file, size)
    _check_magic(path, file.peek(512)[:512] if hasattr(file, "peek") else b"", size)
    header.skip(4)
    version = header.number("I")
    if version not in (2, 3):
        raise ModelInvalid(
            f"{path} is GGUF version {version}; vaultbot reads 2 and 3: get a current, little-endian file"
        )
    tensors = header.count(24)
    facts = _Facts({})
    for _ in range(header.count(12)):
        key = header.text()
        value = header.value(header.number("I"))
        if key is not None:
            facts.values[key] = value
    alignment = facts.integer("general.alignment", 32)
    if not 0 < alignment <= 1 << 16:
        raise _DamagedError(f"its tensors are aligned to {alignment} bytes")
    table = [_tensor(header) for _ in range(tensors)]
    begin = -(-(size - header.left) // alignment) * alignment
    promised = begin + max((tensor.offset + tensor.size for tensor in table), default=0)
    if size < promised:
        raise ModelInvalid(
            f"{path} is cut off: it is {_megabytes(size)}, its header promises {_megabytes(promised)}; "
            "download it again"
        )
    return _describe(path, size, facts, table)


def _check_magic(path: Path, begin: bytes, size: int) -> None:
    if begin.startswith(b"GGUF"):
        return
    lower = begin.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if size == 0:
        found = "is empty: download it again"
    elif lower.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        found = "is a web page, not a model: download it again, with the link of the file itself"
    elif begin.startswith(b"version https://git-lfs"):
        found = "is a Git LFS pointer, not the model itself: fetch it with git lfs pull"
    elif begin[8:9] == b"{" and struct.unpack("<Q", begin[:8])[0] <= size:
        found = "is a safetensors file; vaultbot needs the same model as GGUF: look for a .gguf download"
    elif begin.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x04")):
        found = "is a PyTorch pickle; vaultbot needs the same model as GGUF: look for a .gguf download"
    else:
        found = "is not a GGUF model: download it again, or choose another file"
    raise ModelInvalid(f"{path} {found}")


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    type: str
    elements: int
    size: int  #: 0 for a type we do not know yet
    offset: int


def _tensor(header: _Header) -> _Tensor:
    name = header.text() or ""
    dimensions = header.number("I")
    if dimensions > 8:
        raise _DamagedError(f"its tensor {name[:64]!r} has {dimensions} dimensions")
    elements = math.prod(header.number("Q") for _ in range(dimensions))
    kind = TENSOR_TYPES.get(header.number("I"))
    offset = header.number("Q")
    if kind is None:
        return _Tensor(name, "unknown", elements, 0, offset)
    return _Tensor(name, kind.name, elements, -(-elements // kind.block) * kind.bytes, offset)


@dataclass(frozen=True, slots=True)
class _Facts:
    """The key-value part of the header, whose types are the file's own claim."""

    values: dict[str, object]

    def string(self, key: str) -> str | None:
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def integer(self, key: str, default: int = 0) -> int:
        value = self.values.get(key)
        return value if isinstance(value, int) and 0 <= value < 1 << 31 else default

    def integers(self, key: str, count: int) -> list[int]:
        """One number per layer; a single number counts for all of them."""
        value = self.values.get(key)
        if isinstance(value, tuple) and len(value) == count:
            return [int(number) for number in value]
        return [self.integer(key)] * count


def _describe(path: Path, size: int, facts: _Facts, table: list[_Tensor]) -> GgufInfo:
    architecture = facts.string("general.architecture")
    if not architecture or not table:
        raise ModelInvalid(f"{path} holds no language model: choose another file")
    if (parts := facts.integer("split.count")) > 1:
        raise ModelInvalid(f"{path} is one of {parts} parts; join them first: llama-gguf-split --merge")
    blocks = facts.integer(f"{architecture}.block_count")
    if blocks > _MOST_BLOCKS:
        raise _DamagedError(f"its header promises {blocks} layers")
    block_bytes = [0] * blocks
    other_bytes = 0
    bytes_by_type: Counter[str] = Counter()
    for tensor in table:
        bytes_by_type[tensor.type] += tensor.size
        numbered = re.match(r"blk\.(\d{1,5})\.", tensor.name)
        if numbered and int(numbered[1]) < blocks:
            block_bytes[int(numbered[1])] += tensor.size
        else:
            other_bytes += tensor.size
    weight_type = bytes_by_type.most_common(1)[0][0]
    embedding = facts.integer(f"{architecture}.embedding_length")
    heads = max(facts.integers(f"{architecture}.attention.head_count", blocks), default=0)
    dimensions = embedding // heads if heads else 0
    kv_heads = facts.integers(f"{architecture}.attention.head_count_kv", blocks)
    if f"{architecture}.attention.head_count_kv" not in facts.values:
        kv_heads = [heads] * blocks
    dimensions_k = facts.integer(f"{architecture}.attention.key_length", dimensions)
    dimensions_v = facts.integer(f"{architecture}.attention.value_length", dimensions)
    words = facts.values.get("tokenizer.ggml.tokens")
    return GgufInfo(
        path=path,
        size=size,
        architecture=architecture,
        name=facts.string("general.name"),
        parameters=sum(tensor.elements for tensor in table),
        quantization=FILE_TYPES.get(facts.integer("general.file_type", -1), weight_type),
        weight_type=weight_type,
        context_length=facts.integer(f"{architecture}.context_length"),
        embedding_length=embedding,
        block_bytes=tuple(block_bytes),
        other_bytes=other_bytes,
        kv_bytes_per_token=2 * sum(kv_heads) * (dimensions_k + dimensions_v),
        vocabulary=len(words) if isinstance(words, range) else 0,
        tokenizer=facts.string("tokenizer.ggml.model") or "",
        chat_template=facts.string("tokenizer.chat_template"),
        pooling=facts.integer(f"{architecture}.pooling_type", -1),
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
