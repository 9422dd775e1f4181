"""Which heading a link means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.types import Heading
from vaultbot.vault.headings import find_heading, link_heading, normalize_heading


def outline(*lines: str) -> tuple[Heading, ...]:
    """Headings of a note that consists of nothing else: outline("# Top", "## Sub")."""
    found: list[Heading] = []
    open_headings: list[Heading] = []
    for number, line in enumerate(lines, start=1):
        marks, _, text = line.partition(" ")
        while open_headings and open_headings[-1].level >= len(marks):
            open_headings.pop()
        path = (*(heading.text for heading in open_headings), text)
        open_headings.append(Heading(len(marks), text, path, number, 0, 0))
        found.append(open_headings[-1])
    return tuple(found)


def line_of(headings: tuple[Heading, ...], subpath: str) -> int | None:
    heading = find_heading(headings, subpath)
    return heading.line if heading else None


H = outline("# Top", "## Alpha: one/two", "### Beta", "## Gamma", "### Beta")


@pytest.mark.parametrize(
    ("subpath", "line"),
    [
        ("#alpha one two", 2),
        ("#Alpha: one/two", 2),
        ("#Beta", 3),
        ("#Top#Gamma#Beta", 5),
        ("#Gamma#Beta", 5),
        ("#Top#Beta", 3),
        ("#Beta#Gamma", None),  # not below it
        ("#Alpha#Gamma", None),
        ("#Nope", None),
        ("#^blk1", None),
        ("#", None),
        ("", None),
    ],
)
def test_a_subpath_names_the_first_heading_that_fits(subpath: str, line: int | None) -> None:
    assert line_of(H, subpath) == line


@pytest.mark.parametrize(
    ("written", "heading"),
    [
        ("wifi 2 4 vs 5 0", "wifi 2.4 vs 5.0"),
        ("TCP/IP", "TCP IP"),
        ("C", "C#"),
        ("don't-stop_now", "Don't-stop_now!"),
        ("cafe\u0301", "Café"),
        ("a  b", " A\tb "),
        ("量子化", "量子化:"),
    ],
)
def test_punctuation_case_and_composition_make_no_difference(written: str, heading: str) -> None:
    assert normalize_heading(written) == normalize_heading(heading)


@pytest.mark.parametrize("subpath", ["#About Paris today", "#About city Paris today", "#about  city Paris today"])
def test_a_heading_with_a_link_is_found_by_its_source_and_by_what_a_reader_sees(subpath: str) -> None:
    assert line_of(outline("# Intro", "# About [[city|Paris]] today"), subpath.replace("city ", "city|")) == 2


def test_a_heading_with_a_markdown_link_is_found_by_what_a_reader_sees() -> None:
    assert line_of(outline("# See [the docs](https://a.b/c)"), "#See the docs") == 1


def test_a_written_heading_holds_nothing_that_would_end_the_link() -> None:
    assert link_heading("C# [[x|y]] ^1 a\\b 50%% off 5%") == "C x y 1 a b 50 off 5%"
    assert link_heading("##^") == ""


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_a_written_heading_path_is_found_again(texts: list[str]) -> None:
    texts = [text.strip() for text in texts if link_heading(text)]
    headings = outline(*("#" * depth + " " + text for depth, text in enumerate(texts, start=1)))
    subpath = "".join("#" + link_heading(text) for text in texts)

    found = find_heading(headings, subpath)

    if texts:
        assert found is not None
        assert normalize_heading(found.text) == normalize_heading(texts[-1])


def test_very_many_brackets_are_read_once() -> None:
    assert find_heading(outline("# " + "[[" * 50_000, "# " + "[a](" * 50_000, "# End"), "#End") is not None
