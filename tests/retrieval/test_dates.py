"""Plain words for stretches of time, in three languages. Today is Friday, the 20th of November 2026."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.errors import InvalidRequest
from vaultbot.retrieval.dates import Period, find_period, parse_period

TODAY = date(2026, 11, 20)


def found(text: str, today: date = TODAY) -> str | None:
    """The stretch that a text speaks of: "2026-11-09..2026-11-15", "2026-11-09.." when it is open, or one day."""
    period = find_period(text, today=today)
    return written(period.period) if period else None


def written(period: Period) -> str:
    if period.first == period.last:
        return str(period.first)
    return f"{period.first or ''}..{period.last or ''}"


def words(text: str) -> str:
    period = find_period(text, today=TODAY)
    assert period is not None
    return text[period.start : period.end]


# ── counted from today ─────────────────────────────────────────────────────────────────────────────────────────

ENGLISH = {
    "what did I do today": "2026-11-20",
    "Yesterday's notes": "2026-11-19",
    "the day before yesterday": "2026-11-18",
    "3 days ago": "2026-11-17",
    "a day ago": "2026-11-19",
    "a week ago": "2026-11-09..2026-11-15",
    "two weeks ago": "2026-11-02..2026-11-08",
    "twelve months ago": "2025-11-01..2025-11-30",
    "2 years ago": "2024-01-01..2024-12-31",
    "this week": "2026-11-16..2026-11-22",
    "what did I decide last week?": "2026-11-09..2026-11-15",
    "the week before last": "2026-11-02..2026-11-08",
    "this month": "2026-11-01..2026-11-30",
    "LAST  MONTH": "2026-10-01..2026-10-31",
    "this year": "2026-01-01..2026-12-31",
    "last year's plan": "2025-01-01..2025-12-31",
    "last weekend": "2026-11-14..2026-11-15",
    "this weekend": "2026-11-21..2026-11-22",
    "last Monday": "2026-11-16",
    "last friday": "2026-11-13",
    "this Friday": "2026-11-20",
    "the past week": "2026-11-13..2026-11-20",
    "in the last week": "2026-11-13..2026-11-20",
    "past 3 days": "2026-11-17..2026-11-20",
    "over the last 30 days": "2026-10-21..2026-11-20",
    "the past two months": "2026-09-20..2026-11-20",
    "since yesterday": "2026-11-19..",
    "since last week": "2026-11-09..",
    "before last month": "..2026-09-30",
    "from last week to yesterday": "2026-11-09..2026-11-19",
}
JAPANESE = {
    "今日のメモ": "2026-11-20",
    "昨日何を書いた": "2026-11-19",
    "私はきのう何を書いた": "2026-11-19",
    "昨日本を読んだ": "2026-11-19",
    "一昨日": "2026-11-18",
    "おとといの会議": "2026-11-18",
    "今週の予定": "2026-11-16..2026-11-22",
    "先週の会議で何を決めた": "2026-11-09..2026-11-15",
    "先週の金曜日に": "2026-11-13",
    "今週三回目": "2026-11-16..2026-11-22",
    "先週末": "2026-11-14..2026-11-15",
    "先々週": "2026-11-02..2026-11-08",
    "今月": "2026-11-01..2026-11-30",
    "先月の読書": "2026-10-01..2026-10-31",
    "先月5日": "2026-10-05",
    "先々月": "2026-09-01..2026-09-30",
    "今年": "2026-01-01..2026-12-31",
    "去年": "2025-01-01..2025-12-31",
    "昨年の目標": "2025-01-01..2025-12-31",
    "一昨年": "2024-01-01..2024-12-31",
    "3日前": "2026-11-17",
    "３日前のメモ": "2026-11-17",
    "2週間前": "2026-11-02..2026-11-08",
    "三か月前": "2026-08-01..2026-08-31",
    "3ヶ月前": "2026-08-01..2026-08-31",
    "3カ月前": "2026-08-01..2026-08-31",
    "3箇月前": "2026-08-01..2026-08-31",
    "十二年前": "2014-01-01..2014-12-31",
    "過去7日": "2026-11-13..2026-11-20",
    "過去2週間": "2026-11-06..2026-11-20",
    "過去3か月の支出": "2026-08-20..2026-11-20",
    "昨日から": "2026-11-19..",
    "先月まで": "..2026-10-31",
    "昨日から揚げを作った": "2026-11-19",
}
CHINESE = {
    "今天写了什么": "2026-11-20",
    "昨天的会议": "2026-11-19",
    "前天": "2026-11-18",
    "大前天": "2026-11-17",
    "本周": "2026-11-16..2026-11-22",
    "这周": "2026-11-16..2026-11-22",
    "这个星期": "2026-11-16..2026-11-22",
    "這週": "2026-11-16..2026-11-22",
    "上周开会说了什么": "2026-11-09..2026-11-15",
    "上週": "2026-11-09..2026-11-15",
    "上星期": "2026-11-09..2026-11-15",
    "上个星期": "2026-11-09..2026-11-15",
    "上個禮拜": "2026-11-09..2026-11-15",
    "上礼拜": "2026-11-09..2026-11-15",
    "上上周": "2026-11-02..2026-11-08",
    "上周五": "2026-11-13",
    "上個星期三": "2026-11-11",
    "上周五个会议": "2026-11-09..2026-11-15",
    "上周一直下雨": "2026-11-09..2026-11-15",
    "上周末": "2026-11-14..2026-11-15",
    "本月": "2026-11-01..2026-11-30",
    "这个月": "2026-11-01..2026-11-30",
    "上月": "2026-10-01..2026-10-31",
    "上个月": "2026-10-01..2026-10-31",
    "上個月5號": "2026-10-05",
    "去年": "2025-01-01..2025-12-31",
    "前年": "2024-01-01..2024-12-31",
    "3天前": "2026-11-17",
    "两周前": "2026-11-02..2026-11-08",
    "三个月前": "2026-08-01..2026-08-31",
    "三個月前": "2026-08-01..2026-08-31",
    "五年前": "2021-01-01..2021-12-31",
    "过去3天": "2026-11-17..2026-11-20",
    "最近一个月": "2026-10-20..2026-11-20",
    "最近三十天": "2026-10-21..2026-11-20",
    "上周以来": "2026-11-09..",
    "昨天之前": "..2026-11-18",
    "去年到现在": "2025-01-01..",
}


@pytest.mark.parametrize(("text", "days"), [*ENGLISH.items(), *JAPANESE.items(), *CHINESE.items()])
def test_words_count_from_today(text: str, days: str) -> None:
    period = find_period(text, today=TODAY)

    assert period is not None
    assert written(period.period) == days
    assert period.relative


# ── dates ──────────────────────────────────────────────────────────────────────────────────────────────────────

DATES = {
    "in March": "2026-03-01..2026-03-31",
    "in december": "2025-12-01..2025-12-31",
    "in November": "2026-11-01..2026-11-30",
    "last March": "2026-03-01..2026-03-31",
    "last November": "2025-11-01..2025-11-30",
    "this November": "2026-11-01..2026-11-30",
    "during Sept.": "2026-09-01..2026-09-30",
    "since March": "2026-03-01..",
    "before March": "..2026-02-28",
    "the end of April": "2026-04-01..2026-04-30",
    "March 2025": "2025-03-01..2025-03-31",
    "in March 2025": "2025-03-01..2025-03-31",
    "March of last year": "2025-03-01..2025-03-31",
    "on March 5": "2026-03-05",
    "on Dec 24th": "2025-12-24",
    "March 5, 2025": "2025-03-05",
    "5 March 2025": "2025-03-05",
    "the 5th of March, 2025": "2025-03-05",
    "on 5 March": "2026-03-05",
    "2025-03-14": "2025-03-14",
    "2025/3/14": "2025-03-14",
    "notes of 2025-03": "2025-03-01..2025-03-31",
    "in 2024": "2024-01-01..2024-12-31",
    "since 2019": "2019-01-01..",
    "after March 2025": "2025-04-01..",
    "until 2024-03-05": "..2024-03-05",
    "from March 5 to March 9": "2026-03-05..2026-03-09",
    "between March 5 and March 9, 2024": "2024-03-05..2024-03-09",
    "from November 2024 to January 2025": "2024-11-01..2025-01-31",
    "3月": "2026-03-01..2026-03-31",
    "12月に": "2025-12-01..2025-12-31",
    "三月份": "2026-03-01..2026-03-31",
    "十二月": "2025-12-01..2025-12-31",
    "2024年": "2024-01-01..2024-12-31",
    "2024年3月": "2024-03-01..2024-03-31",
    "2024年３月１５日": "2024-03-15",
    "3月5日": "2026-03-05",
    "3月5号": "2026-03-05",
    "三月十五號": "2026-03-15",
    "去年3月": "2025-03-01..2025-03-31",
    "昨年の12月25日": "2025-12-25",
    "2024年3月から": "2024-03-01..",
    "3月以降": "2026-03-01..",
    "3月5日前": "..2026-03-04",
    "从3月开始": "2026-03-01..",
    "3月から5月まで": "2026-03-01..2026-05-31",
    "2024年1月到3月": "2024-01-01..2024-03-31",
    "2024年11月到2月": "2024-11-01..2025-02-28",
    "2024年1月1日から12月31日": "2024-01-01..2024-12-31",
}


@pytest.mark.parametrize(("text", "days"), DATES.items())
def test_dates_are_dates_whatever_day_it_is(text: str, days: str) -> None:
    period = find_period(text, today=TODAY)

    assert period is not None
    assert written(period.period) == days
    assert not period.relative


def test_a_month_without_its_year_is_the_last_one_that_has_begun() -> None:
    assert found("in March", date(2026, 2, 28)) == "2025-03-01..2025-03-31"
    assert found("in March", date(2026, 3, 1)) == "2026-03-01..2026-03-31"
    assert found("last March", date(2026, 3, 31)) == "2025-03-01..2025-03-31"


def test_weeks_begin_on_monday() -> None:
    assert found("last week", date(2026, 11, 16)) == "2026-11-09..2026-11-15"
    assert found("last week", date(2026, 11, 15)) == "2026-11-02..2026-11-08"
    assert found("last weekend", date(2026, 11, 15)) == "2026-11-07..2026-11-08"
    assert found("先週の日曜日", date(2026, 11, 16)) == "2026-11-15"


def test_a_month_before_the_31st_ends_where_the_month_ends() -> None:
    assert found("past month", date(2026, 3, 31)) == "2026-02-28..2026-03-31"
    assert found("last month", date(2026, 3, 31)) == "2026-02-01..2026-02-28"
    assert found("past year", date(2024, 2, 29)) == "2023-02-28..2024-02-29"


# ── what is no date ────────────────────────────────────────────────────────────────────────────────────────────

NOTHING = """
what may I do
May I ask
this may be wrong
she may march
the march on Rome
marching in step
the March family
in March's light
in June 1755
on March 17, 1752
wait a second
the second of two
next week
bare 2024
in the 1990s
March 50
March 0
2025-03-00
3月0日
February 30
2025-13-01
2025-02-30
CVE-2025-03
notes/2025-03-14.md
version 1.2025-03
22,000 years ago
more than 2 years ago
9999 years ago
March 5-9
from March 5 to Easter
from November to January
yesterdays
至今日本では
2024年度
今年度の予算
第3月曜日
毎年3月
24年3月
五月雨
6~8月
35,000年前
前年より
几天前
目前天气
马上周末
早上周会
上周期
本周期
过去年份
十月革命
一百三天前
十十日前
""".strip().splitlines()


@pytest.mark.parametrize("text", NOTHING)
def test_words_that_say_no_time_that_is_understood_are_left_alone(text: str) -> None:
    assert found(text) is None


def test_without_any_date_there_is_none() -> None:
    assert found("") is None
    assert found("what is quantization?") is None
    assert found("量子化とは何ですか") is None


# ── which words ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what did I decide last week about bread", "last week"),
        ("notes in March 2025 about bread", "in March 2025"),
        ("in the past two weeks I read", "in the past two weeks"),
        ("last week and this week", "last week"),
        ("先週の会議", "先週"),
        ("２０２４年３月のメモ", "２０２４年３月"),
        ("3月から5月までの支出", "3月から5月まで"),
        ("Yesterday's bread", "Yesterday"),
    ],
)
def test_the_words_are_told_that_speak_of_time(text: str, expected: str) -> None:
    assert words(text) == expected


def test_the_first_words_count_and_the_longest_of_them() -> None:
    assert words("before March 5, 2025 and after 2024") == "before March 5, 2025"
    assert words("the day before yesterday") == "the day before yesterday"
    assert words("一昨日と昨日") == "一昨日"


# ── operators ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "days"),
    [
        ("2025", "2025-01-01..2025-12-31"),
        ("1850", "1850-01-01..1850-12-31"),
        ("2025-03", "2025-03-01..2025-03-31"),
        ("2025/3", "2025-03-01..2025-03-31"),
        ("2025-03-14", "2025-03-14"),
        ("2025/03/14", "2025-03-14"),
        ("9999-12-31", "9999-12-31"),
        (" yesterday ", "2026-11-19"),
        ("last month", "2026-10-01..2026-10-31"),
        ("March", "2026-03-01..2026-03-31"),
        ("may", "2026-05-01..2026-05-31"),
        ("March 2025", "2025-03-01..2025-03-31"),
        ("昨日", "2026-11-19"),
        ("上周", "2026-11-09..2026-11-15"),
        ("2024年3月", "2024-03-01..2024-03-31"),
    ],
)
def test_an_operator_takes_dates_and_plain_words(value: str, days: str) -> None:
    assert written(parse_period(value, today=TODAY)) == days


@pytest.mark.parametrize(
    "value",
    ["", "soon", "0000", "2025-00", "2025-03-00", "2025-13", "2025-02-30", "last week or so", "since March", "x" * 999],
)
def test_an_operator_that_gets_no_date_says_what_is_allowed(value: str) -> None:
    with pytest.raises(InvalidRequest, match=r"2025-03-14.*yesterday.*昨日") as caught:
        parse_period(value, today=TODAY)
    assert len(str(caught.value)) < 250


# ── any text at all ────────────────────────────────────────────────────────────────────────────────────────────

PIECES = [
    *("since ", "from ", " to ", "in ", "last ", "may ", "March ", "week", "3 ", "2025", "-03", "/14", " ago", ", "),
    *(
        "先",
        "週",
        "上",
        "个",
        "月",
        "日",
        "年",
        "前",
        "から",
        "三",
        "十",
        "末",
        "の",
        "３",
        "過去",
        "天",
        "\U0001f600",
        "\udc80",
    ),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=60), st.dates())
def test_no_text_on_any_day_is_too_much(text: str, today: date) -> None:
    period = find_period(text, today=today)
    if period is None:
        return
    first, last = period.period.first, period.period.last
    assert 0 <= period.start < period.end <= len(text)
    assert first or last
    assert not (first and last) or first <= last
    with suppress(InvalidRequest):
        parse_period(text, today=today)


@pytest.mark.parametrize(
    "piece", ["last ", "in ", " ", "9", "三", "上", "2024年", "march 5 - ", "99999 years ago ", "3月から"]
)
def test_a_long_text_is_read_in_passing(piece: str) -> None:
    """Anything worse than linear would run into the time limit of the tests."""
    find_period(piece * (100_000 // len(piece)), today=TODAY)
