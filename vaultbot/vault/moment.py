"""Days written in a Moment.js format, which is how Obsidian's settings say what daily notes are called.

Read as Moment does: token by token, each taking all that it can. Names are English, Japanese or Chinese. Weeks of `w`
and `gggg` are those of American English, which begin on Sunday; `W` and `GGGG` are ISO's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

ENGLISH_MONTHS = "January February March April May June July August September October November December".split()
ENGLISH_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

_LONGEST_FORMAT = 200
# In Moment's own order: words in brackets, the tokens, or any one character.
_PIECE = re.compile(
    r"\[(?P<words>[^\[]*)\]|(?P<escape>\\)?(?:(?P<token>[Hh]mm(?:ss)?|Mo|MM?M?M?|Do|DDDo|DD?D?D?|ddd?d?|do?|w[ow]?|"
    r"W[oW]?|Qo?|N{1,5}|Y{4,6}|YY|Y|y{1,4}o?|gg(?:ggg?)?|GG(?:GGG?)?|[eEaAxX]|hh?|HH?|kk?|mm?|ss?|S{1,9}|zz?|ZZ?|"
    r"LTS?|L{1,4}|l{1,4})|(?P<other>.))",
    re.DOTALL,
)
_ISO_DATE = re.compile(r"(?<![0-9])([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])")


def parse_moment(moment_format: str, text: str) -> date | None:
    """The day that `text`, all of it, names in this format; None when it names none.

    A week stands for its Monday, a month, quarter or year for its first day. Without a year there is no day. A format
    that holds a token not known here is given up for the ISO date in the text.
    """
    compiled = _compile(moment_format)
    if compiled is None:
        return iso_date_in(text)
    return compiled.parse(unicodedata.normalize("NFC", text))


def iso_date_in(text: str) -> date | None:
    """The first real day of the form 2025-03-14 that is no part of a longer number."""
    for match in _ISO_DATE.finditer(text):
        try:
            return date(*map(int, match.groups()))
        except ValueError:
            continue
    return None


@dataclass(frozen=True, slots=True)
class _Token:
    """What a token takes of the text, and what that says."""

    field: str  #: "" when it says nothing of the day
    pattern: str
    value: Callable[[str], int] = int


def _named(field: str, *languages: Sequence[str]) -> _Token:
    """Names that count from 1 in each language."""
    numbers = {name.lower(): number for names in languages for number, name in enumerate(names, 1)}
    longest_first = sorted(numbers, key=len, reverse=True)
    return _Token(field, "|".join(longest_first), lambda name: numbers[name.lower()])


def _short(names: Sequence[str], length: int) -> list[str]:
    return [name[:length] for name in names]


def _in_front(*prefixes: str, of: str) -> list[list[str]]:
    return [[prefix + character for character in of] for prefix in prefixes]


_HAN_MONTHS = "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月".split()
_DIGIT_MONTHS = [f"{number}月" for number in range(1, 13)]
_JAPANESE_DAYS = "月火水木金土日"
_CHINESE_DAYS = "一二三四五六日"

_TOKENS: Mapping[str, _Token] = {
    "Y": _Token("year", "[0-9]{4}"),
    "YYYY": _Token("year", "[0-9]{4}"),
    "YY": _Token("year", "[0-9]{2}", lambda digits: int(digits) + (1900 if int(digits) > 68 else 2000)),
    "Q": _Token("quarter", "[1-4]"),
    "MMMM": _named("month", ENGLISH_MONTHS, _DIGIT_MONTHS, _HAN_MONTHS),
    "MMM": _named("month", _short(ENGLISH_MONTHS, 3), _DIGIT_MONTHS, _HAN_MONTHS),
    "MM": _Token("month", "[0-9]{2}"),
    "M": _Token("month", "[0-9]{1,2}"),
    "Do": _Token("day", "[0-9]{1,2}(?:st|nd|rd|th|日)", lambda written: int(written.rstrip("stndrhSTNDRH日"))),
    "DD": _Token("day", "[0-9]{2}"),
    "D": _Token("day", "[0-9]{1,2}"),
    "DDDD": _Token("day of year", "[0-9]{3}"),
    "DDD": _Token("day of year", "[0-9]{1,3}"),
    "dddd": _named(
        "weekday", ENGLISH_WEEKDAYS, [f"{day}曜日" for day in _JAPANESE_DAYS], *_in_front("星期", of=_CHINESE_DAYS)
    ),
    "ddd": _named("weekday", _short(ENGLISH_WEEKDAYS, 3), _JAPANESE_DAYS, *_in_front("周", "週", of=_CHINESE_DAYS)),
    "dd": _named("weekday", _short(ENGLISH_WEEKDAYS, 2), _JAPANESE_DAYS, _CHINESE_DAYS),
    "E": _Token("weekday", "[1-7]"),
    "e": _Token("weekday", "[0-6]", lambda digit: int(digit) or 7),
    "w": _Token("week", "[0-9]{1,2}"),
    "ww": _Token("week", "[0-9]{2}"),
    "gggg": _Token("week year", "[0-9]{4}"),
    "gg": _Token("week year", "[0-9]{2}", lambda digits: int(digits) + 2000),
    "W": _Token("ISO week", "[0-9]{1,2}"),
    "WW": _Token("ISO week", "[0-9]{2}"),
    "GGGG": _Token("ISO year", "[0-9]{4}"),
    "GG": _Token("ISO year", "[0-9]{2}", lambda digits: int(digits) + 2000),
    # Notes named by the minute are notes of the day.
    **dict.fromkeys(("HH", "hh", "mm", "ss"), _Token("", "[0-9]{2}")),
}


@dataclass(frozen=True, slots=True)
class _Format:
    pattern: re.Pattern[str]
    tokens: tuple[_Token, ...]  #: one for each group

    def parse(self, text: str) -> date | None:
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        said: dict[str, int] = {}
        for token, written in zip(self.tokens, match.groups(), strict=True):
            value = token.value(written)
            if token.field and said.setdefault(token.field, value) != value:
                return None
        try:
            day = _day(said)
        except (ValueError, OverflowError):
            return None
        return day if day and said.get("weekday", day.isoweekday()) == day.isoweekday() else None


@lru_cache(maxsize=32)
def _compile(moment_format: str) -> _Format | None:
    """None for a format with a token that is not known here."""
    if len(moment_format) > _LONGEST_FORMAT:
        return None
    parts: list[str] = []
    tokens: list[_Token] = []
    for piece in _PIECE.finditer(unicodedata.normalize("NFC", moment_format)):
        written = piece["token"]
        if written is None or piece["escape"]:
            parts.append(re.escape(piece["words"] or written or piece["other"] or ""))
        elif written in _TOKENS:
            tokens.append(_TOKENS[written])
            # Atomic: giving characters back would take for ever in a format like MDMDMD.
            parts.append(f"((?>{_TOKENS[written].pattern}))")
        else:
            return None
    # In ASCII, or "ſ" would count as an "s" that no name has.
    return _Format(re.compile("".join(parts), re.IGNORECASE | re.ASCII), tuple(tokens))


def _day(said: Mapping[str, int]) -> date | None:
    """The day, from the most exact way in which it was said. Raises ValueError when there is no such day."""
    year = said.get("year")
    iso_year = said.get("ISO year", year or said.get("week year"))
    week_year = said.get("week year", year)
    if year and "month" in said:
        return date(year, said["month"], said.get("day", 1))
    if "day" in said:
        return None
    if year and "day of year" in said:
        day = date(year, 1, 1) + timedelta(days=said["day of year"] - 1)
        return day if day.year == year else None
    if iso_year and "ISO week" in said:
        return date.fromisocalendar(iso_year, said["ISO week"], said.get("weekday", 1))
    if week_year and "week" in said:
        new_year = date(week_year, 1, 1)
        sunday = new_year + timedelta(days=7 * (said["week"] - 1) - new_year.isoweekday() % 7)
        saturday = sunday + timedelta(days=6)
        return sunday + timedelta(days=said.get("weekday", 1) % 7) if saturday.year == week_year else None
    if year:
        return date(year, 3 * said.get("quarter", 1) - 2, 1)
    return None
