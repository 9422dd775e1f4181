"""English words for stretches of time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import cast

from vaultbot.retrieval.periods import Basis, Days, Rule, Unit, back, days_of_week, whole, written
from vaultbot.vault.moment import ENGLISH_MONTHS, ENGLISH_WEEKDAYS

_COUNTS = "one two three four five six seven eight nine ten eleven twelve".split()
_HOW = "since|before|after|until|till|between|from|in|on|of|for|during|over|within|throughout"
_HOW_ALONE = "in|during|since|before|after|until|till"

# A space stands for one to four of any kind.
_COUNT = rf"[0-9]{{1,4}}|{'|'.join(_COUNTS)}"
_UNIT = "(?P<unit>day|week|month|year)"
_MONTH = (
    r"(?P<month>jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|june?|july?|aug(?:ust|\.)?|"
    r"sep(?:t(?:ember|\.)?|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)"
)
_YEAR = "(?P<year>(?:19|20)[0-9]{2}|(?:last|this) year)"
_DAY = "(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_WEEKDAY = f"(?P<weekday>{'|'.join(ENGLISH_WEEKDAYS)})"

# In small letters these are months only behind a word that a date follows, and "this may" is never one.
_COMMON_WORDS = ("may", "march", "mar")
_BEFORE_DATES = ("in", "during", "last", "this", "on", "since")


def _rule(
    basis: Basis,
    words: str,
    build: Callable[[re.Match[str], date], Days | None],
    *,
    how: str = f"(?:(?P<how>{_HOW}) )?",
) -> Rule:
    # Not a part of a longer word, path or number.
    pattern = rf"(?<![A-Za-z0-9_À-ɏ'’.,/-]){how}{words}(?![A-Za-z0-9_À-ɏ]|[-/.:,][0-9]|-[A-Za-z])"
    return Rule(basis, re.compile(pattern.replace(" ", r"\s{1,4}"), re.IGNORECASE), build)


# ── counted from today ─────────────────────────────────────────────────────────────────────────────────────────


def _named_day(match: re.Match[str], today: date) -> Days:
    words = match["named"].lower()
    return whole("day", back(today, 0 if words == "today" else 1 if words == "yesterday" else 2, "day"))


def _this_or_last(match: re.Match[str], today: date) -> Days:
    unit = _unit(match)
    return whole(unit, back(today, 0 if match["which"].lower() == "this" else 1, unit))


def _before_last(match: re.Match[str], today: date) -> Days:
    unit = _unit(match)
    return whole(unit, back(today, 2, unit))


def _weekend(match: re.Match[str], today: date) -> Days:
    return days_of_week(back(today, 0 if match["which"].lower() == "this" else 1, "week"), 5, 6)


def _weekday(match: re.Match[str], today: date) -> Days:
    """ "Last Monday" is the last one before today, "this Monday" that of this week."""
    day = _place(match["weekday"], ENGLISH_WEEKDAYS)
    if match["which"].lower() == "this":
        return days_of_week(today, day, day)
    return whole("day", back(today, (today.weekday() - day - 1) % 7 + 1, "day"))


def _ago(match: re.Match[str], today: date) -> Days | None:
    if (match["how"] or "").lower() in ("over", "within", "for"):
        return None
    unit = _unit(match)
    return whole(unit, back(today, _count(match["count"]), unit))


def _up_to_today(match: re.Match[str], today: date) -> Days | None:
    """ "The past week" and "the last 7 days" end today; "last week", which does not, is another rule's."""
    which = match["which"].lower()
    if not (match["count"] or which == "past" or (which == "last" and match["the"])):
        return None
    return Days(back(today, _count(match["count"] or "one"), _unit(match)), today)


def _unit(match: re.Match[str]) -> Unit:
    return cast("Unit", match["unit"].lower())


def _count(written_as: str) -> int:
    word = written_as.lower()
    return _COUNTS.index(word) + 1 if word in _COUNTS else 1 if word in ("a", "an") else int(word)


# ── dates ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _digits(match: re.Match[str], today: date) -> Days:
    day = match.groupdict().get("day")
    return written(int(match["year"]), int(match["month"]), int(day) if day else None, today)


def _dated(match: re.Match[str], today: date) -> Days | None:
    return _with_month(match, _year(match["year"], today), today)


def _recent(match: re.Match[str], today: date) -> Days | None:
    return _with_month(match, None, today)


def _with_month(match: re.Match[str], year: int | None, today: date) -> Days | None:
    how = (match["how"] or "").lower()
    word = match["month"]
    if word in _COMMON_WORDS and (how not in _BEFORE_DATES or (how, word) == ("this", "may")):
        return None
    month = _place(word, ENGLISH_MONTHS) + 1
    if how in ("last", "this"):
        year = today.year - (how == "last" and month >= today.month)
    day = match.groupdict().get("day")
    return written(year, month, int(day) if day else None, today)


def _whole_year(match: re.Match[str], _today: date) -> Days:
    return whole("year", date(int(match["year"]), 1, 1))


def _year(words: str, today: date) -> int:
    return int(words) if words.isdecimal() else today.year - (words[:4].lower() == "last")


def _place(word: str, names: list[str]) -> int:
    """Of a name, or its first three letters."""
    return [name[:3].lower() for name in names].index(word[:3].lower())


RULES = (
    _rule("today", "(?P<named>today|yesterday|(?:the )?day before yesterday)", _named_day),
    _rule("today", r"(?P<which>this|last|previous) (?P<unit>week|month|year)(?! of\b)", _this_or_last),
    _rule("today", "(?:the )?(?P<unit>week|month|year) before last", _before_last),
    _rule("today", "(?P<which>this|last|past) weekend", _weekend),
    _rule("today", rf"(?P<which>this|last|past) {_WEEKDAY}(?! of\b)", _weekday),
    _rule("today", rf"(?<!than\s)(?<!least\s)(?P<count>an?|{_COUNT}) {_UNIT}s? ago", _ago),
    _rule(
        "today",
        rf"(?P<the>the )?(?P<which>last|past|previous)(?: (?P<count>{_COUNT}))? {_UNIT}s?(?! of\b)",
        _up_to_today,
    ),
    _rule("calendar", "(?P<year>[0-9]{4})(?P<sep>[-/])(?P<month>[0-9]{1,2})(?P=sep)(?P<day>[0-9]{1,2})", _digits),
    _rule("calendar", "(?P<year>(?:19|20)[0-9]{2})-(?P<month>[0-9]{2})(?!年)", _digits),
    _rule("calendar", rf"{_MONTH} {_DAY},? {_YEAR}", _dated),
    _rule("calendar", rf"(?:the )?{_DAY}(?: of)? {_MONTH},? {_YEAR}", _dated),
    _rule("calendar", rf"{_MONTH}(?:,| of)? {_YEAR}", _dated),
    _rule("recent", rf"{_MONTH} {_DAY}(?!,? [0-9]{{3}})", _recent),
    _rule("recent", rf"(?:the )?{_DAY}(?: of)? {_MONTH}(?!,? [0-9])", _recent),
    # Without such a word a month is as often a person or a thing, and a year a mere number.
    _rule("recent", rf"{_MONTH}(?!['’]s|,? [0-9])", _recent, how=f"(?P<how>{_HOW_ALONE}|last|this|of) "),
    _rule("calendar", "(?P<year>(?:19|20)[0-9]{2})", _whole_year, how=f"(?P<how>{_HOW_ALONE}) "),
)
