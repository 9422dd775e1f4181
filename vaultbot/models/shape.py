"""The measures of a transformer, from which its size is reckoned before there is a file to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vaultbot.models.gguf_types import TENSOR_TYPES

_TYPES = {kind.name: kind for kind in TENSOR_TYPES.values()}

#: By the name of a mixture: what most matrices are packed as, what the touchier half of them is, and the output.
_MIXTURES = {
    "F16": ("F16", "F16", "F16"),
    "Q8_0": ("Q8_0", "Q8_0", "Q8_0"),
    "Q6_K": ("Q6_K", "Q6_K", "Q6_K"),
    "Q5_K_M": ("Q5_K", "Q6_K", "Q6_K"),
    "Q4_K_M": ("Q4_K", "Q6_K", "Q6_K"),
    "Q4_1": ("Q4_1", "Q4_1", "Q6_K"),
    "Q4_0": ("Q4_0", "Q4_0", "Q6_K"),
}
#: What llama.cpp takes for rows that are no multiple of 256.
_FALLBACKS = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
QUANTIZATIONS = tuple(_MIXTURES)


@dataclass(frozen=True, slots=True)
class Shape:
    """A transformer of Llama's kind. Widths are numbers, not bytes."""

    layers: int
    width: int  #: of a token between two layers
    feed_forward: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    tied: bool = False  #: the embedding is the output as well
    biases: bool = False  #: on queries, keys and values

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        return sum(rows * row * count for _, rows, row, count in self._matrices()) + self._vectors

    @property
    def kv_bytes_per_token(self) -> int:
        """Of an f16 cache."""
        return self.layers * self.kv_heads * self.head_size * 2 * 2

    def weight_bytes(self, quantization: str) -> int:
        """All weights together. Raises KeyError for a quantization that is not one of QUANTIZATIONS."""
        most, touchy, output = _MIXTURES[quantization]
        total = 4.0 * self._vectors
        for role, rows, row, count in self._matrices():
            numbers = rows * row * count
            if role == "touchy":  # llama.cpp spares half of the layers.
                total += numbers * (_bytes_each(most, row) + _bytes_each(touchy, row)) / 2
            else:
                total += numbers * _bytes_each(output if role == "output" else most, row)
        return round(total)

    def _matrices(self) -> Iterator[tuple[str, int, int, int]]:
        """(role, rows, length of a row, how many of it)."""
        queries, keys = self.heads * self.head_size, self.kv_heads * self.head_size
        yield "most", queries, self.width, self.layers
        yield "most", keys, self.width, self.layers
        yield "touchy", keys, self.width, self.layers
        yield "most", self.width, queries, self.layers
        yield "most", self.feed_forward, self.width, 2 * self.layers
        yield "touchy", self.width, self.feed_forward, self.layers
        yield "output", self.vocabulary, self.width, 1
        if not self.tied:
            yield "most", self.vocabulary, self.width, 1

    @property
    def _vectors(self) -> int:
        """Norms and biases, which stay F32."""
        biases = (self.heads + 2 * self.kv_heads) * self.head_size if self.biases else 0
        return self.layers * (2 * self.width + biases) + self.width


def _bytes_each(kind: str, row: int) -> float:
    packed = _TYPES[kind if row % 256 == 0 else _FALLBACKS.get(kind, kind)]
    return packed.bytes / packed.block
