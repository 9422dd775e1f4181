"""Which notes fit a filter, settled in the catalog before anything is ranked.

Names are compared as Obsidian compares them. Words are compared folded, as the full-text index holds them; a phrase is
looked up by its terms and then read in the notes themselves, so that it is exact in every script.
"""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Literal

from vaultbot.index.analyzer import fold, terms
from vaultbot.vault.resolver import path_key, without_md
from vaultbot.vault.tags import tag_key

#: More of them make no phrase any rarer.
_TERMS_LOOKED_UP = 64
_BLANK_LINE = re.compile(r"\n\s*\n")
_POSSESSIVE = re.compile(r"'s(?!\w)")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Kind = Literal["tag", "dated", "property", "path", "file", "word", "phrase"]
#: What takes longest comes last, when few notes are left to look at.
_ORDER: dict[Kind, int] = {"tag": 0, "dated": 1, "property": 2, "path": 3, "file": 4, "word": 5, "phrase": 6}

_DATED = "FROM note WHERE date >= ? AND date <= ?"

#: "there": whatever its value; "empty"; "says": the words stand in it; "is"; "below", "above": of numbers and days.
Test = Literal["there", "empty", "says", "is", "below", "above"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a note must be to be found, or must not be."""

    kind: Kind
    value: str = ""  #: as written: "garden/beds", "Daily/", "crop rotation", a property's value
    name: str = ""  #: of the property
    test: Test = "there"  #: of the property
    first: str | None = None  #: YYYY-MM-DD; None: however early
    last: str | None = None  #: YYYY-MM-DD, this day included; None: however late
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """The notes to look at: those that fit every clause by at least one of its conditions."""

    clauses: tuple[tuple[Condition, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.clauses)

    def __and__(self, other: Filter) -> Filter:
        return Filter(self.clauses + other.clauses)


#: Notes that are looked up one by one.
_MANY = 1000


def fitting(db: sqlite3.Connection, wanted: Filter) -> frozenset[int]:
    """Keys of the searched notes that fit."""
    kept: set[int] | None = None
    for clause in sorted(wanted.clauses, key=_cost):
        found: set[int] = set()
        for condition in clause:
            if condition.negated:
                kept = _searched(db) if kept is None else kept
                found |= kept - _matching(db, condition, kept)
            else:
                found |= _matching(db, condition, kept)
        kept = found if kept is None else kept & found
    if kept is None or len(kept) > _MANY:
        searched = _searched(db)
        return frozenset(searched if kept is None else searched & kept)
    rows = db.execute("SELECT id FROM note WHERE searched AND id IN (SELECT value FROM json_each(?))", (keys(kept),))
    return frozenset(key for (key,) in rows)


def any_dated(db: sqlite3.Connection, dated: Condition) -> bool:
    """Whether a searched note has such a date."""
    return db.execute(f"SELECT 1 {_DATED} AND searched LIMIT 1", _days(dated)).fetchone() is not None


def keys(numbers: Iterable[int]) -> str:
    """Keys or rowids as one value for json_each, which takes any number of them."""
    return json.dumps(sorted(numbers))


def _cost(clause: tuple[Condition, ...]) -> tuple[bool, int]:
    return any(one.negated for one in clause), max(_ORDER[one.kind] for one in clause)


def _searched(db: sqlite3.Connection) -> set[int]:
    # The notes that have terms, from a table that is much smaller than that of the notes.
    return {key for (key,) in db.execute("SELECT id FROM note_terms_docsize")}


def _matching(db: sqlite3.Connection, one: Condition, within: Collection[int] | None) -> set[int]:
    """Keys of the notes that are what the condition names; others than `within` need not be looked at."""
    # What JSON can say and UTF-8 cannot stands in the catalog as a question mark.
    value, name = (text.encode(errors="replace").decode() for text in (one.value, one.name))
    one = replace(one, value=value, name=name)
    match one.kind:
        case "tag":
            return _tagged(db, one.value)
        case "dated":
            return {key for (key,) in db.execute(f"SELECT id {_DATED}", _days(one))}
        case "property":
            return _with_property(db, one)
        case "path":
            wanted = path_key(one.value)
            return {key for key, path in _paths(db) if wanted in path_key(f"/{path}")}
        case "file":
            wanted = path_key(one.value)
            return {key for key, path in _paths(db) if wanted in path_key(path.rpartition("/")[2])}
        case "word":
            found = terms(one.value)
            # Of a word that is several terms, as "self-hosted" or 量子化 are, only its very letters tell.
            return _holding(db, _quoted(found), within) if len(found) == 1 else _saying(db, one.value, within)
        case "phrase":
            return _saying(db, one.value, within)


def _tagged(db: sqlite3.Connection, name: str) -> set[int]:
    key = tag_key(name)
    # What begins with "key/" sorts before "key0": "0" is the character after "/".
    rows = db.execute("SELECT note FROM tag WHERE key = ? OR (key > ? AND key < ?)", (key, f"{key}/", f"{key}0"))
    return {note for (note,) in rows}


def _days(dated: Condition) -> tuple[str, str]:
    return dated.first or "", dated.last or "9999-12-31"


def _paths(db: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    return db.execute("SELECT id, path FROM note")


# ── properties ─────────────────────────────────────────────────────────────────────────────────────────────────


def _with_property(db: sqlite3.Connection, one: Condition) -> set[int]:
    rows = db.execute("SELECT note, value FROM property WHERE key = ?", (path_key(one.name.strip()),))
    if one.test == "there":
        return {note for note, _ in rows}
    if one.test == "empty":
        return {note for note, value in rows if value is None}
    return {note for note, value in rows if value is not None and _value_fits(value, one.test, one.value)}


def _value_fits(value: str, test: Test, wanted: str) -> bool:
    if test == "says":
        return _stands_in(_line(wanted), _lines(value))
    if test == "is":
        return _line(wanted) in {_line(name) for name in _names(value)}
    order = _order(value, wanted)
    return order < 0 if test == "below" else order > 0


def _names(value: str) -> Iterator[str]:
    """The value, and what it may be called when it is a link: [[Folder/Note|shown]] is "Note" and "shown" as well."""
    yield value
    if value.startswith("[[") and value.endswith("]]"):
        target, _, shown = value[2:-2].partition("|")
        yield from (target, without_md(target.rpartition("/")[2]), shown)


def _order(value: str, wanted: str) -> int:
    """-1, 0 or 1 as the value is below, like or above the other; 0 when they cannot be compared."""
    if _DAY.match(value) and _DAY.fullmatch(wanted):
        return (value[:10] > wanted) - (value[:10] < wanted)
    try:
        return (float(value) > float(wanted)) - (float(value) < float(wanted))
    except ValueError:
        return 0


# ── words ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _holding(db: sqlite3.Connection, wanted: str, within: Collection[int] | None) -> set[int]:
    """The notes that a full-text query finds; every note when there is nothing to look up."""
    if not wanted:
        return set(within) if within is not None else _searched(db)
    sql, values = "SELECT rowid FROM note_terms WHERE note_terms MATCH ?", [wanted]
    if within is not None:
        sql += " AND +rowid IN (SELECT value FROM json_each(?))"  # The "+" keeps SQLite from searching for every row.
        values.append(keys(within))
    return {key for (key,) in db.execute(sql, values)}


def _saying(db: sqlite3.Connection, phrase: str, within: Collection[int] | None) -> set[int]:
    """The notes in whose title, aliases, description or text the phrase stands as it is."""
    wanted = _line(phrase)
    candidates = _holding(db, _looked_up(phrase), within)
    found: set[int] = set()
    for source in (_called, _told):
        left = candidates - found
        found.update(note for note, text in source(db, left) if note not in found and _stands_in(wanted, _lines(text)))
    return found


def _looked_up(phrase: str) -> str:
    """The full-text query that finds every note with the phrase, and some without."""
    found = terms(phrase)[:_TERMS_LOOKED_UP]
    if all(one_word(letter, "a") for letter in fold(phrase) if letter.isalnum()):
        return _quoted([" ".join(found)])
    return _quoted(found)  # In scripts without blanks the terms of a phrase are not those of a text around it.


def _quoted(wanted: Iterable[str]) -> str:
    return " AND ".join(f'"{term}"' for term in dict.fromkeys(wanted) if term)


def _called(db: sqlite3.Connection, notes: Collection[int]) -> Iterator[tuple[int, str]]:
    return db.execute(
        "WITH wanted AS (SELECT value AS id FROM json_each(?))"
        " SELECT id, title FROM note WHERE id IN wanted"
        " UNION ALL SELECT note, name FROM alias WHERE note IN wanted"
        " UNION ALL SELECT note, value FROM property WHERE note IN wanted"
        " AND key IN ('description', 'summary') AND NOT inline AND value NOTNULL",
        (keys(notes),),
    )


def _told(db: sqlite3.Connection, notes: Collection[int]) -> Iterator[tuple[int, str]]:
    """Each note's text; passages that follow each other without a blank line are one text again."""
    rows = db.execute(
        "SELECT note, start_line, end_line, text FROM chunk"
        " WHERE view = 'passage' AND note IN (SELECT value FROM json_each(?)) ORDER BY note, ordinal",
        (keys(notes),),
    )
    for note, passages in groupby(rows, key=lambda row: row[0]):
        text, end = "", 0
        for _, start, last, part in passages:
            text += ("\n" if start <= end + 1 else "\n\n") + part
            end = last
        yield note, text


def _line(text: str) -> str:
    return " ".join(_folded(text).split())


def _lines(text: str) -> str:
    """Folded, with blanks where lines end: a phrase may go on in the next line, but not beyond a blank one."""
    return "\n".join(" ".join(block.split()) for block in _BLANK_LINE.split(_folded(text)))


def _folded(text: str) -> str:
    return fold(text).replace("’", "'")


def _stands_in(wanted: str, text: str) -> bool:
    """Whether the text has these words, not merely their letters: "art" does not stand in "start"."""
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        before, after = text[max(0, at - 2) : at], text[end : end + 3]
        if not one_word(before, wanted[:1]) and (_POSSESSIVE.match(after) or not one_word(wanted[-1:], after[:2])):
            return True
        at = text.find(wanted, at + 1)
    return False


@lru_cache(maxsize=8192)
def one_word(before: str, after: str) -> bool:
    """Whether a word goes on from the one to the other, as the analyzer cuts words; don't is one word."""
    if before[-1:] == "'":
        before = before[:-1]
    elif after[:1] == "'":
        after = after[1:]
    left, right = before[-1:], after[:1]
    if not left or not right:
        return False
    joined = len(terms(left + right)) < len(terms(left)) + len(terms(right))
    return joined or (left.isalnum() and unicodedata.category(right).startswith("M"))
