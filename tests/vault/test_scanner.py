"""What counts as code, comment, heading or words: the block structure of a note."""

from __future__ import annotations

import pytest

from vaultbot.types import Note
from vaultbot.vault.markdown import parse_note


def linked(text: str) -> list[str]:
    return [link.linkpath for link in parse_note("Note.md", text).links]


def masked(text: str) -> list[tuple[str, str]]:
    note = parse_note("Note.md", text)
    return [(mask.kind, note.text[mask.start : mask.end]) for mask in note.masks]


@pytest.mark.parametrize(
    "text",
    [
        "```py\n[[Only]]\n```",
        "~~~\n[[Only]]\n~~~",
        "````\n```\n[[Only]]\n````",
        "```\nx\n``` y\n[[Only]]",
        "```\n[[Only]]",
        "```md\n    ```\n[[Only]]\n```",
        "- a\n  ```\n  [[Only]]\n  ```",
        "- a\n      ```\n      [[Only]]\n\n      [[Only]]\n      ```",
        "> ```\n> [[Only]]\n> ```",
        "> - ~~~\n>   [[Only]]",
        "para\n\n    [[Only]]",
        "para\n\n\t[[Only]]\n\n\t[[Only]]",
        "- a\n\n      [[Only]]",
    ],
    ids=lambda text: text.replace("\n", "⏎"),
)
def test_a_link_in_a_code_block_is_code(text: str) -> None:
    assert linked(text) == []
    assert {kind for kind, _ in masked(text)} == {"code"}


@pytest.mark.parametrize(
    "text",
    [
        "- a\n    [[Only]]",
        "- a\n\n    [[Only]]",
        "- a\n\t- b\n\t\t- [[Only]]",
        "1. a\n   - [[Only]]",
        "para\n    [[Only]]",
        "> quote\n    [[Only]]",
        "```\ncode\n```\n[[Only]]",
        "> ```\n> code\n\n[[Only]]",
        "- ```\n  code\n\n[[Only]]",
        "``` not`a fence\n\n[[Only]]",
        "> [!note]- T\n> [[Only]]",
        "- [-] x [[Only]]",
        "| a |\n|---|\n| [[Only]] |",
        "text[^1]\n\n[^1]: see [[Only]]",
        "# Title [[Only]]",
        "[[Only]]\n===",
        "due:: [[Only]]",
        "%%\nnote to self\n%% [[Only]]",
        "<!-- a\nb --> [[Only]]",
        "$$\nx\n$$ [[Only]]",
        "<div>\nhtml\n</div>\n\n[[Only]]",
        "a <b>\n[[Only]]",
    ],
    ids=lambda text: text.replace("\n", "⏎"),
)
def test_a_link_in_ordinary_words_is_a_link(text: str) -> None:
    assert linked(text) == ["Only"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<!-- [[Only]] #hid -->", "html-comment"),
        ("<!--\n\n[[Only]]\n\n", "html-comment"),
        ("<div>\n[[Only]] #t\n</div>", "html"),
        ("<script>\n\n[[Only]]\n</script>", "html"),
        ("<?php\n[[Only]] ?>", "html"),
        ("$$\n[[Only]] #t\n\n$$", "math"),
        ("> $$\n> [[Only]]\n> $$", "math"),
        ("```dataview\nLIST FROM [[Only]]\n```", "query"),
        ("~~~Tasks\n[[Only]]\n~~~", "query"),
        ("```base\n[[Only]]\n```", "query"),
        ("```mermaid\nA[[Only]]\n```", "code"),
    ],
)
def test_links_and_tags_do_not_count_in(text: str, kind: str) -> None:
    note = parse_note("Note.md", text)

    assert (note.links, note.tags) == ((), ())
    assert [mask.kind for mask in note.masks] == [kind]


def test_a_fence_tells_its_language() -> None:
    note = parse_note("Note.md", "``` Python title=x\na\n```\n\n    plain")

    assert [mask.lang for mask in note.masks] == ["python", ""]


class TestComments:
    def test_links_and_tags_in_a_comment_count_and_say_so(self) -> None:
        note = parse_note("Note.md", "%% [[Only]] #hid %% [[Open]] #seen")

        assert [(link.linkpath, link.in_comment) for link in note.links] == [("Only", True), ("Open", False)]
        assert [(tag.name, tag.in_comment) for tag in note.tags] == [("hid", True), ("seen", False)]
        assert masked("%% [[Only]] #hid %%") == [("comment", "%% [[Only]] #hid %%")]

    def test_a_comment_may_go_on_over_blank_lines(self) -> None:
        text = "before %% one\n\n# not a heading\n\n[[Only]] %% after"

        assert masked(text) == [("comment", "%% one\n\n# not a heading\n\n[[Only]] %%")]
        assert parse_note("Note.md", text).headings == ()

    def test_a_comment_that_opens_a_line_and_never_closes_hides_the_rest(self) -> None:
        assert masked("seen\n%% private\n\nmore") == [("comment", "%% private\n\nmore")]

    def test_two_percent_signs_within_a_line_alone_are_no_comment(self) -> None:
        assert masked("100%% sure\n\n[[Only]]") == []

    def test_percent_signs_in_code_open_no_comment(self) -> None:
        assert masked("write `%%` to open\n\nand `%%` to close") == [("code", "`%%`"), ("code", "`%%`")]

    def test_a_comment_may_begin_in_a_table(self) -> None:
        text = "| a |\n|---|\n| b %% c |\n| d %% e |\n\n[[Only]]"

        assert masked(text) == [("comment", "%% c |\n| d %%")]
        assert linked(text) == ["Only"]


class TestHeadings:
    @pytest.mark.parametrize(
        ("line", "level", "text"),
        [
            ("# Bread", 1, "Bread"),
            ("   ###### Bread ##", 6, "Bread"),
            ("## C# ", 2, "C#"),
            ("## Bread #1", 2, "Bread #1"),
            ("## **Bold** and `code`", 2, "Bold and code"),
            ("## [[Only|a link]] ^id", 2, "a link"),
            ("# ![[pic.png]]", 1, "![[pic.png]]"),
            ("#", 1, ""),
            ("Bread\n---", 2, "Bread"),
            ("Rye\nbread\n===", 1, "Rye bread"),
        ],
    )
    def test_a_heading_has_its_words_without_the_marks(self, line: str, level: int, text: str) -> None:
        (heading,) = parse_note("Note.md", line).headings

        assert (heading.level, heading.text) == (level, text)

    @pytest.mark.parametrize(
        "text", ["#tag", "####### seven", "    # code", "> # quoted", "```\n# code\n```", "- # item", r"\# x"]
    )
    def test_this_is_no_heading(self, text: str) -> None:
        assert parse_note("Note.md", "\n" + text).headings == ()

    def test_a_heading_knows_its_parents_and_place(self) -> None:
        note = parse_note("H.md", "# Top\n## Alpha\n#### Deep\n## Gamma\n### Beta\n# End")

        assert [heading.path for heading in note.headings] == [
            ("Top",),
            ("Top", "Alpha"),
            ("Top", "Alpha", "Deep"),
            ("Top", "Gamma"),
            ("Top", "Gamma", "Beta"),
            ("End",),
        ]
        beta = note.headings[4]
        assert (beta.line, note.text[beta.start : beta.end]) == (5, "### Beta")

    def test_a_line_of_dashes_after_a_blank_line_is_a_rule(self) -> None:
        assert parse_note("Note.md", "words\n\n---\n\n- - -\n***").headings == ()


class TestBlockIds:
    @staticmethod
    def ids(text: str) -> list[str]:
        note = parse_note("Note.md", text)
        assert all(note.text[block.start : block.end] == f"^{block.name}" for block in note.blocks)
        return [block.name for block in note.blocks]

    @pytest.mark.parametrize(
        "text",
        [
            "para ^blk-1",
            "two\nlines ^blk-1  ",
            "- a\n- item ^blk-1\n- b",
            "> quote\n\n^blk-1",
            "| a |\n|---|\n| b |\n^blk-1",
            "```\ncode\n```\n^blk-1",
            "![[pic.png]]^blk-1",
            "> quote ^blk-1",
        ],
    )
    def test_a_block_id_ends_a_block(self, text: str) -> None:
        assert self.ids(text) == ["blk-1"]

    @pytest.mark.parametrize(
        "text", ["E = mc^2", "$a ^b$", "`a ^b`", "```\nx ^id\n```", "a ^two words", "a ^ü", "a ^", "[^1]"]
    )
    def test_this_is_no_block_id(self, text: str) -> None:
        assert self.ids(text) == []


def test_a_thousand_nested_quotes_are_read_as_words_at_some_depth() -> None:
    note: Note = parse_note("Note.md", "> " * 1000 + "[[Only]]\n" + "- " * 1000 + "[[Only]]")

    assert [link.line for link in note.links] == [1, 2]


class TestFootnotes:
    """Where footnotes begin and end, by the line that refers to them."""

    @pytest.mark.parametrize(
        ("text", "footnotes"),
        [
            ("a[^1]\n\n[^1]: b", {1: ((3, 3),)}),
            ("a[^1]\n\n[^1]: b\nc\n\nd", {1: ((3, 5),)}),
            ("a[^1]\n\n[^1]: b\n\n    c\n\n    - d\n\ne", {1: ((3, 8),)}),
            ("[^1]: b\n[^2]: c\n\na[^2]\nb[^1]", {4: ((2, 3),), 5: ((1, 1),)}),
            ("a[^1][^2]\n\n[^1]: b\n[^2]: c", {1: ((3, 3), (4, 4))}),
            ("a[^1]\nb[^1]\n\n[^1]: c", {1: ((4, 4),)}),
            ("a[^1]\n\n[^1]: b\n## H", {1: ((3, 3),)}),
            ("a[^1]\n\n[^1]: b\n- c", {1: ((3, 3),)}),
            ("> a[^1]\n> [^1]: b\n\nc", {1: ((2, 2),)}),
            ("a[^1]\n\n[^1]: b\n[^1]: c", {1: ((3, 3),)}),
            ("a[^1]", {}),
            ("[^1]: b", {}),
            ("`[^1]` %%[^1]%%\n\n[^1]: b", {}),
            ("a[^1]\n\n```\n[^1]: b\n```", {}),
        ],
    )
    def test_a_line_knows_the_footnotes_it_refers_to(
        self, text: str, footnotes: dict[int, tuple[tuple[int, int], ...]]
    ) -> None:
        for newline in ("\n", "\r\n"):
            assert parse_note("Note.md", text.replace("\n", newline)).footnotes == footnotes

    def test_a_heading_below_a_footnote_is_a_heading(self) -> None:
        note = parse_note("Note.md", "[^1]: b\n## H\n\n[^2]: c\n\n    ## D\n\n# T")

        assert [heading.text for heading in note.headings] == ["H", "T"]

    def test_code_keeps_its_language(self) -> None:
        note = parse_note("Note.md", "```mermaid\nA\n```\n~~~{.Python}\nb\n~~~\n```\nc\n```")

        assert [(mask.kind, mask.lang) for mask in note.masks] == [
            ("code", "mermaid"),
            ("code", "python"),
            ("code", ""),
        ]
