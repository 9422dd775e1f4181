"""What campaigns leave behind: a file of JSON lines for each, one line a trial, added to and never rewritten."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from tests.campaigns.campaign import Outcome
from vaultbot import __version__


@dataclass(frozen=True, slots=True)
class Line:
    """One trial."""

    campaign: str
    number: int
    seed: int
    what: str
    wrong: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    took_s: float = 0.0
    at: str = ""  #: when it had ended, UTC
    version: str = __version__

    @classmethod
    def of(cls, campaign: str, number: int, seed: int, outcome: Outcome, *, took_s: float) -> Line:
        return cls(
            campaign,
            number,
            seed,
            outcome.what,
            tuple(outcome.wrong),
            dict(outcome.counts),
            {name: round(value, 4) for name, value in outcome.figures.items()},
            round(took_s, 3),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )


class Results:
    """The folder with the lines."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, line: Line) -> None:
        """Kept before the next trial begins."""
        with self._file(line.campaign).open("a+b") as file:
            if file.tell() and _last_byte(file) != b"\n":  # An earlier run was killed in the middle of a line.
                file.write(b"\n")
            file.write((json.dumps(asdict(line), ensure_ascii=False) + "\n").encode())

    def lines(self, campaign: str) -> list[Line]:
        """The last line of each trial, in order of seed and number."""
        latest = {(line.seed, line.number): line for line in self._all(campaign)}
        return [latest[key] for key in sorted(latest)]

    def well(self, campaign: str, seed: int) -> set[int]:
        """The trials of this seed that ended as they must."""
        return {line.number for line in self.lines(campaign) if line.seed == seed and not line.wrong}

    def _all(self, campaign: str) -> Iterator[Line]:
        if not (file := self._file(campaign)).exists():
            return
        for text in file.read_text(encoding="utf-8").splitlines():
            try:
                values = json.loads(text)
            except ValueError:  # The run was killed while it wrote this line.
                continue
            yield Line(**{**values, "wrong": tuple(values["wrong"])})

    def _file(self, campaign: str) -> Path:
        return self._folder / f"{campaign}.jsonl"


def _last_byte(file: IO[bytes]) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)
