"""Reading any text at all as a note: nothing raises, nothing takes long, and places are right."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultbot.types import Note
from vaultbot.vault.markdown import parse_note

# fmt: off
PIECES = [
    *"[]()#|!`$%*_~=<>\\-+:&^\"'@/. \n\t\rax1é日🚀\x00\ud800\u200d\u3000",
    "[[", "]]", "%%", "```", "~~~", "$$", "---\n", "<!--", "-->", "> ", "- ", "1. ", "    ", "\n\n", "![[", "](", "a: ",
    '"[[x]]"', "tags: ", "is:\n", "https://", "| a |\n|---|\n", "<div>", "</div>", "[!note]", "^id", "[^1]",
    "[^1]: ", "^[", "| a | b |\n|---|---|\n", "| c | d |\n",
]
HOSTILE = [
    "[[", "]]", "$", "`", "%%", "<!--", "*", "#", "[", "](", "[a](", "> ", "- ", "_", "$$", "\\", "<a ", "$1 ", "a$1",
    "`a``b", "[[ %%%% ", "%% <!-- ", "[x](<", '[x](a "', "[x](a(", "*a _b ", "http://", "&#", "> > > \n", "[[a\n",
    "a%%\n", "- a\n", "-\n", "|a|\n", "a\n=\n", "<div>\n", "```\n", "   x\n\n", "\t",
    "[^1]", "[^1]: ", "[^1]: a\n", "[^1]:\n\n    ", "^[", "|a\n|-\n", "|a|b|\n|-|-|\n|c|d|\n", "\\\n",
    "=\n", "# a\n", "[a](b)", "a:: [[b]] ", "[a:: [[b]]", "[[#[^a]]] ",
]
# fmt: on
noise = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
notes = st.one_of(st.text(), noise, noise.map(lambda body: f"---\n{body}\n---\n{body}"))


def check(note: Note) -> None:
    """Whatever the text, a note's places lie in it and its masks are in order."""
    text = note.text
    assert all(text[link.start : link.end] == link.raw for link in note.links)
    assert all(link.line == text.count("\n", 0, link.start) + 1 for link in note.links)
    assert all(text[block.start : block.end] == "^" + block.name for block in note.blocks)
    assert all(0 <= tag.start < tag.end <= len(text) for tag in note.tags)
    assert all(0 <= heading.start <= heading.end <= len(text) for heading in note.headings)
    ends = [0, *(mask.end for mask in note.masks)]
    assert all(ends[n] <= mask.start < mask.end <= len(text) for n, mask in enumerate(note.masks))
    assert len(note.visible) == text.count("\n") + 1
    lines = len(note.visible)
    assert all(1 <= number <= lines for number in note.rows)
    assert all(first <= last + 1 <= lines + 1 for found in note.footnotes.values() for first, last in found)
    assert not any(mask.kind != "comment" and mask.start <= link.start < mask.end
                   for mask in note.masks for link in note.links if link.kind != "property")  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(notes)
def test_any_text_is_a_note(text: str) -> None:
    check(parse_note("Note.md", text))


@settings(max_examples=150, deadline=None)
@given(noise.map(lambda text: text.replace("\r", "")))
def test_windows_line_ends_give_the_same_links(text: str) -> None:
    unix, windows = parse_note("Note.md", text), parse_note("Note.md", text.replace("\n", "\r\n"))

    assert [(link.raw.replace("\r", ""), link.line, link.col, link.key_path) for link in windows.links] == [
        (link.raw, link.line, link.col, link.key_path) for link in unix.links
    ]
    assert [(tag.name, tag.line) for tag in windows.tags] == [(tag.name, tag.line) for tag in unix.tags]
    assert [heading.path for heading in windows.headings] == [heading.path for heading in unix.headings]
    assert windows.visible == unix.visible
    assert (windows.rows, windows.footnotes) == (unix.rows, unix.footnotes)


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"[\w .'()-]{1,30}", fullmatch=True).filter(lambda name: name.strip() == name))
def test_a_link_that_is_written_is_found(name: str) -> None:
    (link,) = parse_note("Note.md", f"before [[{name}]] after").links

    assert link.linkpath == name


def test_a_note_of_nothing_but_footnotes_is_read_in_linear_time() -> None:
    names = range(20_000)
    note = parse_note("Note.md", "".join(f"[^{n}]" for n in names) + "\n" + "".join(f"\n[^{n}]: x" for n in names))

    assert len(note.footnotes[1]) == 20_000


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", HOSTILE)
def test_a_hostile_note_is_read_in_linear_time(unit: str) -> None:
    """A quarter of a million characters take about half a second; quadratic time would run into the time-out."""
    note = parse_note("Note.md", unit * (250_000 // len(unit)))

    assert len(note.visible) == note.text.count("\n") + 1


def test_a_note_is_titled_by_its_file() -> None:
    assert parse_note("a/Note.md", "# Heading").title == "Note"
    assert parse_note("Ext.MD", "---\ntitle: other\n---").title == "Ext"
    assert parse_note("api/pandas.DataFrame.xs.md", "").title == "pandas.DataFrame.xs"


def test_a_byte_order_mark_is_no_text() -> None:
    note = parse_note("Note.md", "\ufeff[[Only]]")

    assert (note.text, note.links[0].start) == ("[[Only]]", 0)


def test_an_empty_note_has_one_line() -> None:
    note = parse_note("Note.md", "")

    assert (note.visible, note.links, note.problems, note.body_line) == (("",), (), (), 1)
