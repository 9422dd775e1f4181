"""What a note could be given: a suggestion, and the edit that accepting it makes.

Offsets count Unicode code points in the note's decoded text, as in `vaultbot/types.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

SuggestionKind = Literal["mention", "semantic", "property", "tag", "alias", "fix-link", "create"]


@dataclass(frozen=True, slots=True)
class Replacement:
    """Put `text` in place of what stands from `start` to `end`; where these are equal, it is put between."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class PropertyValue:
    """Add a value to a property that holds a list, or make the property: `tags` and "ml", `is` and "[[Food]]"."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class NewNote:
    """Make a note that is not there yet."""

    text: str = ""


Edit: TypeAlias = Replacement | PropertyValue | NewNote


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One change that a person may accept. Nothing is written until then."""

    id: str  #: of kind, note, target, words and which of several; the same after the note was edited elsewhere
    kind: SuggestionKind
    note: str  #: path of the note that would change, or be made
    target: str  #: path of the note linked to; the tag or alias itself
    text: str  #: the words as they stand in the note; for what has no place in it, the value that would be added
    edit: Edit
    score: float  #: 0 to 1: about how likely it is to be accepted
    reasons: tuple[str, ...]  #: in plain words, the strongest first
    line: int  #: 1-based; where it would be, or 1
    col: int
    context: str  #: the line around it
    sha256: str  #: of the note's bytes that the edit's offsets belong to; "" for a new note
    key: str | None = None  #: the property's name, for the kind "property"
    alternatives: tuple[str, ...] = ()  #: other targets, best first
