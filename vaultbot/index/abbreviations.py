"""Abbreviations that a note explains itself, `Long Name (LN)` or `LN (Long Name)`, and its other names.

They let a question that says "LN" find the notes that only say "Long Name", and the other way round. In Chinese and
Japanese, where no initials can be compared, the name is the run of characters right before the brackets:
大規模言語モデル（LLM）.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vaultbot.index.analyzer import STOP_WORDS, tokens
from vaultbot.types import Note

#: Of one note: a glossary has many, and a list of authors with their initials must not flood the catalog.
_MOST = 200
_MOST_WORDS = 12
_LONGEST = 100  #: of what stands in brackets, in characters
_CHECKED = 2_000  #: brackets of one note that are looked at

_BRACKETS = re.compile(rf"[(（]([^()（）]{{2,{_LONGEST}}})[)）]")
#: A short form has two capitals or more: "LN", "LLMs", "R&D", "BibTeX". It stands alone.
_SHORT = re.compile(r"[^\W\d_](?:[&.’'/-]?[^\W_]){1,9}\.?")
_LAST_WORD = re.compile(r"[^\s()（）]{2,20}$")
_CAPITALS = re.compile(r"(?:[^a-z]*[A-Z]){2}")
_UNSPACED_NAME = re.compile(r"[\u4e00-\u9fff\u30a1-\u30fa\u30fc々・]{3,20}$")
#: Nothing before one of these belongs to the name.
_CLAUSE = re.compile(r"[.;:!?|()（）。、，；：！？「」]")
_WITHIN = re.compile(r"\s*[,;、，；]\s*")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SMALL = frozenset(
    "a an and as at by de del der di du en et for from in la le of on or the to und van von with".split()
)
_MASKED = ("code", "math", "query", "html")


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """A short form and what it stands for, as written."""

    short: str  #: "LN"
    long: str  #: "Long Name"


@dataclass(frozen=True, slots=True)
class Synonym:
    """What a question may say, and what notes may say instead."""

    said: str  #: `saying()` of it
    means: str  #: as written


def abbreviations(note: Note) -> tuple[Abbreviation, ...]:
    """The abbreviations that the note explains in its prose, each once, in order."""
    found: dict[Abbreviation, None] = {}
    checked = 0
    for line in _prose(note):
        for brackets in _BRACKETS.finditer(line):
            checked += 1
            if len(found) >= _MOST or checked > _CHECKED:
                return tuple(found)
            if one := _explained(line[max(0, brackets.start() - 2 * _LONGEST) : brackets.start()], brackets[1]):
                found[one] = None
    return tuple(found)


def synonyms(note: Note) -> tuple[Synonym, ...]:
    """Its abbreviations both ways, its title for each alias, and for its title an alias that is an acronym."""
    pairs = [pair for one in abbreviations(note) for pair in ((one.short, one.long), (one.long, one.short))]
    for alias in note.aliases[:_MOST]:
        pairs.append((alias, note.title))
        if _is_short(alias):
            pairs.append((note.title, alias))
    found = {Synonym(saying(said), " ".join(means.split())): None for said, means in pairs}
    return tuple(one for one in found if 2 <= len(one.said) <= _LONGEST and one.said != saying(one.means))


def saying(text: str) -> str:
    """What two ways to write the same have in common: case and endings do not count."""
    return " ".join(term for term, _, _ in units(text))


def units(text: str) -> list[tuple[str, int, int]]:
    """(term, start, end) of each word of the text; a character is one in the scripts without spaces."""
    found: list[tuple[str, int, int]] = []
    for token in tokens(text):
        # The pairs of neighbours are in the way here: they cover what the single characters cover.
        if not (token.end - token.start == 2 and len(token.term) == 2 and not _spaced(token.term)):
            found.append((token.term, token.start, token.end))
    return sorted(found, key=lambda unit: unit[1])
