"""Writing links: in the vault's own style, and always to the file that is meant."""

from __future__ import annotations

import unicodedata
from itertools import product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultbot.types import Link
from vaultbot.vault.headings import find_heading
from vaultbot.vault.linktext import LinkFormat, LinkStyle, LinkWriter
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.resolver import Resolution, Resolver

VAULT = (
    "Note.md",
    "a/Note.md",
    "b/Note.md",
    "b/Only.md",
    "b/deep/Far.md",
    "y/Peer.md",
    "x/Peer.md",
    "aa/Tie.md",
    "bb/Tie.md",
    "Ext.MD",
    "My Note (draft).md",
    "日本語/量子化.md",
    "img/pic.png",
)
MARKDOWN = LinkStyle(use_markdown_links=True)
STYLES = [LinkStyle(form, markdown) for form, markdown in product(get_args(LinkFormat), (False, True))]


def written(target: str, source: str = "Note.md", *, style: LinkStyle | None = None, **wanted: object) -> str | None:
    """The link as it is written in a vault of these files."""
    return LinkWriter(Resolver((*VAULT, target)), style).link(target, source, **wanted)  # type: ignore[arg-type]


def only_link(text: str) -> Link:
    (link,) = parse_note("Note.md", text).links
    return link


# ── the three formats ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("target", "source", "link"),
    [
        ("b/Only.md", "Note.md", "[[Only]]"),
        ("Ext.MD", "Note.md", "[[Ext]]"),
        ("img/pic.png", "Note.md", "[[pic.png]]"),
        ("b/Note.md", "b/src.md", "[[b/Note]]"),  # the bare name would lead to the root's note
        ("Note.md", "b/src.md", "[[Note]]"),
        ("bb/Tie.md", "Note.md", "[[bb/Tie]]"),
        ("y/Peer.md", "y/src.md", "[[Peer]]"),
    ],
)
def test_the_shortest_link_is_the_name_where_that_is_enough(target: str, source: str, link: str) -> None:
    assert written(target, source) == link


@pytest.mark.parametrize(
    ("target", "source", "link"),
    [
        ("b/Only.md", "Note.md", "[[b/Only]]"),
        ("b/Only.md", "b/src.md", "[[Only]]"),
        ("b/deep/Far.md", "b/src.md", "[[deep/Far]]"),
        ("b/Only.md", "b/deep/src.md", "[[../Only]]"),
        ("x/Peer.md", "y/src.md", "[[../x/Peer]]"),
        ("b/Note.md", "b/src.md", "[[./Note]]"),  # without "./" it would lead to the root's note
        ("Note.md", "b/src.md", "[[../Note]]"),
    ],
)
def test_a_relative_link_starts_from_the_notes_folder(target: str, source: str, link: str) -> None:
    assert written(target, source, style=LinkStyle("relative")) == link


def test_an_absolute_link_is_the_whole_path() -> None:
    style = LinkStyle("absolute")

    assert written("b/Only.md", "b/src.md", style=style) == "[[b/Only]]"
    assert written("Note.md", "b/src.md", style=style) == "[[Note]]"


def test_a_path_hidden_by_a_longer_one_of_the_same_end_is_written_from_the_root() -> None:
    writer = LinkWriter(Resolver(["v1.md.md", "v1.md"]))

    assert writer.link("v1.md.md", "x.md") == "[[/v1.md.md]]"


def test_files_that_differ_in_case_only_are_written_as_they_are_spelt() -> None:
    writer = LinkWriter(Resolver(["a/Note.md", "a/note.md"]))

    assert [writer.link(path, "x.md") for path in ("a/note.md", "a/Note.md")] == ["[[a/note]]", "[[a/Note]]"]


def test_a_name_that_the_disk_keeps_decomposed_is_written_as_people_type_it() -> None:
    nfd, nfc = (unicodedata.normalize(form, "Café") for form in ("NFD", "NFC"))

    assert LinkWriter(Resolver([nfd + ".md"])).link(nfd + ".md", "x.md") == f"[[{nfc}]]"
    both = LinkWriter(Resolver([nfd + ".md", nfc + ".md"]))
    assert [both.link(name + ".md", "x.md") for name in (nfd, nfc)] == [f"[[{nfd}]]", f"[[{nfc}]]"]


def test_the_vault_as_it_is_now_decides() -> None:
    resolver = Resolver(["b/Only.md"])
    writer = LinkWriter(resolver)
    assert writer.link("b/Only.md", "x.md") == "[[Only]]"

    resolver.add("Only.md")
    assert writer.link("b/Only.md", "x.md") == "[[b/Only]]"


def test_there_is_no_link_to_a_file_that_is_not_there() -> None:
    assert LinkWriter(Resolver(["Other.md"])).link("Gone.md", "Other.md") is None


# ── what a reader sees ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("target", "display", "link"),
    [
        ("b/Only.md", "Only", "[[Only]]"),
        ("b/Only.md", "only", "[[Only|only]]"),  # to the letter
        ("b/Only.md", "the only one", "[[Only|the only one]]"),
        ("a/Note.md", "Note", "[[a/Note|Note]]"),
        ("img/pic.png", "pic", "[[pic.png|pic]]"),
        ("b/Only.md", "Sq]uare [x] *y* `z`", "[[Only|Sq]uare [x] *y* `z`]]"),
        ("b/Only.md", "this | that", "[[Only|this | that]]"),
        ("b/Only.md", "a]]b", r"[a\]\]b](Only.md)"),  # no wikilink can show it
        ("b/Only.md", "[[a", r"[\[\[a](Only.md)"),
        ("b/Only.md", "ends in ]", r"[ends in \]](Only.md)"),
    ],
)
def test_the_words_in_the_note_stay_what_they_were(target: str, display: str, link: str) -> None:
    assert written(target, display=display) == link
    assert parse_note("Note.md", f"see {link}.").visible == (f"see {display}.",)


@pytest.mark.parametrize(
    ("display", "link"),
    [
        ("the only one", "[the only one](Only.md)"),
        ("a [b] c", "[a [b] c](Only.md)"),
        ("a] *b* `c` <i> &amp; $d$", r"[a\] \*b\* \`c\` \<i> \&amp; \$d\$](Only.md)"),
        ("#tag", r"[\#tag](Only.md)"),
        ("this | that", "[this | that](Only.md)"),
    ],
)
def test_the_words_of_a_markdown_link_are_escaped_only_where_they_would_be_marks(display: str, link: str) -> None:
    assert written("b/Only.md", display=display, style=MARKDOWN) == link
    assert parse_note("Note.md", f"see {link}.").visible == (f"see {display}.",)


@pytest.mark.parametrize("display", ["two\nlines", "two\r\nlines", "", "  ", "50 %% off", "a\0b"])
@pytest.mark.parametrize("style", [LinkStyle(), MARKDOWN], ids=["wiki", "markdown"])
def test_words_that_no_link_can_show_are_refused(display: str, style: LinkStyle) -> None:
    assert written("b/Only.md", display=display, style=style) is None


def test_a_markdown_link_without_words_shows_the_name() -> None:
    assert written("a/Note.md", "b/src.md", style=MARKDOWN) == "[Note](a/Note.md)"
    assert written("b/Only.md", heading_path=["A", "B"], style=MARKDOWN) == "[Only > A > B](Only.md#A#B)"


def test_in_a_table_no_pipe_parts_a_cell() -> None:
    links = [
        written("b/Only.md", table=True),
        written("b/Only.md", display="one", table=True),
        written("b/Only.md", display="1 | 2", table=True),
        written("a|b.md", display="one", table=True),
        written("b/Only.md", display="1 | 2", table=True, style=MARKDOWN),
    ]

    assert links == [
        "[[Only]]",
        r"[[Only\|one]]",
        r"[[Only\|1 \| 2]]",
        "[one](a%7Cb.md)",
        r"[1 \| 2](Only.md)",
    ]
    for link in links:
        note = parse_note("Note.md", f"| a | b |\n|---|---|\n| {link} | end |")
        assert [one.raw for one in note.links] == [link]
        assert note.visible[2].endswith(" | end")


# ── headings and embeds ────────────────────────────────────────────────────────────────────────────────────────


def test_a_heading_is_written_with_its_parents() -> None:
    assert written("b/Only.md", heading_path=["Bread", "Why it works?"]) == "[[Only#Bread#Why it works?]]"
    assert written("b/Only.md", heading_path=["Bread"], display="Only") == "[[Only#Bread|Only]]"
    assert written("b/Only.md", heading_path=["Rye bread (50%)"], style=MARKDOWN) == (
        "[Only > Rye bread (50%)](Only.md#Rye%20bread%20%2850%25%29)"
    )


def test_a_heading_of_the_same_note_needs_no_name() -> None:
    assert written("b/Only.md", "b/Only.md", heading_path=["Bread"]) == "[[#Bread]]"
    assert written("b/Only.md", "b/Only.md", heading_path=["Bread"], style=MARKDOWN) == "[Bread](#Bread)"
    assert written("b/Only.md", "b/Only.md") == "[[Only]]"


@pytest.mark.parametrize("style", STYLES, ids=str)
@pytest.mark.parametrize(
    "line",
    ["A: b/c?", "C#", "See [[Other|this]] ^now", "100 %% off", "`x` | *y*", "量子化", "$5 (five)", "a \\ b", "[x] #y"],
)
def test_a_link_to_a_heading_finds_it_whatever_its_marks(line: str, style: LinkStyle) -> None:
    note = parse_note("b/Only.md", f"# Other\n## Top\n### {line}\n### Last\n")
    wanted = note.headings[2]
    link = written(note.path, heading_path=wanted.written, style=style)

    assert link is not None
    assert find_heading(note.headings, only_link(link).subpath) == wanted


def test_a_heading_of_nothing_but_marks_cannot_be_linked_and_as_a_parent_is_not_needed() -> None:
    assert written("b/Only.md", heading_path=["Top", "[^]"]) is None
    assert written("b/Only.md", heading_path=["[^]", "Bread"]) == "[[Only#Bread]]"


def test_an_embed_is_written_with_its_mark() -> None:
    assert written("img/pic.png", embed=True) == "![[pic.png]]"
    assert written("b/Only.md", embed=True, heading_path=["Bread"]) == "![[Only#Bread]]"
    assert written("img/pic.png", embed=True, display="a cat") == "![[pic.png|a cat]]"
    assert written("b/Only.md", embed=True, display="Only") == "![[Only|Only]]"
    assert written("img/pic.png", embed=True, style=MARKDOWN) == "![](pic.png)"
    assert written("img/pic.png", embed=True, display="a cat", style=MARKDOWN) == "![a cat](pic.png)"


def test_words_that_an_embed_would_take_for_a_size_are_refused() -> None:
    assert written("img/pic.png", embed=True, display="100x100") is None


# ── odd names ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("a#1", "[a#1](a%231.md)"),
        ("a|b", "[a|b](a%7Cb.md)"),
        ("a^b", "[a^b](a%5Eb.md)"),
        ("Title: words", "[Title: words](Title%3A%20words.md)"),
        ("50%% off", "[50% off](50%25%25%20off.md)"),  # as a wikilink it could open a comment
        ("[[x]]", r"[\[\[x\]\]](%5B%5Bx%5D%5D.md)"),
        ("<% date %>", "[<% date %>](%3C%25%20date%20%25%3E.md)"),
    ],
)
def test_a_name_that_no_wikilink_can_hold_becomes_a_markdown_link(name: str, link: str) -> None:
    assert written(name + ".md") == link


@pytest.mark.parametrize(
    ("path", "destination"),
    [
        ("My Note (draft).md", "My%20Note%20%28draft%29.md"),
        ("日本語/量子化.md", "量子化.md"),  # letters stay letters
        ("100%.md", "100%25.md"),
        ("a%20b.md", "a%2520b.md"),
        ("<x>.md", "%3Cx%3E.md"),
        ("q & a, c++ 'x' = y!.md", "q%20&%20a,%20c++%20'x'%20=%20y!.md"),
        ("a\u3000b.md", "a%E3%80%80b.md"),
        ("a&amp;b.md", "a%26amp;b.md"),
    ],
)
def test_a_markdown_link_encodes_what_it_must_and_no_more(path: str, destination: str) -> None:
    assert written(path, "x/src.md", display="t", style=MARKDOWN) == f"[t]({destination})"


@pytest.mark.parametrize("name", ["a$b.md", "a`b.md", "a|b.md"])
def test_a_mark_in_the_name_pairs_with_none_in_the_sentence(name: str) -> None:
    link = written(name, display="t", style=MARKDOWN)
    cell = parse_note("Note.md", f"|x|\n|-|\n|{link}|")

    assert only_link(f"it cost $4 and ` then, {link}").linkpath == name
    assert [(one.linkpath, one.raw) for one in cell.links] == [(name, link)]


def test_a_name_that_no_link_can_hold_is_said_to_have_none() -> None:
    writer = LinkWriter(Resolver(["src/Makefile", "src/Makefile.md"]))

    assert writer.link("src/Makefile", "x.md") is None  # Every link that names it means the note.


# ── round trip ─────────────────────────────────────────────────────────────────────────────────────────────────

_SEGMENT = st.one_of(
    st.sampled_from(["a", "b", "Note", "note", "My Note", "é", "e\u0301", "量子", "x.y", "v.md", "🚀", "a\u00a0b"]),
    st.text("aB #%[]()|^:<>{}&;$`*_~=!'\",-+\\\u3000é日🚀", min_size=1, max_size=6).filter(lambda name: name[0] != "."),
)
_PATH = st.builds(
    lambda names, suffix: "/".join(names) + suffix,
    st.lists(_SEGMENT, min_size=1, max_size=3),
    st.sampled_from([".md", ".md", ".MD", ".png", ".canvas"]),
)
_WORDS = st.text("ab [](){}|\\*_`$#%&<>!=~^é日🚀", min_size=1, max_size=10)
_HEADINGS = st.lists(st.text("ab #^[]|\\%:*`$()é日", min_size=1, max_size=8), max_size=2)


@settings(max_examples=400, deadline=None)
@given(
    st.sets(_PATH, min_size=1, max_size=10),
    _PATH,
    st.sampled_from(STYLES),
    st.one_of(st.none(), _WORDS),
    _HEADINGS,
    st.booleans(),
    st.booleans(),
)
def test_a_written_link_is_read_and_leads_back(
    files: set[str],
    source: str,
    style: LinkStyle,
    display: str | None,
    headings: list[str],
    embed: bool,
    table: bool,
) -> None:
    resolver = Resolver(files)
    writer = LinkWriter(resolver, style)

    for target in files:
        link = writer.link(target, source, display=display, heading_path=headings, embed=embed, table=table)
        if link is None:
            continue
        before, after = ("x | y\n-|-\n", " | end") if table else ("before ", " after")
        note = parse_note(source, before + link + after)
        (read,) = note.links
        assert (read.raw, read.embed) == (link, embed)
        assert resolver.resolve(read.linkpath, source) == Resolution(target)
        assert bool(read.subpath) == bool(headings)
        if embed:
            assert read.display == display
        elif display is not None and not table:
            assert note.visible == (f"before {display} after",)


@settings(max_examples=200, deadline=None)
@given(st.sets(_PATH, min_size=1, max_size=10), _PATH, st.sampled_from(STYLES))
def test_every_file_has_a_link_unless_its_name_is_taken(files: set[str], source: str, style: LinkStyle) -> None:
    """Taken: `x` by `x.md`, and of names that differ in composition or no-break spaces only, all but the spelt one."""
    resolver = Resolver(files)
    writer = LinkWriter(resolver, style)
    reachable = {path for path in files if resolver.resolve("/" + path, source) == Resolution(path)}

    assert {path for path in files if writer.link(path, source) is None}.isdisjoint(reachable)
