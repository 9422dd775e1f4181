"""Links, tags and masks within a paragraph."""

from __future__ import annotations

import pytest

from vaultbot.types import Link
from vaultbot.vault.markdown import parse_note


def links(text: str) -> list[tuple[str, str, str | None]]:
    return [(link.linkpath, link.subpath, link.display) for link in parse_note("Note.md", text).links]


def tags(text: str) -> list[str]:
    return [tag.name for tag in parse_note("Note.md", text).tags]


def only_link(text: str) -> Link:
    (link,) = parse_note("Note.md", text).links
    return link


class TestWikilinks:
    @pytest.mark.parametrize(
        ("text", "linkpath", "subpath", "display"),
        [
            ("[[Note]]", "Note", "", None),
            ("[[Note.md]]", "Note.md", "", None),
            ("[[folder/Note|Text]]", "folder/Note", "", "Text"),
            ("[[Note#H1#H2]]", "Note", "#H1#H2", None),
            ("[[#Alpha]]", "", "#Alpha", None),
            ("[[Note#^id]]", "Note", "#^id", None),
            ("[[Note#]]", "Note", "", None),
            ("[[ Note  ]]", "Note", "", None),
            ("[[ Note | shown ]]", "Note", "", "shown"),
            ("[[Sq]uare]]", "Sq]uare", "", None),
            ("[[a [b] c]]", "a [b] c", "", None),
            ("[[[a]]]", "a", "", None),
            ("[[Nested [[Only]] x]]", "Only", "", None),
            ("[[H#Alpha|a|b]]", "H", "#Alpha", "a|b"),
            ("[[My%20Note]]", "My%20Note", "", None),
            ("[[doc.pdf#page=3]]", "doc.pdf", "#page=3", None),
            ("[[a `b]] c` d", "a `b", "", None),
            ("[[$a]] and $5", "$a", "", None),
            ("[[Note]](not a destination)", "Note", "", None),
            ("[[Only|AI]]", "Only", "", "AI"),
            (r"| x |⏎|---|⏎| [[Only\|x]] |", "Only", "", "x"),
        ],
    )
    def test_a_wikilink_is_read_as_written(self, text: str, linkpath: str, subpath: str, display: str | None) -> None:
        assert links(text.replace("⏎", "\n")) == [(linkpath, subpath, display)]

    @pytest.mark.parametrize(
        "text",
        [
            "[[]]",
            "[[ ]]",
            "[[|x]]",
            "[[#]]",
            "[[No\nte]]",
            "[[No\r\nte]]",
            r"\[[Only]]",
            "`[[Only]] #t`",
            "``[[Only]] ` #t``",
            "$[[Only]] #x$",
            "a $$[[Only]]$$",
            "a <!-- [[Only]] -->",
            "[[https://a.b]]",
            "[[<% tp.date.now() %>]]",
            "[[{{date}}]]",
            '<a title="[[Only]]">x</a>',
            "[[Only",
        ],
    )
    def test_this_is_no_link(self, text: str) -> None:
        assert links(text) == []

    def test_dollars_are_money_unless_they_embrace_a_formula(self) -> None:
        assert links("it costs $5 and [[Only]] for $6") == [("Only", "", None)]
        assert links("$5 [[Only]] 6$5") == [("Only", "", None)]
        assert links("$ x [[Only]]$") == [("Only", "", None)]
        assert links("$x\n[[Only]]$") == [("Only", "", None)]

    def test_an_embed_is_marked_and_its_size_is_no_text(self) -> None:
        picture = only_link("see ![[pic.png|100x145]]")

        assert (picture.embed, picture.linkpath, picture.display) == (True, "pic.png", None)
        assert only_link("![[Note#H|shown]]").display == "shown"
        assert not only_link(r"\![[Note]]").embed

    def test_a_link_knows_where_it_stands(self) -> None:
        note = parse_note("Note.md", "---\na: b\n---\none\ntwo 🚀 ![[Note]]")
        (link,) = note.links

        assert (link.raw, link.line, link.col) == ("![[Note]]", 5, 7)
        assert note.text[link.start : link.end] == link.raw


class TestMarkdownLinks:
    @pytest.mark.parametrize(
        ("text", "linkpath", "subpath"),
        [
            ("[t](My%20Note.md)", "My Note.md", ""),
            ("[t](<My Note.md>)", "My Note.md", ""),
            ("[t](a%231.md)", "a#1.md", ""),
            ("[t](a#1.md)", "a", "#1.md"),
            ("[t](H.md#Alpha%20one%20two)", "H.md", "#Alpha one two"),
            ('[t](Note.md "tip")', "Note.md", ""),
            ("[t]( Note.md 'a (tip)' )", "Note.md", ""),
            ("[t](#Alpha)", "", "#Alpha"),
            ("[t](a_(b).md)", "a_(b).md", ""),
            (r"[t](a\_b.md)", "a_b.md", ""),
            ("[a [b] c](x.md)", "x.md", ""),
            ("[`]`](x.md)", "x.md", ""),
            ("[t](100%.md)", "100%.md", ""),
            ("[![alt](https://a.b/c.png)](x.md)", "x.md", ""),
        ],
    )
    def test_an_internal_link_is_split_first_and_decoded_then(self, text: str, linkpath: str, subpath: str) -> None:
        link = only_link(text)

        assert (link.kind, link.raw, link.linkpath, link.subpath) == ("markdown", text, linkpath, subpath)

    @pytest.mark.parametrize(
        "text",
        [
            "[t](https://a.b/c#frag)",
            "[t](obsidian://open?vault=x)",
            "[t](mailto:a@b.c)",
            "[t](//a.b/c)",
            "[t](My Note.md)",
            "[t]()",
            "[t](a(b.md)",
            "[t][ref]",
            "[ref]: Note.md",
            "`[t](x.md)`",
            r"\[t](x.md)",
            "[two\nlines](x.md)",
            "[t](<% tp.x %>)",
            "https://a.b/c",
            "<https://a.b/[t](x.md)>",
        ],
    )
    def test_this_leads_to_no_note(self, text: str) -> None:
        assert links(text) == []

    def test_a_picture_within_a_link_gives_both(self) -> None:
        note = parse_note("Note.md", "[![alt|80](pic.png)](x.md)")

        assert [(link.linkpath, link.embed, link.display) for link in note.links] == [
            ("x.md", False, "![alt|80](pic.png)"),
            ("pic.png", True, "alt"),
        ]


class TestTags:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("#1984", []),
            ("#y1984 #2024-goals", ["y1984", "2024-goals"]),
            ("#a/b/", ["a/b"]),
            ("#日本語 #café #🚀x", ["日本語", "café", "🚀x"]),
            ("#Tag #tag #TAG", ["Tag", "tag", "TAG"]),
            (r'(#x) "#x" .#x a#x —#x \#x', []),
            ("#tl#tm", ["tl", "tm"]),
            ("#tn/#to", ["tn", "to"]),
            ("[Discord #tf](u)", ["tf"]),
            ("[#tf](u) [#tg][ref] [#no]", ["tf", "tg"]),
            ("x _#uc_ y", ["uc"]),
            ("snake_case_#wc", ["wc"]),
            ("#snake_case", ["snake_case"]),
            ("**#b** ==#h== ~~#s~~", ["b", "h", "s"]),
            ("#tag, #tag2.", ["tag", "tag2"]),
            ("# x", []),
            ("a\u00a0#nbsp\u3000#wide\t#tab", ["nbsp", "wide", "tab"]),
            ("#a\u200db", ["a"]),
            ("[[Only]]#t", ["t"]),
            ("`c`#t", ["t"]),
            (">#q", ["q"]),
            ("- #item", ["item"]),
            ("a|b\n-|-\n|#cell|", ["cell"]),
            ("a |#no", []),
            ("[[a#b]] [[a|see #b]]", []),
            ("https://a.b/c#frag https://a.b/_#frag", []),
            ("```\n#code\n```", []),
            ("$#math$ `#code`", []),
        ],
    )
    def test_tags_are_found_where_obsidian_finds_them(self, text: str, names: list[str]) -> None:
        assert tags(text) == names

    def test_a_tag_knows_where_it_stands(self) -> None:
        note = parse_note("Note.md", "one\n- #a/b c")
        (tag,) = note.tags

        assert (tag.line, note.text[tag.start : tag.end]) == (2, "#a/b")


def test_masks_cover_code_formulas_comments_and_html() -> None:
    note = parse_note("Note.md", "`a` $b$ $$c$$ %%d%% <!--e--> <b>f</b>")

    assert [(mask.kind, note.text[mask.start : mask.end]) for mask in note.masks] == [
        ("code", "`a`"),
        ("math", "$b$"),
        ("math", "$$c$$"),
        ("comment", "%%d%%"),
        ("html-comment", "<!--e-->"),
        ("html", "<b>"),
        ("html", "</b>"),
    ]
