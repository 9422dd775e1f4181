"""The day that a note is about."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.types import JsonValue
from vaultbot.vault.dates import is_daily_name, note_date
from vaultbot.vault.obsidian import ObsidianSettings

PLAIN = ObsidianSettings()
JOURNAL = ObsidianSettings(daily_folder="Journal", daily_format="YYYY/MM/DD dddd")
THE_DAY = date(2025, 3, 2)


def test_a_daily_note_is_of_its_day() -> None:
    assert note_date("2025-03-02.md", {}, PLAIN) == THE_DAY
    assert note_date("Journal/2025/03/02 Sunday.md", {}, JOURNAL) == THE_DAY
    assert note_date("journal/2025/03/02 sunday.MD", {}, JOURNAL) == THE_DAY


@pytest.mark.parametrize(
    "path",
    ["2025/03/02 Sunday.md", "Other/2025/03/02 Sunday.md", "Journal/2025/03/02 Monday.md", "Journal/2025/03/32.md"],
)
def test_another_folder_or_day_is_no_daily_note(path: str) -> None:
    assert note_date(path, {}, JOURNAL) is None


def test_a_folder_may_have_several_names() -> None:
    deep = ObsidianSettings(daily_folder="Straße/Über", daily_format="DD.MM.YYYY")

    assert note_date("STRASSE/u\u0308ber/02.03.2025.md", {}, deep) == THE_DAY


def test_a_date_in_the_name_counts_wherever_the_note_is() -> None:
    assert note_date("Meetings/2025-03-02 Budget.md", {}, JOURNAL) == THE_DAY
    assert note_date("Meetings/Budget (2025-03-02).md", {"date": "2020-01-01"}, JOURNAL) == THE_DAY
    assert note_date("Meetings/2025-02-30 and 2025-03-02.md", {}, PLAIN) == THE_DAY


@pytest.mark.parametrize(
    "path", ["12025-03-02.md", "2025-03-021.md", "2025-3-2.md", "2025-02-30.md", "2025-03-02/Note.md"]
)
def test_other_numbers_are_no_date(path: str) -> None:
    assert note_date(path, {}, PLAIN) is None


@pytest.mark.parametrize(
    "value",
    [
        "2025-03-02",
        "2025-03-02T10:00:00Z",
        "2025-03-02 10:00",
        "2025/03/02",
        "2025/3/2",
        "[[2025-03-02]]",
        " 2025-03-02",
    ],
)
def test_a_property_tells_the_day(value: str) -> None:
    assert note_date("Note.md", {"date": value}, PLAIN) == THE_DAY
    assert note_date("Note.md", {"Created": value}, PLAIN) == THE_DAY


def test_date_comes_before_created_and_the_name_before_both() -> None:
    properties: dict[str, JsonValue] = {"created": "2020-01-01", "DATE": "2025-03-02"}

    assert note_date("Note.md", properties, PLAIN) == THE_DAY
    assert note_date("2024-12-31.md", properties, PLAIN) == date(2024, 12, 31)


@pytest.mark.parametrize(
    "value", ["soon", "", "2025", "2025-03", "2025-02-30", "2025-03/02", "2025-03-021", 20250302, None, []]
)
def test_a_property_that_is_no_day_tells_none(value: JsonValue) -> None:
    assert note_date("Note.md", {"date": value}, PLAIN) is None
    assert note_date("Note.md", {"date": value, "created": "2025-03-02"}, PLAIN) == THE_DAY


def test_a_note_that_says_nothing_of_its_day_has_none() -> None:
    assert note_date("Note.md", {"modified": "2025-03-02"}, PLAIN) is None


@pytest.mark.parametrize(
    "linkpath",
    [
        "2025-03-02",
        "Days/2025-03-02",
        "2025-03-02.md",
        "Journal/2025/03/02 Sunday",
        "/Journal/2025/03/02 Sunday",
        "2025/03/02 Sunday",
    ],
)
def test_a_link_to_a_day_is_told_from_others(linkpath: str) -> None:
    assert is_daily_name(linkpath, JOURNAL)


def test_a_day_may_be_linked_by_its_name_alone() -> None:
    assert is_daily_name("02.03.2025", ObsidianSettings(daily_format="YYYY/DD.MM.YYYY"))


@pytest.mark.parametrize(
    "linkpath", ["", "Note", "2025-03-02 Budget", "2025-02-30", "2025", "02 Sunday", "2025-03-02/Note"]
)
def test_a_link_to_anything_else_is_not(linkpath: str) -> None:
    assert not is_daily_name(linkpath, JOURNAL)


texts = st.text(max_size=20) | st.from_regex(r"(Journal/)?[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}( Sunday)?(\.md)?")


@given(texts, st.dictionaries(st.sampled_from(["date", "Created", "x"]), texts), texts)
def test_no_name_and_no_property_is_too_strange(path: str, properties: dict[str, JsonValue], folder: str) -> None:
    for settings in (PLAIN, JOURNAL, ObsidianSettings(daily_folder=folder, daily_format=path)):
        found = note_date(path, properties, settings)
        assert found is None or isinstance(found, date)
        assert is_daily_name(path, settings) in (True, False)
