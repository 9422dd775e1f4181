"""What a campaign is: trials with numbers, each of which can be repeated alone.

A trial gets its number and a source of chance that depends on the seed, the campaign and the number only. So a run may
be interrupted and go on, and a trial that went wrong is run again with `--first NUMBER --count 1`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended."""

    what: str  #: what was done, in words that are counted over all trials
    wrong: tuple[str, ...] = ()  #: what was not as it must be
    counts: Mapping[str, int] = field(default_factory=dict)  #: to be added up over all trials
    figures: Mapping[str, float] = field(default_factory=dict)  #: of which the report tells median and greatest


#: None: there is no trial of this number, nor of a greater one.
Try: TypeAlias = Callable[[int, random.Random], Outcome | None]


@dataclass(frozen=True, slots=True)
class Campaign:
    """`start` prepares what the trials share, in an empty folder of its own, and ends it after the last one.

    `about` says what the campaign proves and what it does not; its first line is the title.
    """

    id: str  #: "G-1", as in docs/reliability.md
    about: str
    whole: int  #: trials of a whole run, at most
    sample: int  #: trials in `make test`
    start: Callable[[Path], AbstractContextManager[Try]]

    @property
    def title(self) -> str:
        return self.about.strip().splitlines()[0]

    def chance(self, seed: int, number: int) -> random.Random:
        return random.Random(f"{self.id} {seed} {number}")


def numbered(first: int, count: int, done: set[int]) -> Iterator[int]:
    """The trials that are left of a run."""
    return (number for number in range(first, first + count) if number not in done)
