"""A base as a note."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.types import Note
from vaultbot.vault.bases import parse_base
from vaultbot.vault.headings import find_heading

BOOKS = """\
filters:
  and: ['file.hasTag("book")', 'status != "[[Lost]]"']
formulas:
  price per page: "(price / pages).toFixed(2)"
properties:
  note.status: {displayName: Reading status}
  file.name: {displayName: Book}
summaries:
  mean: values.mean()
views:
  - type: table
    name: Unread books
    order: [file.name, note.author, formula.price per page]
  - type: cards
    name: Covers
"""


def base(text: str) -> Note:
    note = parse_base("Lists/Books.base", text)
    assert len(note.visible) == note.text.count("\n") + 1
    return note


def test_the_names_in_a_base_are_found_and_its_formulas_are_not_words() -> None:
    note = base(BOOKS)

    assert note.title == "Books"
    assert note.visible == (
        *("Unread books", "Covers", "price per page", "mean"),
        *("status", "Reading status", "Book", "author"),
    )
    assert (note.links, note.tags, dict(note.properties), note.problems) == ((), (), {}, ())


def test_the_names_in_a_base_are_no_prose_to_quote() -> None:
    note = base(BOOKS)

    assert [heading.line for heading in note.headings] == list(range(1, len(note.visible) + 1))
    assert all(note.text[heading.start : heading.end] == heading.text for heading in note.headings)


def test_a_link_can_name_a_view() -> None:
    note = base(BOOKS)
    view = find_heading(note.headings, "#Unread books")

    assert view is not None
    assert view.written == ("Unread books",)
    assert [heading.text for heading in note.headings if heading.written] == ["Unread books", "Covers"]


@pytest.mark.parametrize(
    "text", ["", "\ufeff", "views:", "views: 3", "views: [3, {type: table}]", "properties: [a]", "formulas: x"]
)
def test_a_base_without_names_is_empty(text: str) -> None:
    note = base(text)

    assert (note.visible, note.problems) == (("",), ())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("views:\n  - name: [open", 2),
        ("a: 1\na: 2", 2),
        ("- views", None),
        ("a: &x {b: 1}\nc: *x", 1),
        ("a: " + "[" * 40_000, 1),
        ("views: !!python/object:os.system {}", 1),
        ("a: " + "x" * 100_000, None),
    ],
)
def test_a_base_that_cannot_be_read_is_reported(text: str, line: int | None) -> None:
    (problem,) = base(text).problems

    assert problem.slug == "base"
    assert problem.message.startswith("The settings of the base cannot be read: ")
    assert line is None or problem.line == line


@given(st.text())
def test_any_text_is_a_base_or_a_problem(text: str) -> None:
    base(text)
