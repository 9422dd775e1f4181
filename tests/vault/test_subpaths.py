"""What the part of a link behind "#" leads to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.vault.markdown import parse_note
from vaultbot.vault.subpaths import block_lines, find_block, section_lines, subpath_exists


def named_lines(text: str) -> str:
    """The lines that the only block id of `text` names."""
    note = parse_note("Note.md", text)
    (block,) = note.blocks
    first, last = block_lines(note, block)
    return "\n".join(text.split("\n")[first - 1 : last])


def test_a_block_id_is_found_in_any_case_and_the_first_wins() -> None:
    note = parse_note("Note.md", "one ^Same\n\ntwo ^same")

    found = find_block(note.blocks, "#^SAME")

    assert found is not None
    assert found.line == 1
    assert find_block(note.blocks, "#Same") is None
    assert find_block(note.blocks, "#^other") is None


@pytest.mark.parametrize(
    ("subpath", "exists"),
    [("", True), ("#Top", True), ("#top", True), ("#Gone", False), ("#^b1", True), ("#^b2", False), ("#[^n]", True)],
)
def test_a_subpath_exists_when_it_lands_somewhere(subpath: str, exists: bool) -> None:
    assert subpath_exists(parse_note("Note.md", "# Top\nwords[^n] ^b1\n\n[^n]: more"), subpath) is exists


def test_a_section_ends_with_the_note_or_the_next_of_its_level() -> None:
    note = parse_note("Note.md", "intro\n# A\na\n### B\nb\n# C\n")

    assert [section_lines(note, heading) for heading in note.headings] == [(2, 5), (4, 5), (6, 7)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("# Head\nwords\nmore ^id\n\nother", "words\nmore ^id"),
        ("- a\n- b ^id\n- c", "- b ^id"),
        ("- a\n\t- b\n\t  goes on ^id\n\t\t- child\n- c", "\t- b\n\t  goes on ^id\n\t\t- child"),
        ("1. a ^id\n   - child\n\n   more\n2. b", "1. a ^id\n   - child\n\n   more"),
        ("> quote\n> end ^id\n\nother", "> quote\n> end ^id"),
        ("before\n\n> quote\n\n^id", "> quote"),
        ("before\n\n| a |\n|---|\n| b |\n\n^id", "| a |\n|---|\n| b |"),
        ("before\n```\ncode\n\nmore\n```\n^id", "```\ncode\n\nmore\n```"),
        ("```\ncode\n```\nwords ^id", "words ^id"),
        ("$$\nx\n\ny\n$$\n\n^id", "$$\nx\n\ny\n$$"),
        ("`a\nb` c\nd ^id", "`a\nb` c\nd ^id"),
        ("# Head\n^id", "# Head"),
        ("^id", "^id"),
    ],
)
def test_a_block_id_names_its_block(text: str, named: str) -> None:
    assert named_lines(text) == named


@given(st.text(alphabet="ab \n-#>`^|1.\t", max_size=80))
def test_every_block_lies_within_its_note(text: str) -> None:
    note = parse_note("Note.md", text)

    for block in note.blocks:
        first, last = block_lines(note, block)
        assert 1 <= first <= last <= text.count("\n") + 1
