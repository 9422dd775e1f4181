"""Japanese and Chinese words for stretches of time.

No space tells where a word ends, so each says which characters would make it part of another: 目前天气 has no 前天 in
it, 上周期 no 上周, 至今日本 no 今日.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from vaultbot.retrieval.periods import Days, Rule, Unit, back, days_of_week, whole, written

_NUMERALS = {digit: number for number, digit in enumerate("一二三四五六七八九", 1)} | {"两": 2, "兩": 2}
_NUMBER = "[0-9]{1,3}|[一二三四五六七八九十两兩]{1,3}"
_NUMBER_STARTS = "(?<![0-9一二三四五六七八九十百千万萬两兩第年月])(?<![0-9][-~〜～–—・,.])"
_UNIT = "(?P<unit>日間?|天|週間|[周週]|[个個]?(?:星期|礼拜|禮拜)|[かヶケカヵ箇个個]月間?|年間?)"
_YEAR = "(?P<year>(?:19|20)[0-9]{2})年"
_ZH_WEEK = "(?:[周週](?![期围圍边邊])|星期|礼拜|禮拜)"
_ZH_THIS = "(?:(?<![日基根样樣成])本|[这這][个個]?)"
_ZH_LAST = "(?<![马馬早晚海江天水])上"

#: word: how many days, weeks, … before this one.
_DAYS: Mapping[str, int] = {
    "今日(?!本)|今天": 0,
    "昨日|きのう(?!ち)|昨天": 1,
    "一昨日|おととい|(?<![以之目眼午生提天日年月周週])前天(?![气氣天空然才])": 2,
    "大前天": 3,
}
_JA_WEEKS: Mapping[str, int] = {"今週": 0, "先週": 1, "先[々先]週": 2}
_ZH_WEEKS: Mapping[str, int] = {
    f"{_ZH_THIS}{_ZH_WEEK}": 0,
    f"{_ZH_LAST}[个個]?{_ZH_WEEK}": 1,
    f"{_ZH_LAST}上[个個]?{_ZH_WEEK}": 2,
}
_MONTHS: Mapping[str, int] = {
    f"今月|{_ZH_THIS}月(?![饼餅])": 0,
    f"先月|{_ZH_LAST}(?:[个個]月|月(?![亮光球饼餅]))": 1,
    f"先[々先]月|{_ZH_LAST}上[个個]?月": 2,
}
_YEARS: Mapping[str, int] = {
    "今年(?!度)": 0,
    "(?<![过過])去年|昨年(?!度)": 1,
    "一昨年|おととし|前年(?![比度同ぁ-ん])": 2,
}

# Behind a week: "の金曜日", 五 for Friday, 末 for the weekend. A number of things is no day: 上周五个会议, 上周一直.
_WEEKEND = "(?P<end>の?週?末)"
_JA_DAY = f"(?:の?(?P<weekday>[月火水木金土日])曜日?|{_WEEKEND})?"
_ZH_DAY = (
    "(?:(?P<weekday>[一二三四五六日天])(?![直个個次回共起些样樣般下同家位人名天气氣津空年周週点點份篇章条條种種件本程期报報记記常])"
    f"|{_WEEKEND})?"
)
_DAY_OF_MONTH = f"(?:[の的]?(?P<day>{_NUMBER})[日号號](?![間间]))?"
_MONTH = f"(?P<month>{_NUMBER})月(?:份|(?P<day>{_NUMBER})[日号號])?(?![曜球亮光雨晴病間间兔革])"


def _rules() -> Iterator[Rule]:
    yield from (_counted(words, "day", count) for words, count in _DAYS.items())
    yield from (_counted(words, "week", count, _JA_DAY) for words, count in _JA_WEEKS.items())
    yield from (_counted(words, "week", count, _ZH_DAY) for words, count in _ZH_WEEKS.items())
    yield from (_counted(words, "month", count, _DAY_OF_MONTH) for words, count in _MONTHS.items())
    yield from (_counted(words, "year", count) for words, count in _YEARS.items())
    yield from (_month_of_year(words, count) for words, count in _YEARS.items())
    yield Rule("today", re.compile(f"{_NUMBER_STARTS}(?P<count>{_NUMBER}){_UNIT}之?前(?![半后後期])"), _ago)
    yield Rule(
        "today",
        re.compile(f"(?:过去|過去|最近|直近|(?<![附接靠])近|ここ)[の的]?(?P<count>{_NUMBER}){_UNIT}(?!前)"),
        _up_to_today,
    )
    yield Rule("calendar", re.compile(f"(?<![0-9]){_YEAR}[の的]?{_MONTH}"), _date)
    yield Rule("calendar", re.compile(f"(?<![0-9]){_YEAR}(?![0-9度代間间目])"), _date)
    yield Rule("recent", re.compile(f"{_NUMBER_STARTS}{_MONTH}"), _date)


def _counted(words: str, unit: Unit, count: int, behind: str = "") -> Rule:
    def build(match: re.Match[str], today: date) -> Days:
        day, said = back(today, count, unit), match.groupdict()
        if said.get("end"):
            return days_of_week(day, 5, 6)
        if said.get("weekday"):
            place = max("月火水木金土日".find(said["weekday"]), "一二三四五六天".find(said["weekday"]))
            return days_of_week(day, place, place)
        if said.get("day"):
            return written(day.year, day.month, _number(said["day"]), today)
        return whole(unit, day)

    return Rule("today", re.compile(f"(?:{words}){behind}"), build)


def _month_of_year(words: str, count: int) -> Rule:
    def build(match: re.Match[str], today: date) -> Days:
        day = match["day"]
        return written(today.year - count, _number(match["month"]), _number(day) if day else None, today)

    return Rule("calendar", re.compile(f"(?:{words})[の的]?{_MONTH}"), build)


def _ago(match: re.Match[str], today: date) -> Days:
    unit = _unit(match["unit"])
    return whole(unit, back(today, _number(match["count"]), unit))


def _up_to_today(match: re.Match[str], today: date) -> Days:
    return Days(back(today, _number(match["count"]), _unit(match["unit"])), today)


def _date(match: re.Match[str], today: date) -> Days:
    said = match.groupdict()
    year = int(said["year"]) if said.get("year") else None
    if year and not said.get("month"):
        return whole("year", date(year, 1, 1))
    return written(year, _number(said["month"]), _number(said["day"]) if said["day"] else None, today)


def _unit(written_as: str) -> Unit:
    if "月" in written_as:
        return "month"
    if "年" in written_as:
        return "year"
    return "day" if written_as[0] in "日天" else "week"


def _number(written_as: str) -> int:
    """Up to 99. Raises ValueError for numerals that are no number."""
    if written_as.isdecimal():
        return int(written_as)
    tens, ten, ones = written_as.rpartition("十")
    try:
        return (10 * _NUMERALS[tens or "一"] if ten else 0) + (_NUMERALS[ones] if ones else 0)
    except KeyError as error:
        raise ValueError(written_as) from error


RULES = tuple(_rules())
