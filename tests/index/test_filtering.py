"""Which notes fit a filter: names as Obsidian compares them, words as search does, phrases to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.index.conftest import Desk
from vaultbot.index.filtering import Condition, Filter, any_dated, fitting


def paths(desk: Desk, *clauses: Condition | tuple[Condition, ...]) -> list[str]:
    """The notes that fit all of these, without their extension."""
    reader = desk.reader
    wanted = Filter(tuple(clause if isinstance(clause, tuple) else (clause,) for clause in clauses))
    with reader.snapshot():
        titles = reader.titles(list(fitting(reader.connection, wanted)))
    return sorted(path.removesuffix(".md") for path, _ in titles.values())


def says(phrase: str) -> Condition:
    return Condition("phrase", phrase)


def no(one: Condition) -> Condition:
    return Condition(one.kind, one.value, one.name, one.test, one.first, one.last, negated=True)


@pytest.fixture
def shelf(desk: Desk) -> Desk:
    desk.write("Daily/2026-05-11.md", "Sowed tomatoes. #garden/beds")
    desk.write("Daily/2026-05-12.md", "Turned the heap. #Garden")
    desk.write("Work/Daily report.md", "---\ndate: 2026-06-01\nstatus: Draft\nrating: 10\n---\n#gardening is not it.")
    desk.write("Books/Dune.md", "---\nstatus: Published 2024\nrating: 3.5\nauthor: Frank Herbert\ndue:\n---\nSand.")
    desk.write("Café/Ünits.md", '---\nis: "[[Books/Dune|the book]]"\nstatus: [final, "Draft 2"]\n---\nRating:: 4\n')
    desk.run()
    return desk


# ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tag_covers_those_below_it_whatever_its_case_and_no_longer_word(shelf: Desk) -> None:
    assert paths(shelf, Condition("tag", "GARDEN")) == ["Daily/2026-05-11", "Daily/2026-05-12"]
    assert paths(shelf, Condition("tag", "garden/beds")) == ["Daily/2026-05-11"]
    assert paths(shelf, Condition("tag", "beds")) == []


def test_a_path_is_any_part_of_the_path_as_in_obsidian(shelf: Desk) -> None:
    assert paths(shelf, Condition("path", "daily")) == ["Daily/2026-05-11", "Daily/2026-05-12", "Work/Daily report"]
    assert paths(shelf, Condition("path", "Daily/")) == ["Daily/2026-05-11", "Daily/2026-05-12"]
    assert paths(shelf, Condition("path", "/books/")) == ["Books/Dune"]
    assert paths(shelf, Condition("path", "daily/2026-05-1")) == ["Daily/2026-05-11", "Daily/2026-05-12"]
    assert paths(shelf, Condition("path", "cafe\u0301/")) == ["Café/Ünits"]


def test_a_file_is_any_part_of_the_name_with_its_extension(shelf: Desk) -> None:
    assert paths(shelf, Condition("file", "daily")) == ["Work/Daily report"]
    assert paths(shelf, Condition("file", "dune.md")) == ["Books/Dune"]


def test_days_are_those_of_the_note_both_ends_included(shelf: Desk) -> None:
    assert paths(shelf, Condition("dated", first="2026-05-11", last="2026-05-11")) == ["Daily/2026-05-11"]
    assert paths(shelf, Condition("dated", first="2026-05-12")) == ["Daily/2026-05-12", "Work/Daily report"]
    assert paths(shelf, Condition("dated", last="2026-05-12")) == ["Daily/2026-05-11", "Daily/2026-05-12"]
    assert paths(shelf, no(Condition("dated", first="2026"))) == ["Books/Dune", "Café/Ünits"]


def test_it_is_known_whether_any_note_is_of_some_days(shelf: Desk) -> None:
    reader = shelf.reader
    with reader.snapshot():
        assert any_dated(reader.connection, Condition("dated", first="2026-06-01", last="2026-06-30"))
        assert not any_dated(reader.connection, Condition("dated", first="2026-06-02"))


# ── properties ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (Condition("property", name="STATUS"), ["Books/Dune", "Café/Ünits", "Work/Daily report"]),
        (Condition("property", name="due"), ["Books/Dune"]),
        (Condition("property", name="due", test="empty"), ["Books/Dune"]),
        (Condition("property", name="status", test="empty"), []),
        (Condition("property", "draft", "status", "says"), ["Café/Ünits", "Work/Daily report"]),
        (Condition("property", "Draft", "status", "is"), ["Work/Daily report"]),
        (Condition("property", "draft 2", "status", "is"), ["Café/Ünits"]),
        (Condition("property", "Dra", "status", "says"), []),
        (Condition("property", "herbert", "author", "says"), ["Books/Dune"]),
        (Condition("property", "1", "rating", "says"), []),
        (Condition("property", "4", "rating", "below"), ["Books/Dune"]),
        (Condition("property", "3.5", "rating", "above"), ["Café/Ünits", "Work/Daily report"]),
        (Condition("property", "2026-05-31", "date", "above"), ["Work/Daily report"]),
        (Condition("property", "2026-06-01", "date", "below"), []),
        (Condition("property", "5", "status", "above"), []),
        (Condition("property", "dune", "is", "says"), ["Café/Ünits"]),
        (Condition("property", "Dune", "is", "is"), ["Café/Ünits"]),
        (Condition("property", "books/dune", "is", "is"), ["Café/Ünits"]),
        (Condition("property", "the book", "is", "is"), ["Café/Ünits"]),
        (Condition("property", "book", "is", "is"), []),
    ],
)
def test_a_property_is_there_or_has_a_value(shelf: Desk, condition: Condition, found: list[str]) -> None:
    assert paths(shelf, condition) == found


# ── words ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def prose(desk: Desk) -> Desk:
    names = "---\naliases: [Crop Rotation]\ndescription: The long view\n---\n"
    desk.write("A.md", "We don't plant early.\nThe crop\nrotation of Obsidian's garden, in state-of-the-art beds.")
    desk.write("B.md", f"{names}Starting a CAFÉ, 3.5 litres.\n\nCrop")
    desk.write("Crop rotation.md", "rotation, crops; ｶﾀｶﾅ and ﬁne print. “Curly” doesn’t matter.\n\nrotation of crop")
    desk.write("日本.md", "量子化した重みは5月から東京都に。機械 学習")
    desk.write("中文.md", "堆肥需要什么？碳氮比。")
    desk.run()
    return desk


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("crop rotation", ["A", "B", "Crop rotation"]),  # over a line's end, in an alias, in a title
        ("CROP ROTATION OF", ["A"]),
        ("crop crop", []),
        ("rotation rotation", []),
        ("litres crop", []),  # not beyond a blank line
        ("the long view", ["B"]),
        ("art", ["A"]),
        ("start", []),
        ("don't plant", ["A"]),
        ("doesn't", ["Crop rotation"]),
        ("don", []),
        ("obsidian", ["A"]),
        ("obsidian's garden", ["A"]),
        ("cafe", ["B"]),
        ("3.5", ["B"]),
        ("3.5 litres.", ["B"]),
        ("5 litres", ["B"]),
        ("カタカナ", ["Crop rotation"]),
        ("fine print", ["Crop rotation"]),
        ("量子化した", ["日本"]),
        ("子化", ["日本"]),
        ("量化", []),
        ("5月", ["日本"]),
        ("京都", ["日本"]),
        ("東都", []),
        ("機械学習", []),
        ("什么？碳", ["中文"]),
        ("？", ["中文"]),
        ("--", []),
    ],
)
def test_a_phrase_stands_in_a_note_as_it_is(prose: Desk, phrase: str, found: list[str]) -> None:
    assert paths(prose, says(phrase)) == found
    assert paths(prose, no(says(phrase))) == sorted({"A", "B", "Crop rotation", "日本", "中文"} - set(found))


def test_a_word_is_left_out_in_all_its_forms(prose: Desk) -> None:
    assert paths(prose, no(Condition("word", "starts"))) == ["A", "Crop rotation", "中文", "日本"]
    assert paths(prose, no(Condition("word", "crop"))) == ["中文", "日本"]
    assert paths(prose, no(Condition("word", "量子"))) == ["A", "B", "Crop rotation", "中文"]
    assert paths(prose, no(Condition("word", "state-of-the-art"))) == ["B", "Crop rotation", "中文", "日本"]
    assert paths(prose, no(Condition("word", "state-of-art"))) == ["A", "B", "Crop rotation", "中文", "日本"]


def test_clauses_must_all_fit_and_any_of_a_clause_will_do(prose: Desk) -> None:
    a, b, japanese = Condition("file", "a.md"), Condition("file", "b.md"), Condition("file", "日本")

    assert paths(prose, (a, b), says("crop rotation")) == ["A", "B"]
    assert paths(prose, (a, japanese), no(says("crop rotation"))) == ["日本"]
    assert paths(prose, (a, no(says("crop")))) == ["A", "中文", "日本"]
    assert paths(prose, a, b) == []
    assert paths(prose) == ["A", "B", "Crop rotation", "中文", "日本"]


def test_a_note_that_is_not_searched_fits_nothing(desk: Desk) -> None:
    desk.write("Seen.md", "---\nkey: value\n---\nOne phrase. #tag")
    desk.write("Unseen.md", "---\nkey: value\nvaultbot: false\n---\nOne phrase. #tag")
    desk.run()

    for condition in (Condition("tag", "tag"), Condition("property", name="key"), Condition("path", "see")):
        assert paths(desk, condition) == ["Seen"]
    assert paths(desk, says("phrase")) == paths(desk, no(Condition("tag", "other"))) == ["Seen"]


def test_a_phrase_that_was_cut_between_two_passages_is_found(desk: Desk) -> None:
    line = " ".join(f"word{n}." for n in range(500))
    desk.write("Long.md", f"{line}\n\n{' '.join(f'other{n}' for n in range(500))}")
    desk.run()

    for n in range(0, 498, 3):
        assert paths(desk, says(f"word{n}. word{n + 1}. word{n + 2}")) == ["Long"]


def test_what_is_cut_out_of_a_text_between_two_words_is_found_in_it(desk: Desk) -> None:
    desk.write("Note.md", "placeholder")

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(st.sampled_from("ab don't é 5月 量子化 ｶﾞｽ ß-s は、 x.y".split()), min_size=1, max_size=9), st.data()
    )
    def cut_out(words: list[str], data: st.DataObject) -> None:
        first = data.draw(st.integers(0, len(words) - 1))
        last = data.draw(st.integers(first + 1, len(words)))
        desk.write("Note.md", " ".join(words))
        desk.run()
        assert paths(desk, says(" ".join(words[first:last]))) == ["Note"]

    cut_out()
