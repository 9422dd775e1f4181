"""What hostile files cost to read: decoded, parsed and cut into passages, at three sizes each.

    python -m bench.hostile [--size 1000000] [--only WORD] [--top 25]

The files are those of tests/vault/hostile.py. The promises: half a second for each megabyte, begun ones too, and twice
the size for twice the time. It exits with 1 when a file breaks one of them. Processor time is counted, the best of
several rounds where one was somewhat too long, for other programs make a round slow and none makes it fast.
"""

from __future__ import annotations

import argparse
import gc
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.machine import machine
from tests.vault.hostile import Hostile, corpus
from vaultbot.index.chunker import chunk_note, estimate_tokens
from vaultbot.vault.decoding import decode
from vaultbot.vault.documents import parse_document

_SECONDS_PER_MEGABYTE = 0.5
_GROWTH = 2.6  #: times the cost for twice the size
_MEASURABLE_S = 0.02  #: below that, growth is noise
_CLOCK_S = 0.001
_ROUNDS = 3
_LONG_NOTE = 10  #: times the size, for a note such as people have


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor time for one file."""

    size: int  #: bytes
    decoding: float
    parsing: float
    chunking: float

    @property
    def total(self) -> float:
        return self.decoding + self.parsing + self.chunking

    @property
    def limit(self) -> float:
        return _SECONDS_PER_MEGABYTE * -(-self.size // 1_000_000)


@dataclass(frozen=True, slots=True)
class Measured:
    """One kind of file at a quarter, a half and the whole of the size."""

    hostile: Hostile
    costs: Sequence[Cost]

    @property
    def growth(self) -> float:
        """How many times the cost for twice the size; over both doublings, for one alone may be the price of memory."""
        smallest, largest = self.costs[0], self.costs[-1]
        if largest.total < _MEASURABLE_S or largest.size == smallest.size:
            return 0.0
        return 2 ** math.log(largest.total / max(smallest.total, _CLOCK_S), largest.size / smallest.size)

    @property
    def breaks_a_promise(self) -> bool:
        return self.costs[-1].total > self.costs[-1].limit or self.growth > _GROWTH

    @property
    def may_be_chance(self) -> bool:
        """Whether other programs may be to blame."""
        return self.breaks_a_promise and (self.growth > _GROWTH or self.costs[-1].total < 2 * self.costs[-1].limit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--size", type=int, default=1_000_000, help="bytes of the largest file of a kind (default 1 MB)"
    )
    parser.add_argument("--only", default="", metavar="WORD", help="only the kinds with this in their name")
    parser.add_argument("--top", type=int, default=25, help="how many of the slowest are shown (default 25)")
    given = parser.parse_args()
    print(machine())
    kinds = [hostile for hostile in corpus() if given.only in hostile.name]
    asked = [(hostile, given.size) for hostile in kinds]
    asked += [(hostile, given.size * _LONG_NOTE) for hostile in kinds if hostile.name == "a long note"]
    measured = []
    for number, (hostile, size) in enumerate(asked):
        print(f"\r{number} of {len(asked)}", end="", file=sys.stderr, flush=True)
        measured.append(_measure(hostile, size))
    print("\r", end="", file=sys.stderr)
    measured.sort(key=lambda one: one.costs[-1].total / one.costs[-1].limit, reverse=True)
    broken = [one for one in measured if one.breaks_a_promise]
    _print(measured[: given.top])
    if unlisted := [one for one in broken if one not in measured[: given.top]]:
        print("\nbelow, and yet too slow:")
        _print(unlisted)
    print(f"\n{len(measured)} kinds, {len(broken)} too slow")
    sys.exit(1 if broken else 0)


def _measure(hostile: Hostile, size: int) -> Measured:
    measured = Measured(hostile, [_cost(hostile, size // part) for part in (4, 2, 1)])
    for _ in range(_ROUNDS - 1):
        if not measured.may_be_chance:
            break
        again = [_cost(hostile, size // part) for part in (4, 2, 1)]
        costs = [min(pair, key=lambda cost: cost.total) for pair in zip(measured.costs, again, strict=True)]
        measured = Measured(hostile, costs)
    return measured


def _cost(hostile: Hostile, size: int) -> Cost:
    data = hostile.make(size)
    gc.collect()
    began = time.process_time()
    text = decode(data).text
    decoded = time.process_time()
    note = parse_document(hostile.path, text)
    parsed = time.process_time()
    chunk_note(note, max_tokens=200, count_tokens=estimate_tokens)
    return Cost(len(data), decoded - began, parsed - decoded, time.process_time() - parsed)


def _print(measured: Sequence[Measured]) -> None:
    print(f"\n{'MB':>6}{'seconds':>9}{'decode':>8}{'parse':>8}{'chunk':>8}{'growth':>8}")
    for one in measured:
        cost = one.costs[-1]
        print(
            f"{cost.size / 1e6:6.2f}{cost.total:9.2f}{cost.decoding:8.2f}{cost.parsing:8.2f}{cost.chunking:8.2f}"
            f"{one.growth:8.1f}  {one.hostile.name}"
        )


if __name__ == "__main__":
    main()
