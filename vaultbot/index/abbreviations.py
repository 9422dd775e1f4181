"""Abbreviations that a note explains itself, `Long Name (LN)` or `LN (Long Name)`, and its other names.

They let a question that says "LN" find the notes that only say "Long Name", and the other way round.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from vaultbot.index.analyzer import terms, tokens
from vaultbot.types import Note

#: Of one note: a list of authors with their initials must not flood the catalog.
_MOST = 200
_CHECKED = 2_000  #: brackets of one note that are looked at
_LONGEST = 100  #: a name, in characters
_MOST_WORDS = 10  #: of a name
_MEANINGS = 12

_BRACKETS = re.compile(rf"[(（]([^()（）]{{2,{_LONGEST}}})[)）]")
#: "LN", "LLMs", "R&D", "BibTeX".
_SHORT = re.compile(r"[^\W\d_](?:[&.’'/-]?[^\W_]){1,9}")
#: What stands before one of these is of another clause than the name.
_CLAUSE = re.compile(r"[.;:!?|()（）。；：！？「」]")
_WITHIN = re.compile(r"[,;、，；]")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LETTERS = re.compile(r"[^\W\d_]")
_HIRAGANA = re.compile(r"[\u3041-\u309f]")
_JAPANESE = "[\u3005\u30a1-\u30fc\u4e00-\u9fff]"
#: Where a Japanese name ends is plain, and where it begins too: at a particle. Chinese has none.
_JAPANESE_NAME = re.compile(rf"(?<!{_JAPANESE}){_JAPANESE}{{3,20}}$")
_CAPITALS = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Z0-9&/-]{1,9}$")
#: Words that a short form may pass over.
_SMALL = frozenset(
    "a an and as at by de del der di du en et for from in la le of on or the to und van von with".split()
)
_NOT_PROSE = ("frontmatter", "code", "math", "query")


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """A short form and what it stands for, as written."""

    short: str  #: "LN"
    long: str  #: "Long Name"


@dataclass(frozen=True, slots=True)
class Synonym:
    """What a question may say, and what notes may say instead."""

    said: str  #: as `saying` has it
    means: str  #: as written


def abbreviations(note: Note) -> tuple[Abbreviation, ...]:
    """The abbreviations that the note's prose explains, each once, in order."""
    found: dict[Abbreviation, None] = {}
    checked = 0
    for line in _prose(note):
        japanese = _HIRAGANA.search(line) is not None
        for brackets in _BRACKETS.finditer(line):
            checked += 1
            if len(found) == _MOST or checked > _CHECKED:
                return tuple(found)
            before = _CLAUSE.split(line[max(0, brackets.start() - 2 * _LONGEST) : brackets.start()])[-1]
            one = _explained(before, brackets[1])
            if one is None and japanese:
                one = _explained_in_japanese(before, brackets[1])
            if one:
                found[one] = None
    return tuple(found)


def synonyms(note: Note) -> tuple[Synonym, ...]:
    """Its abbreviations both ways; its title for each alias, and an alias that is an acronym for its title."""
    pairs = [pair for one in abbreviations(note) for pair in ((one.short, one.long), (one.long, one.short))]
    for alias in note.aliases[:_MOST]:
        pairs.append((alias, note.title))
        if is_acronym(alias):
            pairs.append((note.title, alias))
    found = dict.fromkeys(Synonym(saying(said), means) for said, means in pairs)
    return tuple(one for one in found if 2 <= len(one.said) <= _LONGEST and one.said != saying(one.means))


def meanings(db: sqlite3.Connection, sayings: Collection[str]) -> dict[str, list[str]]:
    """What else the notes say for each of these, what most notes say first; of a dozen things or more any dozen."""
    known = db.execute(
        "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM synonym WHERE said = value)",
        (json.dumps(list(sayings)),),
    ).fetchall()
    return {said: _meanings(db, said) for (said,) in known}


def _meanings(db: sqlite3.Connection, said: str) -> list[str]:
    # Each of 10,000 notes may have the alias "journal": which of them are not counted then.
    few = "SELECT DISTINCT means FROM synonym WHERE said = ? LIMIT ?"
    found = db.execute(few, (said, _MEANINGS)).fetchall()
    if len(found) < _MEANINGS:
        counted = "SELECT means FROM synonym WHERE said = ? GROUP BY means ORDER BY count(*) DESC, means"
        found = db.execute(counted, (said,)).fetchall()
    return [means for (means,) in found]


def saying(text: str) -> str:
    """The text without what makes no difference to its meaning: case, endings, punctuation."""
    return " ".join(term for term, _, _ in units(text))


def units(text: str) -> list[tuple[str, int, int]]:
    """(term, start, end) of each word of the text, or of each character in the scripts without spaces."""
    # Pairs of neighbours are two characters and a pair again to the analyzer.
    return [(one.term, one.start, one.end) for one in tokens(text) if len(terms(one.term)) == 1]


def is_acronym(word: str) -> bool:
    """Whether the word is a short form by the looks of it: "LN", "LLMs", "BibTeX"."""
    return _SHORT.fullmatch(word) is not None and sum(letter.isupper() for letter in word) >= 2


def _prose(note: Note) -> Iterator[str]:
    """The lines that are not code or another block of its own."""
    hidden: set[int] = set()
    line = at = 0
    for mask in note.masks:
        if mask.kind in _NOT_PROSE:
            line, at = line + note.text.count("\n", at, mask.start), mask.start
            lines = note.text.count("\n", mask.start, mask.end)
            if lines or mask.kind == "frontmatter":
                hidden.update(range(line, line + lines + 1))
    yield from (text for number, text in enumerate(note.visible) if number not in hidden)


def _explained(before: str, inside: str) -> Abbreviation | None:
    """What the words before the brackets and the words in them say of each other."""
    words = list(_WORD.finditer(before))[-_MOST_WORDS:]
    parts = [part.strip() for part in _WITHIN.split(inside, maxsplit=2)][:2]
    if is_acronym(parts[0]):  # "Long Name (LN)", "Long Name (LN, since 1900)"
        for start in range(len(words) - 2, -1, -1):
            if one := _if_fitting(parts[0], before[words[start].start() : words[-1].end()]):
                return one
    if words and (one := _if_fitting(before[words[-1].start() :].strip(), parts[0])):
        return one  # "LN (Long Name)", "LN (Long Name, since 1900)"
    if len(parts) == 2:  # "something (Long Name, LN)", 大規模言語モデル（LLM、Large Language Model）
        return _if_fitting(parts[0], parts[1]) or _if_fitting(parts[1], parts[0])
    return None


def _explained_in_japanese(before: str, inside: str) -> Abbreviation | None:
    """大規模言語モデル（LLM）, LLM（大規模言語モデル）: no initials can be compared."""
    short, name = _CAPITALS.search(before), _JAPANESE_NAME.fullmatch(inside)
    if short is None or name is None:
        short, name = _CAPITALS.fullmatch(inside), _JAPANESE_NAME.search(before)
    return Abbreviation(short[0], name[0]) if short and name else None


def _if_fitting(short: str, long: str) -> Abbreviation | None:
    if not is_acronym(short):
        return None
    short = short[:-1] if short.endswith("s") and short[:-1].isupper() else short
    words = [word.casefold() for word in _WORD.findall(long)]
    letters = "".join(_LETTERS.findall(short)).casefold()
    if not 2 <= len(words) <= _MOST_WORDS or words[0] in _SMALL or not _fits(letters, words):
        return None
    return Abbreviation(short, long)


def _fits(letters: str, words: Sequence[str]) -> bool:
    """Whether the letters are the words' initials, in order; a word may lend one more letter ("HyperText")."""
    reached = {0}  # how many of the letters the words so far may account for
    for word in words:
        after = set(reached) if word in _SMALL else set()
        for n in reached:
            if letters[n : n + 1] == word[0]:
                after.add(n + 1)
                if letters[n + 1 : n + 2] in set(word[1:]):
                    after.add(n + 2)
        reached = after
    return len(letters) in reached
