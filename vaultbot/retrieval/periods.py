"""Stretches of days, counted on the calendar. Weeks begin on Monday."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple, TypeAlias


class Days(NamedTuple):
    """A stretch of days, the last one included."""

    first: date
    last: date


Unit: TypeAlias = Literal["day", "week", "month", "year"]
#: Counted from today; a date with its year; a date without, which is the last one that has begun.
Basis: TypeAlias = Literal["today", "calendar", "recent"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to speak of a stretch of time.

    `build` gets the words and today. It returns None, or raises ValueError or OverflowError, when they mean something
    else. A group `how` of the pattern is a word in front, like "since".
    """

    basis: Basis
    pattern: re.Pattern[str]
    build: Callable[[re.Match[str], date], Days | None]


def back(day: date, count: int, unit: Unit) -> date:
    """The same day some units earlier; the month's last day where that month is shorter."""
    if unit == "day" or unit == "week":
        return day - timedelta(days=count * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 - count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, _last_day(year, month + 1)))


def whole(unit: Unit, day: date) -> Days:
    """The day, week, month or year that a day lies in."""
    if unit == "day":
        return Days(day, day)
    if unit == "week":
        return days_of_week(day, 0, 6)
    if unit == "month":
        return Days(day.replace(day=1), day.replace(day=_last_day(day.year, day.month)))
    return Days(date(day.year, 1, 1), date(day.year, 12, 31))


def days_of_week(day: date, first: int, last: int) -> Days:
    """Some days of the week that a day lies in; Monday is 0."""
    monday = day - timedelta(days=day.weekday())
    return Days(monday + timedelta(days=first), monday + timedelta(days=last))


def written(year: int | None, month: int, day: int | None, today: date) -> Days:
    """A month, or a day of it; without a year the last one that has begun."""
    begins = date(today.year if year is None else year, month, 1 if day is None else day)
    if year is None and begins > today:
        begins = date(today.year - 1, begins.month, begins.day)
    return whole("month" if day is None else "day", begins)


def _last_day(year: int, month: int) -> int:
    return 31 if month == 12 else (date(year, month + 1, 1) - timedelta(days=1)).day
