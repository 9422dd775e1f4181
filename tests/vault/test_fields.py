"""Links in Dataview's inline fields."""

from __future__ import annotations

import pytest

from vaultbot.vault.markdown import parse_note


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
        ("[k:: v] [[A]]", [None]),
        ("a [[A]]:: [[B]]", [None, None]),
        ("http://x::y [[A]]", [None]),
        ("a: b [[A]]", [None]),
        ("up:: [[A]]\n[[B]]", ["up", None]),
        ("%% up:: [[A]] %%", [None]),
    ],
)
def test_a_link_in_a_field_has_its_key(text: str, keys: list[str | None]) -> None:
    note = parse_note("Note.md", text)

    assert [link.key for link in note.links] == keys
    assert {link.key_path for link in note.links} == {None}
