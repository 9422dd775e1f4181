"""A canvas as a note."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultbot.types import Note
from vaultbot.vault.canvas import parse_canvas
from vaultbot.vault.uris import open_uri, wikilink


def canvas(*nodes: dict[str, Any], edges: list[dict[str, Any]] | None = None) -> Note:
    note = parse_canvas("a/Board.canvas", json.dumps({"nodes": nodes, "edges": edges or []}))
    check(note)
    return note


def check(note: Note) -> None:
    """Places in a canvas are places in its text, as in a note."""
    lines = note.text.split("\n")
    assert len(note.visible) == len(lines)
    for heading in note.headings:
        line = lines[heading.line - 1]
        assert note.text[heading.start : heading.end].rstrip("\r") in ("", line.strip().rstrip("\r"))
        assert heading.start == 0 or note.text.count("\n", 0, heading.start) == heading.line - 1
        assert heading.written == ()
    assert [heading.line for heading in note.headings] == sorted(heading.line for heading in note.headings)
    for link in note.links:
        assert note.text[link.start : link.end] == link.raw
        assert lines[link.line - 1][link.col - 1 :].startswith(link.raw)
    assert all(note.text[tag.start : tag.end].lstrip("#").startswith(tag.name) for tag in note.tags)
    assert all(note.text[block.start : block.end] == "^" + block.name for block in note.blocks)
    ends = [0, *(mask.end for mask in note.masks)]
    assert all(ends[n] <= mask.start < mask.end <= len(note.text) for n, mask in enumerate(note.masks))


def text_card(text: str, name: str = "1") -> dict[str, Any]:
    return {"id": name, "type": "text", "text": text}


def file_card(file: str, name: str = "1", **more: str) -> dict[str, Any]:
    return {"id": name, "type": "file", "file": file, **more}


def test_text_cards_are_read_as_markdown_each_for_itself() -> None:
    note = canvas(text_card("# Idea\n**bold** [[Only]] #t ^id"), text_card("```\nopen [[Gone]]"), text_card("[[Note]]"))

    assert note.title == "Board"
    assert [link.linkpath for link in note.links] == ["Only", "Note"]
    assert [tag.name for tag in note.tags] == ["t"]
    assert [block.name for block in note.blocks] == ["id"]
    assert note.visible == ("", "Idea", "bold Only #t", "", "", "open [[Gone]]", "", "Note")


def test_a_card_is_cited_by_its_first_line() -> None:
    note = canvas(
        text_card("\n**Bed 1**: beans\nfive to a pole"),
        text_card("# Soil\n## pH\n6.4"),
        text_card("Water\n# Barrel\n300 l"),
        text_card(" \n"),
        file_card("a/Note.md"),
        {"type": "group", "label": " Plot\n12 "},
    )

    assert [(heading.level, heading.path, heading.line) for heading in note.headings] == [
        (1, ("Bed 1: beans",), 1),
        (1, ("Soil",), 6),
        (2, ("Soil", "pH"), 7),
        (1, ("Water",), 9),
        (2, ("Water", "Barrel"), 11),
        (1, ("Plot 12",), 19),
    ]
    assert note.visible[2] == "Bed 1: beans"
    assert note.visible[18] == "Plot 12"


def test_the_first_line_of_a_card_is_text_that_can_be_quoted_unless_it_is_a_heading() -> None:
    note = canvas(text_card("The rain barrel holds 300 litres."), text_card("# Rain barrel\nIt leaks."))
    named = {heading.line for heading in note.headings}

    assert [line for number, line in enumerate(note.visible, 1) if line and number not in named] == [
        "The rain barrel holds 300 litres.",
        "It leaks.",
    ]


def test_a_link_to_a_canvas_names_no_card() -> None:
    note = canvas(text_card("Bed 1\nbeans"))
    (card,) = note.headings

    assert wikilink(note.path, note.title, card.written, shown=card.path) == "[[a/Board.canvas|Board › Bed 1]]"
    assert open_uri("Notes", note.path, card.written) == "obsidian://open?vault=Notes&file=a%2FBoard.canvas"


def test_a_long_first_line_is_clipped_between_words() -> None:
    (heading,) = canvas(text_card("word " * 50)).headings
    (unbroken,) = canvas(text_card("x" * 200)).headings

    assert heading.text == "word " * 15 + "word…"
    assert unbroken.text == "x" * 79 + "…"


def test_an_arrow_is_cited_by_its_label() -> None:
    note = canvas(text_card("Cause", "1"), edges=[{"fromNode": "1", "toNode": "2", "label": "leads\nto"}])

    assert [heading.text for heading in note.headings] == ["Cause", "Cause —leads to→ …"]
    assert note.visible[note.headings[-1].line] == "Cause —leads to→ …"


def test_a_file_card_is_an_embed_from_the_root() -> None:
    (link,) = canvas(file_card("b/H.md", subpath="#Gamma")).links

    assert (link.raw, link.linkpath, link.subpath, link.embed) == ("![[/b/H.md#Gamma]]", "/b/H.md", "#Gamma", True)


def test_tables_and_footnotes_in_a_card_are_those_of_its_lines() -> None:
    note = canvas(text_card("one\ntwo"), text_card("| Name | Age |\n|---|---|\n| Ann[^1] | 3 |\n\n[^1]: Not sure."))

    ((line, row),) = note.rows.items()
    assert row.startswith("Name: Ann")
    assert note.visible[line - 1].startswith("Ann")
    assert note.footnotes == {line: ((line + 2, line + 2),)}


def test_a_labelled_arrow_is_read_with_its_cards() -> None:
    note = canvas(
        text_card("\n\n# Cause\nmore", "1"),
        file_card("b/Only.md", "2"),
        {"id": "3", "type": "group", "label": "Theory"},
        edges=[
            {"fromNode": "1", "toNode": "2", "label": "leads to"},
            {"fromNode": "2", "toNode": "3"},
            {"fromNode": "3", "toNode": "9", "label": "see"},
        ],
    )

    assert [line for line in note.visible if "→" in line] == ["Cause —leads to→ Only", "Theory —see→ …"]


@pytest.mark.parametrize("text", ["", "{}", '{"nodes": []}', "\ufeff{}", '{"nodes": null, "edges": 3}'])
def test_an_empty_canvas_is_a_canvas(text: str) -> None:
    note = parse_canvas("Board.canvas", text)

    assert (note.text, note.visible, note.links, note.problems) == ("", ("",), (), ())


@pytest.mark.parametrize("text", ["{", "[]", "3", "[" * 100_000, '{"nodes": ['])
def test_a_broken_canvas_is_reported(text: str) -> None:
    note = parse_canvas("Board.canvas", text)

    assert [problem.slug for problem in note.problems] == ["canvas"]
    assert note.links == ()


def test_cards_of_unknown_shape_are_passed_over() -> None:
    note = canvas({"type": "text"}, {"type": 3}, {"type": "file"}, {"type": "future", "text": "[[Only]]"})

    assert (note.links, "".join(note.visible)) == ((), "")


WORDS = st.text(alphabet="ab[]|#^`-\n \r\t%$é\ud800", max_size=20)
NODES = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from("123"), "type": st.sampled_from(["text", "file", "group", "link"])},
        optional={"text": WORDS, "file": WORDS, "subpath": WORDS, "label": WORDS, "url": WORDS},
    ),
    max_size=5,
)
EDGES = st.lists(
    st.fixed_dictionaries({"fromNode": st.sampled_from("123"), "toNode": st.sampled_from("1234"), "label": WORDS}),
    max_size=3,
)


@settings(max_examples=100, deadline=None)
@given(NODES, EDGES)
def test_any_canvas_is_a_note(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> None:
    canvas(*nodes, edges=edges)


@given(st.text())
def test_any_text_is_a_canvas_or_a_problem(text: str) -> None:
    check(parse_canvas("Board.canvas", text))


def test_a_long_address_is_not_repeated_by_every_arrow() -> None:
    nodes = [{"id": "a", "type": "link", "url": "https://example.org/" + "x" * 50_000}]
    edges = [{"fromNode": "a", "toNode": "a", "label": "again"} for _ in range(200)]

    assert len(parse_canvas("Board.canvas", json.dumps({"nodes": nodes, "edges": edges})).text) < 200 * 300
