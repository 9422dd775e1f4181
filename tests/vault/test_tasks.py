"""The tasks of a note."""

from __future__ import annotations

from datetime import date

import pytest

from vaultbot.vault.markdown import parse_note
from vaultbot.vault.tasks import Task, find_tasks


def tasks(text: str) -> list[Task]:
    return list(find_tasks(parse_note("Note.md", text)))


def task(line: str) -> Task:
    (found,) = tasks(line)
    return found


@pytest.mark.parametrize(
    ("line", "state", "done"),
    [
        ("- [ ] a", " ", False),
        ("- [x] a", "x", True),
        ("* [X] a", "X", True),
        ("+ [-] a", "-", True),
        ("1. [/] a", "/", True),
        ("23) [?] a", "?", True),
        ("- [🔥] a", "🔥", True),
    ],
)
def test_any_character_may_stand_in_the_box(line: str, state: str, done: bool) -> None:
    found = task(line)

    assert (found.state, found.done, found.text) == (state, done, "a")


def test_tasks_stand_in_quotes_callouts_and_other_items() -> None:
    found = tasks("- [ ] a\n\t- [x] b\n> [!todo] T\n> - [ ] c\n> > 1. [ ] d\n\n- - [ ] e\r\n")

    assert [(one.line, one.text) for one in found] == [(1, "a"), (2, "b"), (4, "c"), (5, "d"), (7, "e")]


@pytest.mark.parametrize(
    "text",
    [
        "[ ] a",
        "-[ ] a",
        "- [] a",
        "- [xy] a",
        "- [x]a",
        "- [x](a.md)",
        "words - [ ] a",
        "```\n- [ ] a\n```",
        "words\n\n    - [ ] a",
        "%%\n- [ ] a\n%%",
        "<!--\n- [ ] a\n-->",
        '---\na: "\n- [ ] a"\n---',
    ],
)
def test_this_is_no_task(text: str) -> None:
    assert tasks(text) == []


def test_a_task_has_the_dates_of_the_tasks_plugin() -> None:
    found = task(
        "- [x] call [[Ann|her]] ⏫ 🔁 every week ➕ 2024-01-01 🛫 2024-01-02 ⏳ 2024-01-03 📅 2024-01-04 ✅ 2024-01-05"
    )

    assert found == Task(
        line=1,
        state="x",
        done=True,
        text="call her",
        created=date(2024, 1, 1),
        start=date(2024, 1, 2),
        scheduled=date(2024, 1, 3),
        due=date(2024, 1, 4),
        done_on=date(2024, 1, 5),
        recurrence="every week",
        priority="high",
    )


def test_a_task_has_the_dates_of_dataview() -> None:
    found = task(
        "- [-] call **Ann** [due:: 2024-01-04] (scheduled:: [[2024-01-03]]) [start:: 2024-01-02T10:00]"
        " [completion:: 2024-01-05] [cancelled:: 2024-01-06] [repeat:: every day] [priority:: Low] [with:: Bob]"
    )

    assert found == Task(
        line=1,
        state="-",
        done=True,
        text="call Ann [with:: Bob]",
        start=date(2024, 1, 2),
        scheduled=date(2024, 1, 3),
        due=date(2024, 1, 4),
        done_on=date(2024, 1, 5),
        cancelled_on=date(2024, 1, 6),
        recurrence="every day",
        priority="low",
    )


@pytest.mark.parametrize(
    ("sign", "priority"),
    [("🔺", "highest"), ("⏫", "high"), ("🔼", "medium"), ("🔽", "low"), ("⏬️", "lowest"), ("", None)],
)
def test_a_task_has_a_priority(sign: str, priority: str | None) -> None:
    assert task(f"- [ ] a {sign} #tag").priority == priority
    assert task(f"- [ ] a {sign} #tag").text == "a #tag"


@pytest.mark.parametrize("day", ["2024-02-30", "0000-01-01", "2024-1-2", "tomorrow", "[[Someday]]", ""])
def test_what_is_no_day_is_no_date(day: str) -> None:
    assert task(f"- [ ] a 📅 {day} [scheduled:: {day}]").due is None
    assert task(f"- [ ] a 📅 {day} [scheduled:: {day}]").scheduled is None


def test_a_sign_of_another_year_may_be_written_without_a_blank() -> None:
    assert task("- [ ] a 📅2024-01-02 ❌ 2024-01-03").due == date(2024, 1, 2)
    assert task("- [ ] a 🗓️ 2024-01-02").due == date(2024, 1, 2)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ["- [ ] a\n", "- ", "> ", "- [ ] 📅", "- [ ] 🔁 a", "[due:: ", "1. - "])
def test_a_hostile_note_is_searched_in_linear_time(unit: str) -> None:
    tasks(unit * (250_000 // len(unit)))
