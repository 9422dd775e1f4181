"""Daily notes are named in Moment.js's own way."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.vault.moment import parse_moment

# What Moment.js 2.30 writes for Sunday, the 2nd of March 2025, in English, Japanese and Chinese.
WRITTEN = [
    ("YYYY-MM-DD", "2025-03-02"),
    ("YYYYMMDD", "20250302"),
    ("YY.M.D", "25.3.2"),
    ("YYYY/MM/YYYY-MM-DD", "2025/03/2025-03-02"),
    ("YYYY/MM-MMMM/YYYY-MM-DD-dddd", "2025/03-March/2025-03-02-Sunday"),
    ("dddd, MMMM Do YYYY", "Sunday, March 2nd 2025"),
    ("dddd, MMMM Do YYYY", "sunday, MARCH 2ND 2025"),
    ("ddd D MMM YY", "Sun 2 Mar 25"),
    ("dd DD MMM YYYY", "Su 02 Mar 2025"),
    ("YYYY-DDDD", "2025-061"),
    ("YYYY DDD", "2025 61"),
    ("gggg-[W]ww dddd", "2025-W10 Sunday"),
    ("gg-w-e", "25-10-0"),
    ("GGGG-[W]WW-E", "2025-W09-7"),
    ("GG W ddd", "25 9 Sun"),
    ("[Q]Q YYYY-MM-DD", "Q1 2025-03-02"),
    ("[Day] YYYY_MM_DD [of [the] year]", "Day 2025_03_02 [of the] year"),
    ("YYYY[年]M[月]D[日]", "2025年3月2日"),
    ("YYYY[年]MMMDo dddd", "2025年3月2日 日曜日"),
    ("YYYY-MM-DD (ddd)", "2025-03-02 (日)"),
    ("YYYY[年]MMMMDo dddd", "2025年三月2日 星期日"),
    ("YYYY MMM D ddd", "2025 3月 2 周日"),
    ("YYYY MMM D ddd", "2025 3月 2 週日"),
    ("YYYY-MM-DD dd", "2025-03-02 日"),
    ("YYYY-MM-DD HHmmss", "2025-03-02 235959"),
]


@pytest.mark.parametrize(("moment_format", "text"), WRITTEN)
def test_what_moment_writes_is_read(moment_format: str, text: str) -> None:
    assert parse_moment(moment_format, text) == date(2025, 3, 2)


@pytest.mark.parametrize(
    ("moment_format", "text", "day"),
    [
        ("gggg-[W]ww", "2025-W10", date(2025, 3, 3)),
        ("gggg-[W]ww", "2021-W01", date(2020, 12, 28)),
        ("GGGG-[W]WW", "2025-W10", date(2025, 3, 3)),
        ("YYYY-[W]WW", "2021-W01", date(2021, 1, 4)),
        ("YYYY-MM", "2025-03", date(2025, 3, 1)),
        ("YYYY-[Q]Q", "2025-Q3", date(2025, 7, 1)),
        ("YYYY", "2025", date(2025, 1, 1)),
    ],
)
def test_a_week_is_its_monday_and_a_month_its_first_day(moment_format: str, text: str, day: date) -> None:
    assert parse_moment(moment_format, text) == day


@pytest.mark.parametrize(
    ("moment_format", "text"),
    [
        ("YYYY-MM-DD", "2025-02-30"),
        ("YYYY-MM-DD", "2025-13-01"),
        ("YYYY-MM-DD", "0000-01-01"),
        ("YYYY-MM-DD", "2025-3-2"),
        ("YYYY-MM-DD", "2025-03-02 Sunday"),
        ("YYYY-MM-DD", " 2025-03-02"),
        ("YYYY-MM-DD", "２０２５-０３-０２"),
        ("YYYY-MM-DD", ""),
        ("YYYY-MM-DD dddd", "2025-03-02 Monday"),
        ("YYYY-MM-DD dddd", "2025-03-02 Friſday"),
        ("YYYY/MM/YYYY-MM-DD", "2025/04/2025-03-02"),
        ("YYYY-DDDD", "2025-366"),
        ("GGGG-[W]WW", "2025-W53"),
        ("gggg-[W]ww", "2025-W60"),
        ("YYYY [Day] D", "2025 Day 2"),
        ("MM-DD", "03-02"),
        ("[daily]", "daily"),
        ("", ""),
    ],
)
def test_what_names_no_day_of_the_format_is_none(moment_format: str, text: str) -> None:
    assert parse_moment(moment_format, text) is None


@pytest.mark.parametrize("moment_format", ["YYYY-MM-DD A", "LL", "Journal YYYY", "YYYY-MM-DD" * 100])
def test_a_format_that_is_not_understood_is_given_up_for_the_iso_date(moment_format: str) -> None:
    assert parse_moment(moment_format, "Log of 2025-03-02 AM") == date(2025, 3, 2)
    assert parse_moment(moment_format, "Log of 2025-02-30, 2025-03-02") == date(2025, 3, 2)
    assert parse_moment(moment_format, "12025-03-02, 2025-03-021") is None


def test_a_name_from_a_mac_is_read() -> None:
    """Macs take letters apart: か and a mark in place of が."""
    assert parse_moment("[日が] YYYY-MM-DD", unicodedata.normalize("NFD", "日が 2025-03-02")) == date(2025, 3, 2)


# ── any day and any format ─────────────────────────────────────────────────────────────────────────────────────

MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
HAN_MONTHS = "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月".split()

WRITERS: dict[str, Callable[[date], str]] = {
    "YYYY-MM-DD": date.isoformat,
    "YYYY/MM/DD": lambda day: f"{day:%Y/%m/%d}",
    "D.M.YYYY": lambda day: f"{day.day}.{day.month}.{day.year:04}",
    "YYYY-DDDD": lambda day: f"{day:%Y-%j}",
    "dddd, D MMMM YYYY": lambda day: f"{DAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1]} {day.year:04}",
    "ddd D MMM YYYY": lambda day: f"{DAYS[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1][:3]} {day.year:04}",
    "YYYY[年]M[月]D[日] ddd": lambda day: f"{day.year:04}年{day.month}月{day.day}日 {'月火水木金土日'[day.weekday()]}",
    "YYYY MMMMD dddd": lambda day: (
        f"{day.year:04} {HAN_MONTHS[day.month - 1]}{day.day} 星期{'一二三四五六日'[day.weekday()]}"
    ),
    "GGGG-[W]WW-E": lambda day: "{:04}-W{:02}-{}".format(*day.isocalendar()),
    "[x] YYYY [YYYY] MMDD": lambda day: f"x {day.year:04} YYYY {day:%m%d}",
}


@given(st.sampled_from(sorted(WRITERS)), st.dates(min_value=date(1000, 1, 4), max_value=date(9999, 12, 25)))
def test_what_is_written_in_a_format_is_read_by_it(moment_format: str, day: date) -> None:
    assert parse_moment(moment_format, WRITERS[moment_format](day)) == day


TOKENS = (
    "YYYY YY Y Q MMMM MMM MM M Do DD D DDDD DDD dddd ddd dd E e w ww W WW gggg GGGG gg GG HH [ ] \\ / - x 5".split()
)
formats = st.lists(st.sampled_from(TOKENS), max_size=8).map("".join) | st.text(max_size=30)
texts = st.from_regex(r"[0-9W/月日一Mondayst -]{0,20}") | st.text(max_size=30)


@given(formats, texts)
def test_no_format_and_no_name_is_too_strange(moment_format: str, text: str) -> None:
    day = parse_moment(moment_format, text)

    assert day is None or isinstance(day, date)


@pytest.mark.parametrize("moment_format", ["MD" * 100, "M" * 200, "YYYY" + "DDD" * 60, "[x" * 100, "YYYY-MM-DD", "LT"])
@pytest.mark.parametrize("text", ["1" * 100_000, "2025-" * 20_000, "5月" * 50_000])
def test_a_long_name_is_read_in_passing(moment_format: str, text: str) -> None:
    """Anything worse than linear would run into the time limit of the tests."""
    assert parse_moment(moment_format, text) is None
