"""Links that open a note, at its heading, whatever it is called."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.vault.uris import open_uri, wikilink


def test_a_uri_opens_the_note_at_the_heading() -> None:
    uri = open_uri("My Vault", "path/to/note.md", ("H 1", "H2"))

    assert uri == "obsidian://open?vault=My%20Vault&file=path%2Fto%2Fnote%23H%201%23H2"


@pytest.mark.parametrize(
    "path",
    ["量子/メモ.md", "🚀 & 50% + x=y?.md", "a#1.md", "Café.md", "v1.2.MD", "~/'quoted' (1).md", "pic.png"],
)
def test_a_uri_gives_the_path_back(path: str) -> None:
    query = parse_qs(urlsplit(open_uri("Ünï & co", path)).query, strict_parsing=True)

    assert query == {"vault": ["Ünï & co"], "file": [path.removesuffix(".md").removesuffix(".MD")]}


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_name_survives_the_uri(vault: str, path: str) -> None:
    query = parse_qs(urlsplit(open_uri(vault, path + ".md")).query, strict_parsing=True)

    assert query == {"vault": [vault], "file": [path]}


def test_a_heading_is_written_without_what_a_link_cannot_hold() -> None:
    uri = open_uri("v", "n.md", ("C# [[x|y]]", "^", "50 %% off"))

    assert parse_qs(urlsplit(uri).query)["file"] == ["n#C x y#50 off"]


def test_a_wikilink_shows_title_and_heading() -> None:
    assert wikilink("ai/LLM.md", "LLM") == "[[ai/LLM|LLM]]"
    assert wikilink("ai/LLM.md", "LLM", ("Notes", "Why?")) == "[[ai/LLM#Notes#Why?|LLM › Why?]]"


def test_a_single_bracket_in_a_name_is_harmless() -> None:
    assert wikilink("Sq]uare.md", "Sq]uare", ("a]] b",)) == "[[Sq]uare#a b|Sq)uare › a)) b]]"


@pytest.mark.parametrize(
    "path", ["a#1.md", "x|y.md", "[odd.md", "odd]].md", "50%% off.md", "ends in blank .md", "a\nb.md"]
)
def test_a_path_that_no_wikilink_can_hold_becomes_a_markdown_link(path: str) -> None:
    link = wikilink(path, "T", ("One", "Two"))

    shown, _, target = link.removesuffix(")").partition("](")
    file, *headings = target.split("#")
    assert shown == "[T › Two"
    assert unquote(file) == path
    assert headings == ["One", "Two"]


@given(st.text(), st.lists(st.text(), max_size=3))
def test_a_title_cannot_break_out_of_its_link(title: str, headings: list[str]) -> None:
    link = wikilink("n.md", title, headings)

    assert link.startswith("[[n")
    assert link.index("]]") == len(link) - 2
    assert link.count("|") == 1
    assert "\n" not in link
    assert "[" not in link[2:]
