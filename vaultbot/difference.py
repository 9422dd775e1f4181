"""Two sentences of the notes that cannot both be read on without asking: they say the same, and differ in one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DifferenceKind = Literal["number", "date", "name", "negation"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two cited sentences from different places that say the same of the same thing, but for this."""

    kind: DifferenceKind
    citations: tuple[int, int]  #: their numbers; the newer one last, where both dates are known
    words: tuple[str, str]  #: what each has there: ("3 May", "5 May"); of a negation the one is ""
    dates: tuple[str | None, str | None]  #: the day each note is about: YYYY-MM-DD
