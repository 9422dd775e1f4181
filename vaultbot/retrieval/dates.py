"""Stretches of time in plain words: "last week", "since March 5", 2024年3月, 先月, 上周三.

Rules of our own, one file for each way of writing: dateparser, the one library that knows English, Japanese and
Chinese, gives a day where a week or month is meant, and takes the "may" of "what may I do" for a month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from vaultbot.errors import InvalidRequest
from vaultbot.retrieval import dates_english, dates_han
from vaultbot.retrieval.periods import Days, Rule, back, whole, written

_RULES = (*dates_english.RULES, *dates_han.RULES)
_A_DAY = timedelta(days=1)
# One character for one, so that places stay the same.
_HALF_WIDTH = str.maketrans("０１２３４５６７８９／－", "0123456789/-")

_JOINT = re.compile(
    r"\s{1,4}(?:to|until|till|through|(?P<and>and))\s{1,4}(?:the\s{1,4})?|\s?[-–—~〜～]\s?|から|到|至", re.IGNORECASE
)
_NUMBER = re.compile("[0-9一二三四五六七八九十]")
_END_OF_RANGE = re.compile("まで|为止|為止|")
_BOUND_BEHIND = re.compile(
    "(?P<since>から(?!揚|あげ)|以来|以來|以降|以后|以後|开始|開始|至今|到现在|到現在)|(?P<after>之后|之後)|"
    "(?P<before>之前|より前|前(?=$|[\\s、。，,.!?！？のにはをがもで的]))|"
    "(?P<until>以前|まで|为止|為止)"
)
_NUMERIC = re.compile("(?P<year>[0-9]{4})(?:(?P<sep>[-/])(?P<month>[0-9]{1,2})(?:(?P=sep)(?P<day>[0-9]{1,2}))?)?")


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of days. None for an end that is open."""

    first: date | None
    last: date | None  #: inclusive


@dataclass(frozen=True, slots=True)
class FoundPeriod:
    """A stretch of time that a text speaks of, and the words that do."""

    period: Period
    start: int
    end: int
    relative: bool  #: counted from today ("last week"), and no date ("in March")


def find_period(text: str, *, today: date) -> FoundPeriod | None:
    """The first stretch of time in the text, in as many words as belong to it."""
    text = text.translate(_HALF_WIDTH)
    found = min(
        (match for rule in _RULES if (match := _search(rule, text, today))),
        key=lambda match: (match.words.start(), -match.words.end()),
        default=None,
    )
    if found is None:
        return None
    period, end = _from_to(found, text, today) or _bounded(found, text)
    if period is None:
        return None
    return FoundPeriod(period, found.words.start(), end, found.rule.basis == "today")


def parse_period(value: str, *, today: date) -> Period:
    """The stretch of time that is the value of an operator, like `on:`. Raises InvalidRequest."""
    value = value.strip()
    if days := _numeric(value):
        return Period(*days)
    for text in (value, f"in {value}"):
        found = find_period(text, today=today)
        if found and found.period.first and found.period.last and (found.start, found.end) == (0, len(text)):
            return found.period
    raise InvalidRequest(
        "that is no date; write a year (2025), a month (2025-03), a day (2025-03-14), or words "
        "like yesterday, last month, March 2025, 昨日, 上周"
    )


def _numeric(value: str) -> Days | None:
    match = _NUMERIC.fullmatch(value.translate(_HALF_WIDTH))
    if match is None:
        return None
    year, month, day = (int(match[group]) if match[group] else None for group in ("year", "month", "day"))
    try:
        return whole("year", date(year or 0, 1, 1)) if month is None else written(year, month, day, date.max)
    except ValueError:
        return None


# ── finding ────────────────────────────────────────────────────────────────────────────────────────────────────


class _Match(NamedTuple):
    rule: Rule
    words: re.Match[str]
    days: Days

    @property
    def how(self) -> str:
        """The word in front: "since"."""
        return (self.words.groupdict().get("how") or "").lower()


def _search(rule: Rule, text: str, today: date) -> _Match | None:
    for words in rule.pattern.finditer(text):
        if days := _build(rule, words, today):
            return _Match(rule, words, days)
    return None


def _longest_at(place: int, text: str, today: date) -> _Match | None:
    return max(
        (
            _Match(rule, words, days)
            for rule in _RULES
            if (words := rule.pattern.match(text, place)) and (days := _build(rule, words, today))
        ),
        key=lambda match: match.words.end(),
        default=None,
    )


def _build(rule: Rule, words: re.Match[str], today: date) -> Days | None:
    try:
        return rule.build(words, today)
    except (ValueError, OverflowError):
        return None


# ── from, to, since, before ────────────────────────────────────────────────────────────────────────────────────


def _from_to(first: _Match, text: str, today: date) -> tuple[Period | None, int] | None:
    """The stretch between two dates. Its period is None when the second one cannot be told."""
    end = first.words.end()
    joint = _JOINT.match(text, end)
    if joint is None or (joint["and"] and first.how != "between"):
        return None
    second = _longest_at(joint.end(), text, today)
    if second is None:
        number = first.rule.basis != "today" and _NUMBER.match(text, joint.end())
        return (None, end) if number or first.how in ("from", "between") else None
    begins: Days | None = first.days
    ends: Days | None = second.days
    # "March 5 to March 9, 2024", 2024年11月到1月: the year that is not said is the one that fits.
    if first.rule.basis == "recent":
        begins = _build(first.rule, first.words, second.days.last)
    elif second.rule.basis == "recent":
        ends = _build(second.rule, second.words, _a_year_on(first.days.first))
    if not begins or not ends or begins.first > ends.last:
        return None, end
    tail = _END_OF_RANGE.match(text, second.words.end())
    return Period(begins.first, ends.last), tail.end() if tail else second.words.end()


def _a_year_on(day: date) -> date:
    """The last day of the year that begins with this day."""
    try:
        return back(day, -1, "year") - _A_DAY
    except ValueError:
        return date.max


def _bounded(found: _Match, text: str) -> tuple[Period | None, int]:
    """The days themselves, or the time before or after them."""
    (first, last), end, how = found.days, found.words.end(), found.how
    if behind := _BOUND_BEHIND.match(text, end):
        end, how = behind.end(), behind.lastgroup or ""
    try:
        match how:
            case "since":
                return Period(first, None), end
            case "after":
                return Period(last + _A_DAY, None), end
            case "before":
                return Period(None, first - _A_DAY), end
            case "until" | "till":
                return Period(None, last), end
    except OverflowError:
        return None, end
    return Period(first, last), end
