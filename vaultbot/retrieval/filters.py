"""Filters as people write them: operators within a question, after Obsidian's search, or options beside it.

    tag:#a  path:folder/  file:name  [property]  [property:value]  "exact words"  -not  before: after: on:

What only looks like an operator (an unclosed quote, `12:30`, a web address, `[[a link]]`) stays a part of the question.
Documented in docs/filters.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from vaultbot.errors import InvalidRequest
from vaultbot.index.filtering import Condition, Filter, Kind, one_word
from vaultbot.retrieval.dates import Period, parse_period
from vaultbot.vault.inline import clean_tag
from vaultbot.vault.moment import ENGLISH_MONTHS

_WORD_STARTS = r"(?<![^\s(（「『])"
_START = re.compile(
    rf"{_WORD_STARTS}-?(?:(?P<name>tag|path|file|before|after|on)[:：](?=\S)|\[)"
    rf"|{_WORD_STARTS}-(?=[^\W\d_]|[\"＂“])"
    r"|[\"＂“]",
    re.IGNORECASE,
)
_QUOTED = re.compile(r'["＂]((?:[^"＂\\]|\\.)+)["＂]|“([^“”]+)”')
_RUN = re.compile(r"\S+")
#: What ends a sentence is no part of an operator that ends it.
_TRAILING = ".,;:!?…)]}>、。，；：！？）」』】"
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_PROPERTY = re.compile(
    r"\[\s*(?:\"(?P<quoted>[^\[\]\"]+)\"|(?P<name>[^\W\d_][^\[\]:：\"]*?))\s*"
    r"(?:[:：]{1,2}\s*(?P<value>(?:\[\[[^\[\]]*\]\]|[^\[\]])+?)\s*)?\](?![(\[:\w])"
)
_SHORTEST = 3
_MOST = 50  #: conditions; nobody writes more, and what follows is words
_OR = re.compile(r"\s+OR\s+")
_COMPARED = re.compile(r"([<>])\s*(-?\d+(?:\.\d+)?|\d{4}-\d{2}-\d{2})")
_TASK = ("x", "X")
_KINDS: dict[str, Kind] = {"tag": "tag", "path": "path", "file": "file"}

_DATES = 'write it like before:2026-05-12, after:2026-05, on:yesterday or on:"last week"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Filters given beside the question. A note must fit all of them."""

    tags: Sequence[str] = ()
    path: str | None = None
    before: str | None = None
    after: str | None = None
    on: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A question's words and the filter that its operators make."""

    words: str  #: what is left; the words of a phrase stay
    unquoted: str  #: the same with the phrases blanked out: where words may mean days
    filter: Filter
    cut: bool  #: whether anything was taken out


class _Operator(NamedTuple):
    """What a stretch of the question asks for."""

    any_of: tuple[Condition, ...]
    end: int
    words: str = ""  #: what of it stays in the question


def read_operators(text: str, *, today: date) -> Written:
    """Take the operators out of a question. Raises InvalidRequest for a date that is none."""
    words, unquoted = "", ""
    clauses: list[tuple[Condition, ...]] = []
    at = looked = 0  # the end of the last operator, and where to look for the next
    while sum(map(len, clauses)) < _MOST and (start := _START.search(text, looked)):
        negated = start[0].startswith("-")
        looked = start.start() + 1
        found = _operator(text, start.start() + negated, start, today)
        if found is None:
            continue
        between = text[at : start.start()]
        made = _clauses(found, negated=negated)
        if clauses and len(made) == 1 and _OR.fullmatch(between):
            clauses[-1] += made[0]
            between = " "
        else:
            clauses += made
        kept = "" if negated else found.words
        words += between + kept
        unquoted += between + "\0" * len(kept)
        at = looked = found.end
    return Written(words + text[at:], unquoted + text[at:], Filter(tuple(clauses)), bool(clauses))


def read_options(options: Options, *, today: date) -> Filter:
    """The filter that options make. Raises InvalidRequest for one that is none."""
    made: list[Condition] = []
    for tag in options.tags:
        name = clean_tag(tag.strip().lstrip("#＃"))
        if not name:
            raise InvalidRequest("that is no tag; give one like garden or garden/beds, and each by itself")
        made.append(Condition("tag", name))
    if options.path is not None:
        if not options.path.strip():
            raise InvalidRequest("the path is empty; give a folder or a part of a path, like Daily/")
        made.append(Condition("path", options.path.strip()))
    for name, value in (("before", options.before), ("after", options.after), ("on", options.on)):
        if value is not None:
            made.append(_dated(name, value, today))
    return Filter(tuple((one,) for one in made))


def _clauses(found: _Operator, *, negated: bool) -> list[tuple[Condition, ...]]:
    if negated:  # Not one of them, so each for itself.
        return [(replace(one, negated=True),) for one in found.any_of]
    return [found.any_of]


# ── one operator ───────────────────────────────────────────────────────────────────────────────────────────────


def _operator(text: str, at: int, start: re.Match[str], today: date) -> _Operator | None:
    """The operator at this place, its "-" left out; None when it only looks like one."""
    if start["name"]:
        return _named(start["name"].lower(), text, start.end(), today)
    if text[at] == "[":
        return _property(text, at)
    return _phrase(text, at) if text[at] in '"＂“' else _word(text, at)


def _named(name: str, text: str, at: int, today: date) -> _Operator | None:
    """`name:value`, or `name:"value"`."""
    quoted = _QUOTED.match(text, at)
    if quoted:
        value, end = _unquoted(quoted), quoted.end()
    else:
        value = _run(text, at)
        end = at + len(value)
    if name == "tag":
        value = clean_tag(value.lstrip("#＃"))
    if not value.strip():
        return None
    kind = _KINDS.get(name)
    if kind:
        return _Operator((Condition(kind, value),), end)
    try:
        return _Operator((_dated(name, value, today),), end)
    except InvalidRequest as error:
        raise InvalidRequest(f"{error}; to look for these very words, put them in quotes") from error


def _dated(name: str, value: str, today: date) -> Condition:
    try:
        period = parse_period(value, today=today)
        if name == "on":
            return dated(period)
        day = period.first if name == "before" else period.last
        if day is not None:  # else it has no such end: before:"until May"
            edge = _day(day.toordinal() + (-1 if name == "before" else 1))
            return Condition("dated", last=edge) if name == "before" else Condition("dated", first=edge)
    except InvalidRequest:
        pass
    raise InvalidRequest(f"that is no date for {name}; {_DATES}")


def dated(period: Period) -> Condition:
    """That a note is dated in this stretch of days."""
    first, last = period.first, period.last
    return Condition("dated", first=first.isoformat() if first else None, last=last.isoformat() if last else None)


def _day(ordinal: int) -> str:
    """YYYY-MM-DD, also of the days just before and behind all that have a date."""
    if ordinal < 1:
        return "0000-12-31"
    return date.fromordinal(ordinal).isoformat() if ordinal <= date.max.toordinal() else "9999-12-32"


def _property(text: str, at: int) -> _Operator | None:
    """`[name]`, `[name:value]` or `[name:this OR that]`."""
    found = _PROPERTY.match(text, at)
    if not found:
        return None
    name, value = found["quoted"] or found["name"], found["value"]
    if value is not None:
        return _Operator(tuple(_of_property(name, one) for one in _OR.split(value)), found.end())
    if not found["quoted"] and (" " in name or name in _TASK):
        return None  # A remark [of this kind], or a task's box.
    return _Operator((Condition("property", name=name),), found.end())


def _of_property(name: str, value: str) -> Condition:
    quoted, compared = _QUOTED.fullmatch(value), _COMPARED.fullmatch(value)
    if value == "null":
        return Condition("property", name=name, test="empty")
    if compared:
        return Condition("property", compared[2], name, "below" if compared[1] == "<" else "above")
    if quoted:
        return Condition("property", _unquoted(quoted), name, "is")
    if value.startswith("[[") and value.endswith("]]"):
        return Condition("property", value[2:-2].partition("|")[0], name, "is")
    return Condition("property", value, name, "says")


def _phrase(text: str, at: int) -> _Operator | None:
    """`"exact words"`, unless the quotes stand in or at a word, as those of 7" do."""
    before = text[at - 1 : at] if at else ""
    found = _QUOTED.match(text, at) if before != "\\" else None
    if not found or (text[at] != "“" and (one_word(before, "a") or one_word("a", text[found.end() : found.end() + 1]))):
        return None
    phrase = _unquoted(found)
    return _Operator((Condition("phrase", phrase),), found.end(), phrase) if phrase else None


def _word(text: str, at: int) -> _Operator | None:
    """The word behind "-": not an option of a command, as -r, -la or --name, nor a number."""
    word = _run(text, at)
    if not _WORD.fullmatch(word) or (len(word) < _SHORTEST and word.isascii()):
        return None
    return _Operator((Condition("word", word),), at + len(word))


def _run(text: str, at: int) -> str:
    found = _RUN.match(text, at)
    return found[0].rstrip(_TRAILING) if found else ""


def _unquoted(found: re.Match[str]) -> str:
    phrase = found[1] if found[1] is not None else found[2]
    return " ".join(phrase.replace('\\"', '"').split())


# ── in words ───────────────────────────────────────────────────────────────────────────────────────────────────


def in_words(wanted: Filter) -> str:
    """The filter for a person: "tagged #garden, in a path with “Daily/”, without “rain”"."""
    return ", ".join(" or ".join(_in_words(one) for one in clause) for clause in wanted.clauses)


def _in_words(one: Condition) -> str:
    match one.kind:
        case "tag":
            said = f"tagged #{one.value}"
        case "path" | "file":
            said = f"with “{one.value}” in the {one.kind}{' name' * (one.kind == 'file')}"
        case "dated":
            said = f"dated {days_in_words(one.first, one.last)}"
        case "property":
            said = f"with the property {_property_in_words(one)}"
        case "word" | "phrase":
            said = f"with “{one.value}”"
    return f"not {said}" if one.negated else said


def _property_in_words(one: Condition) -> str:
    relation = {"there": "", "empty": "empty", "says": "“{}”", "is": "“{}” alone", "below": "< {}", "above": "> {}"}
    return f"{one.name} {relation[one.test].format(one.value)}".strip()


def days_in_words(first: str | None, last: str | None) -> str:
    """A stretch of days (YYYY-MM-DD): "12 May 2026", "9 to 15 November 2026", "March 2026", "2025"."""
    if not first or not last:
        return f"{first} or later" if first else f"{last} or earlier"
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    year, month = (str(end.year), f"{ENGLISH_MONTHS[end.month - 1]} {end.year}")
    after = end.toordinal() + 1
    month_ends = after > date.max.toordinal() or date.fromordinal(after).day == 1
    if start == end:
        return f"{end.day} {month}"
    if start.day == 1 and month_ends and start.year == end.year:
        if (start.month, end.month) == (1, 12):
            return year
        if start.month == end.month:
            return month
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day} to {end.day} {month}"
    begin = f"{start.day} {ENGLISH_MONTHS[start.month - 1]}"
    return f"{begin}{f' {start.year}' * (start.year != end.year)} to {end.day} {month}"
