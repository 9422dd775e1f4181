"""A drawing in Excalidraw's own format as a note."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.types import Note
from vaultbot.vault.drawing import parse_drawing


def drawing(*elements: object) -> Note:
    return parse_drawing("a/Plan.excalidraw", json.dumps({"type": "excalidraw", "elements": elements}))


def test_the_text_elements_of_a_drawing_are_its_words() -> None:
    note = drawing(
        {"type": "rectangle", "id": "1"},
        {"type": "text", "text": "first\nidea"},
        {"type": "text", "text": "gone", "isDeleted": True},
        {"type": "text", "text": "second **idea**"},
    )

    assert note.title == "Plan"
    assert note.visible == ("", "first", "idea", "", "second idea")
    assert note.headings == ()


def test_links_in_a_drawing_count() -> None:
    note = drawing(
        {"type": "text", "text": "See Soil", "rawText": "See [[Soil pH|Soil]]"},
        {"type": "ellipse", "link": "[[Compost]]"},
        {"type": "ellipse", "link": "https://a.b"},
    )

    assert [link.linkpath for link in note.links] == ["Soil pH", "Compost"]
    assert all(note.text[link.start : link.end] == link.raw for link in note.links)


@pytest.mark.parametrize("text", ["", "{}", '{"elements": 3}', '{"elements": [3, {"type": "text", "text": 4}]}'])
def test_an_empty_drawing_has_no_words(text: str) -> None:
    note = parse_drawing("Plan.excalidraw", text)

    assert ("".join(note.visible), note.problems) == ("", ())


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
def test_a_broken_drawing_is_reported(text: str) -> None:
    (problem,) = parse_drawing("Plan.excalidraw", text).problems

    assert problem.slug == "excalidraw"
    assert problem.message.endswith("Open and save it with the Excalidraw plugin.")


@given(st.text())
def test_any_text_is_a_drawing_or_a_problem(text: str) -> None:
    note = parse_drawing("Plan.excalidraw", text)

    assert len(note.visible) == note.text.count("\n") + 1
