"""Places in a note as an editor counts them that counts UTF-16."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.vault.markdown import parse_note
from vaultbot.vault.offsets import Utf16Offsets

TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("a\n\r\0é量\ud800\udfff\uffff\U00010000🚀\U0010ffff")))


def width(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.parametrize(
    ("before", "units"),
    [
        ("", 0),
        ("plain words, ", 13),
        ("量子化", 3),
        ("e\u0301", 2),
        ("🚀", 2),
        ("👩\u200d🚀", 5),
        ("one\r\ntwo ", 9),
        ("\ud800 ", 2),  # half a pair: one unit
        ("\uffff\U00010000", 3),
    ],
)
def test_a_link_stands_where_the_editor_counts_it(before: str, units: int) -> None:
    note = parse_note("Note.md", before + "[[Only]] 🚀")
    offsets = Utf16Offsets(note.text)

    assert offsets.to_utf16(note.links[0].start) == units
    assert offsets.from_utf16(units) == note.links[0].start
    assert offsets.to_utf16(note.links[0].end) == units + 8


def test_the_middle_of_an_emoji_is_the_emoji() -> None:
    offsets = Utf16Offsets("a🚀🚀b")

    assert [offsets.from_utf16(unit) for unit in range(7)] == [0, 1, 1, 2, 2, 3, 4]


@given(TEXTS)
def test_every_place_is_as_wide_as_the_text_before_it(text: str) -> None:
    offsets = Utf16Offsets(text)

    assert [offsets.to_utf16(place) for place in range(len(text) + 1)] == [
        width(text[:place]) for place in range(len(text) + 1)
    ]


@given(TEXTS)
def test_a_place_survives_the_way_there_and_back(text: str) -> None:
    offsets = Utf16Offsets(text)

    assert [offsets.from_utf16(offsets.to_utf16(place)) for place in range(len(text) + 1)] == list(range(len(text) + 1))


def test_a_note_of_nothing_but_emoji_is_counted() -> None:
    offsets = Utf16Offsets("🚀" * 300_000)

    assert (offsets.to_utf16(300_000), offsets.from_utf16(600_000)) == (600_000, 300_000)
