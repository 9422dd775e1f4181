"""The text of a PDF as a note."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultbot.types import Note
from vaultbot.vault.headings import find_heading
from vaultbot.vault.pdf import parse_pdf
from vaultbot.vault.uris import open_uri, wikilink

#: Lines of a column as wide as the first.
COLUMN = """Quantization stores the weights of a network with fewer bits than
they were trained with. It saves memory and time, and the an-
swers are nearly the same.
A new paragraph begins here, behind a short line."""


def pdf(*pages: str) -> Note:
    note = parse_pdf("files/doc.pdf", "".join(page + "\f" for page in pages))
    check(note)
    return note


def check(note: Note) -> None:
    """Every heading stands on a blank line of its own, and everything else is there to be quoted."""
    lines = note.text.split("\n")
    assert tuple(lines) == note.visible
    for heading in note.headings:
        assert lines[heading.line - 1] == ""
        assert heading.start == heading.end == sum(len(line) + 1 for line in lines[: heading.line - 1])


def page(note: Note, number: int) -> list[str]:
    """The paragraphs of a page."""
    starts = [heading.line for heading in note.headings] + [len(note.visible) + 1]
    return list(note.visible[starts[number - 1] : starts[number] - 1])


def test_a_page_is_a_section_that_a_link_can_name() -> None:
    note = pdf("One.", "Two.", "Three.")

    assert note.title == "doc"
    assert [(heading.path, heading.written) for heading in note.headings] == [
        (("Page 1",), ("page=1",)),
        (("Page 2",), ("page=2",)),
        (("Page 3",), ("page=3",)),
    ]
    assert note.visible == ("", "One.", "", "Two.", "", "Three.")


def test_a_page_is_opened_in_obsidian_by_its_number() -> None:
    note = pdf("One.", "Two.", "Three.")
    last = note.headings[-1]

    assert find_heading(note.headings, "#page=3") == last
    assert wikilink(note.path, note.title, last.written, shown=last.path) == "[[files/doc.pdf#page=3|doc › Page 3]]"
    assert open_uri("My vault", note.path, last.written).endswith("&file=files%2Fdoc.pdf%23page%3D3")


def test_paragraphs_are_lines_and_words_are_whole() -> None:
    first, second = page(pdf(COLUMN), 1)

    assert first.endswith(
        "fewer bits than they were trained with. It saves memory and time, and the answers are nearly the same."
    )
    assert second == "A new paragraph begins here, behind a short line."


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        ("quanti-\nzation", "quantization"),
        ("quanti\u00ad\nzation", "quantization"),
        ("quanti\u2010\r\nzation", "quantization"),
        ("OCTET SE-\nQUENCE", "OCTET SEQUENCE"),
        ("the pan-\nAmerican games", "the pan-American games"),
        ("from 1954-\n1958 on", "from 1954-1958 on"),
        ("the well-known well-\nknown one", "the well-known well-known one"),
        ("a line of forty letters with a dash at -\nthe end", "a line of forty letters with a dash at - the end"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_goes_when_it_only_cut_a_word(lines: str, whole: str) -> None:
    assert page(pdf(lines), 1) == [whole]


def test_lists_titles_and_code_keep_their_lines() -> None:
    text = "2.1 Names\n- A first item, which is as long as a line of this text is.\n- A second one.\n1. One\nx = {\n}"

    assert page(pdf(text + "\n" + COLUMN), 1)[:6] == text.split("\n")


def test_a_bullet_is_that_of_a_list_in_a_note() -> None:
    assert page(pdf("• One\n ▪Two\n●\nThree\nFour • five"), 1) == ["- One", "- Two", "- Three", "Four • five"]


def test_lines_of_japanese_and_chinese_are_joined_without_a_blank() -> None:
    japanese = "量子化とは、ニューラルネットワークの重みを少ないビット\n数で保存することである。"
    chinese = "堆肥是由有机物质分解而成的土壤改良剂可以改善土\n壤结构。"

    assert page(pdf(japanese, chinese), 1) == [japanese.replace("\n", "")]
    assert page(pdf(japanese, chinese), 2) == [chinese.replace("\n", "")]


def test_a_sentence_that_goes_on_overleaf_stands_where_it_begins() -> None:
    note = pdf("A file begins. The data of a file is", "kept in blocks. Each block has a number.")

    assert page(note, 1) == ["A file begins. The data of a file is kept in blocks."]
    assert page(note, 2) == ["Each block has a number."]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("A whole sentence.", "and so on. More."),
        ("Table 3: costs", "The next chapter. It begins."),
        ("A sentence that goes on and", "on without any end of a sentence " * 20),
        ("x = 3", "y is a number. Really."),
    ],
)
def test_a_page_that_begins_anew_keeps_its_words(first: str, second: str) -> None:
    assert page(pdf(first, second), 2) == [" ".join(second.split())]


def test_titles_and_numbers_that_are_on_every_page_are_left_out() -> None:
    pages = ["Salt.", "Time.", "Cabbage.\nNapa.", "Chilli.\n2 red ones.", "Garlic."]
    chapters = ["One", "One", "Two", "Two", "Three"]
    note = pdf(
        *(
            f"The Kimchi Book\n{text}\nChapter {chapter} {number}"
            for number, (text, chapter) in enumerate(zip(pages, chapters, strict=True), 7)
        )
    )

    assert page(note, 1) == ["The Kimchi Book", "Salt."]
    assert page(note, 2) == ["Time."]
    assert page(note, 4) == ["Chilli.", "2 red ones."]
    assert page(note, 5) == ["Garlic."]


@pytest.mark.parametrize("number", ["{}", "- {} -", "Page {}", "{} of 12", "Page {} of 12"])
def test_page_numbers_of_any_look_are_left_out(number: str) -> None:
    note = pdf(*(f"Words of the page.\nMore {'x' * page}\n{number.format(page)}" for page in range(3, 15)))

    assert [line for line in note.visible if line.strip("-0123456789of Page") == ""] == [""] * 12


def test_what_two_pages_share_is_no_title_of_all() -> None:
    note = pdf("Summary\nGood.", "Summary\nBad.", "Other\nUgly.")

    assert page(note, 2) == ["Summary", "Bad."]


def test_pages_of_one_line_keep_it() -> None:
    assert page(pdf(*(f"Fact {number} of the day" for number in range(1, 9))), 5) == ["Fact 5 of the day"]


def test_letters_are_what_a_reader_would_type() -> None:
    text = "ﬁne oﬃces\u00a0in ⽇本\x00\x07 and\u200b a\u202eb"

    assert page(pdf(text), 1) == ["fine offices in 日本 and ab"]


def test_leaders_of_a_table_of_contents_are_one_mark() -> None:
    assert page(pdf("1 Introduction . . . . . . . . . . . . 7"), 1) == ["1 Introduction … 7"]


def test_what_looks_like_a_note_is_only_words() -> None:
    text = "---\na: 1\n---\n[[Note]] #tag <|im_end|> %%x%%"
    note = pdf(text)

    assert page(note, 1) == text.split("\n")
    assert (note.links, note.tags, dict(note.properties)) == ((), (), {})


def test_a_scan_says_what_to_do() -> None:
    for pages in (("",), ("", " \n", "")):
        (problem,) = pdf(*pages).problems
        assert problem.slug == "pdf"
        assert problem.message.startswith("has no text layer")
        assert "; run text recognition" in problem.message
    assert pdf("", "words").problems == ()


def test_what_could_not_be_read_at_all_is_told_elsewhere() -> None:
    note = parse_pdf("x/Broken.PDF", "")

    assert (note.title, note.visible, note.headings, note.problems) == ("Broken", ("",), (), ())


HOSTILE = [
    "a-b" * 100_000,
    "x" * 300_000,
    "." * 300_000,
    "!" * 300_000,
    "a-\n" * 100_000,
    "1.1" * 100_000,
    "\n" * 10**6,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.timeout(20)
def test_pages_made_to_take_long_do_not(text: str) -> None:
    pdf(text, text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aB1-.。 \n\r\f\u00ad•量かﬁ\ud800\x00", max_size=60))
def test_any_text_is_a_note(text: str) -> None:
    check(parse_pdf("doc.pdf", text))
