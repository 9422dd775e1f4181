"""Dataview's inline fields, and the links in them."""

from __future__ import annotations

import pytest

from vaultbot.vault.fields import inline_fields
from vaultbot.vault.markdown import parse_note


def fields(text: str) -> list[tuple[str, str]]:
    return [(field.key, field.value) for field in inline_fields(parse_note("Note.md", text))]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("up:: [[A]]", ["up"]),
        ("**Up**:: [[A]], [[B]]", ["Up", "Up"]),
        ("> - [x] two words:: [[A]]", ["two words"]),
        ("日本:: [[A]]", ["日本"]),
        ("up:: [t](A.md)", ["up"]),
        ("by [author:: [[A]], [[B]]] in [[C]]", ["author", "author", None]),
        ("(via:: [[A]]) [[B]]", ["via", None]),
        ("up:: [[A]] [via:: [[B]]] [[C]]", ["up", "via", "up"]),
        ("[k:: v] [[A]]", [None]),
        ("a [[A]]:: [[B]]", [None, None]),
        ("http://x::y [[A]]", [None]),
        ("a: b [[A]]", [None]),
        ("up:: [[A]]\n[[B]]", ["up", None]),
        ("%% up:: [[A]] %%", [None]),
        ("`up::` [[A]]", [None]),
        ("[[A::B]] and [[C]]", [None, None]),
        ("# up:: [[A]]", [None]),
    ],
)
def test_a_link_in_a_field_has_its_key(text: str, keys: list[str | None]) -> None:
    note = parse_note("Note.md", text)

    assert [link.key for link in note.links] == keys
    assert {link.key_path for link in note.links} == {None}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("due:: 2024-01-02", [("due", "2024-01-02")]),
        ("- **Read by**:: Ann", [("Read by", "Ann")]),
        ("__K__:: v", [("K", "v")]),
        ("> 1. [ ] status:: open", [("status", "open")]),
        ("up:: [[A|x]], [[B]]", [("up", "[[A|x]], [[B]]")]),
        ("it was [rating:: 9] of (out of:: 10).", [("rating", "9"), ("out of", "10")]),
        ("[**k**:: v]", [("k", "v")]),
        ("[when:: a [b] (c]", [("when", "a [b] (c")]),
        ("by [author:: [[A]], [[B]]]", [("author", "[[A]], [[B]]")]),
        ("日付:: 今日", [("日付", "今日")]),
        ("empty::", [("empty", "")]),
        ("k:: v ^id", [("k", "v")]),
        ("one:: 1\ntwo:: 2", [("one", "1"), ("two", "2")]),
        ("⏳:: soon", [("⏳", "soon")]),
    ],
)
def test_a_field_has_a_key_and_a_value(text: str, found: list[tuple[str, str]]) -> None:
    assert fields(text) == found
    assert fields("---\na: b\n---\n" + text.replace("\n", "\r\n")) == found


@pytest.mark.parametrize(
    "text",
    [
        "---\na: b:: c\n---",
        "`k:: v`",
        "```\nk:: v\n```",
        "    k:: v",
        "%% k:: v %%",
        "<!-- k:: v -->",
        "$k:: v$",
        "[[Note::x]]",
        "[k:: v](https://a.b)",
        "a : b :: c",
        ":: v",
        "[:: v]",
        "http://x::y",
        "# k:: v",
        "| k:: v |",
        "[k\n:: v]",
    ],
)
def test_this_is_no_field(text: str) -> None:
    assert fields(text) == []


def test_a_field_knows_its_line() -> None:
    note = parse_note("Note.md", "---\na: b\n---\nwords\n\n- k:: v and [l:: w]\n")

    assert [(field.key, field.line) for field in inline_fields(note)] == [("k", 6), ("l", 6)]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", ["a:: ", "[a:: ", "(a:: [b] ", "[a:: b] ", "a:: b\n", "[[a:: ", "- ", "a::[[b]]", "]) [a::"]
)
def test_a_hostile_note_is_searched_in_linear_time(unit: str) -> None:
    inline_fields(parse_note("Note.md", unit * (250_000 // len(unit)) + "::"))
