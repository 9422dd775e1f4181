"""Notes of the Excalidraw plugin."""

from __future__ import annotations

import pytest

from vaultbot.vault.markdown import parse_note

DRAWING = "## Drawing\n```compressed-json\nN4KAkARALgngDgUwgLgAQQQDwMYEMA2AlgCYBOuA7hADTgQBuCpAzoQ\n```\n%%"
HEAD = "---\nexcalidraw-plugin: parsed\n---\n"


@pytest.mark.parametrize("opening", ["%%\n", "", "%%\r\n"])
def test_the_words_of_a_drawing_are_read_and_its_data_is_not(opening: str) -> None:
    note = parse_note("a.md", f"{HEAD}## Text Elements\nidea ^abcd1234\n\n{opening}{DRAWING}")

    assert [line for line in note.visible if line] == ["Text Elements", "idea"]
    assert [heading.text for heading in note.headings] == ["Text Elements"]
    assert [(mask.kind, mask.lang) for mask in note.masks] == [("frontmatter", ""), ("query", "excalidraw")]
    assert len(note.visible) == note.text.count("\n") + 1


def test_a_drawing_is_also_known_by_its_file_name() -> None:
    assert parse_note("a.excalidraw.md", "words\n" + DRAWING).visible[:2] == ("words", "")


def test_a_heading_of_that_name_written_by_the_owner_hides_nothing() -> None:
    note = parse_note("a.md", f"{HEAD}# Drawing\n\nhow I learned to draw\n\n{DRAWING}")

    assert [line for line in note.visible if line] == ["Drawing", "how I learned to draw"]


def test_in_any_other_note_a_drawing_is_a_section() -> None:
    assert [heading.text for heading in parse_note("a.md", DRAWING).headings] == ["Drawing"]
