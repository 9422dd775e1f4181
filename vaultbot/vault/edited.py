"""What became of edits: shown before, made, or undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Preview:
    """What edits would make of a note."""

    note: str
    before: str
    after: str
    refused: Mapping[int, str] = field(default_factory=dict)  #: why, by the edit's place in the list


@dataclass(frozen=True, slots=True)
class Edited:
    """What was done to a note."""

    note: str
    run: str  #: "" when nothing was written
    sha256: str  #: of the note's bytes now
    refused: Mapping[int, str] = field(default_factory=dict)  #: why, by the edit's place in the list


@dataclass(frozen=True, slots=True)
class NotUndone:
    """A note that was left as it is, and where the one of before is kept."""

    note: str
    reason: str
    copy: str | None  #: None when it is no longer kept


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing a run came to."""

    run: str
    restored: tuple[str, ...]
    removed: tuple[str, ...]  #: new notes that are gone again
    refused: tuple[NotUndone, ...]
