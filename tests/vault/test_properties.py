"""What holds for every note and every vault, tried on made-up Markdown of all kinds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.spans import Placed, assert_chunks_hold, assert_places_hold
from vaultbot.index.chunker import chunk_note, estimate_tokens
from vaultbot.types import Note
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.resolver import Resolution, Resolver

# ── made-up notes ──────────────────────────────────────────────────────────────────────────────────────────────

# fmt: off
_INLINE = st.sampled_from([
    "plain words", "a.", "量子化。", "🚀", "e\u0301", "\u3000", "\u200d", "\ud800", "&amp;", "\\", "\\[[x]]", "a_b_c",
    "- ", "[[Note]]", "[[Note#H|shown]]", "[[a/Only|量]]", "![[pic.png|100]]", "[[#^id]]", "[t](My%20Note.md)",
    "[t](<a b.md>)", "[![alt](pic.png)](Note.md)", "[x](https://a.b/#c)", "https://a.b/#c", "[#tag](u)", "[^1]",
    "^[note]", "[ ]", "`code [[x]] #t`", "``a`b``", "$x^2$", "$5", "$$y$$", "%%hidden [[Only]] #t%%", "<!-- [[x]] -->",
    "<b>bold</b>", "<br>", "#tag/sub", "#日本", "#1", "a#b", "**bold**", "*it*", "==h==", "~~s~~", "_#u_", "^id",
    " ^block-1", "key:: [[v]]", "(k:: v)", "[[", "]]", "[", "]", "](", "`", "```", "$", "$$", "%%", "<!--", "-->", "<",
    "|", "\\|", "*", "_", "#", "^", "!", "{{date}}",
])
# fmt: on
_LINE = st.lists(_INLINE, min_size=1, max_size=5).flatmap(
    lambda found: st.sampled_from([" ", ""]).map(lambda j: j.join(found))
)
_LINES = st.lists(_LINE, min_size=1, max_size=4)


def _each(before: str) -> st.SearchStrategy[str]:
    return _LINES.map(lambda lines: "\n".join(before + line for line in lines))


def _between(opening: str, closing: str) -> st.SearchStrategy[str]:
    return _LINES.map(lambda lines: "\n".join([opening, *lines, closing]))


_BLOCK = st.one_of(
    _each(""),
    st.builds("{} {}".format, st.sampled_from(["#", "##", "######", "#######", "-", "1.", "- [x]", "[^1]:"]), _LINE),
    _LINE.map(lambda line: f"{line}\n==="),
    *map(_each, ["- ", "  - ", "1. ", "> ", "> > ", "> - ", "    ", "\t", "- > ", "   "]),
    _LINES.map(lambda lines: "> [!note]- " + "\n> ".join(lines)),
    _LINES.map(lambda lines: "| a | b |\n| - | - |\n" + "\n".join(f"| {line} | x |" for line in lines)),
    _between("```py", "```"),
    _between("~~~~", "~~~~"),
    _between("```", ""),
    _between("```dataview", "```"),
    _between("- ```", "  ```"),
    _between("> $$", "> $$"),
    _between("$$", "$$"),
    _between("%%", "%%"),
    _between("<!--", "-->"),
    _between("<div>", "</div>"),
    _between("<script>", "</script>"),
    st.sampled_from(["---", "***", "^block-2", "", " ", "%%", "$$", "<div>", "\t", "key:: [[v]]"]),
)
_FRONTMATTER = st.one_of(
    st.just(""),
    st.lists(
        st.sampled_from(
            [
                *(
                    'is: "[[note]]"',
                    "of: [[x]]",
                    'up:\n  - "[[Only|a]]"',
                    "tags: [a, b/c]",
                    "tags: #x",
                    "aliases: [ai, 量]",
                ),
                *(
                    "when: 12:30",
                    "a: {b: [c]}",
                    "bad: [",
                    "a: *b",
                    "---",
                    "\tx: y",
                    'q: "[[a]] \\n b"',
                    "alias: x",
                    "# c",
                    "é: 🚀",
                ),
            ]
        ),
        max_size=4,
    ).map(lambda lines: "\n".join(["---", *lines, "---", ""])),
)
NOTES = st.builds(
    lambda front, blocks, gap: front + gap.join(blocks),
    _FRONTMATTER,
    st.lists(_BLOCK, max_size=8),
    st.sampled_from(["\n\n", "\n"]),
)


@settings(max_examples=300, deadline=None)
@given(NOTES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_the_places_in_any_note_are_right_and_so_are_its_chunks(text: str, line_end: str) -> None:
    note = parse_note("a/Note.md", text.replace("\n", line_end))

    assert_places_hold(note)
    assert_chunks_hold(note, chunk_note(note, max_tokens=30, count_tokens=estimate_tokens))


@settings(max_examples=300, deadline=None)
@given(NOTES)
def test_with_windows_line_ends_everything_stands_as_much_later_as_there_are_lines_before_it(text: str) -> None:
    unix, windows = parse_note("Note.md", text), parse_note("Note.md", text.replace("\n", "\r\n"))

    for kind in ("links", "tags", "headings", "blocks", "masks"):
        expected = [(one.start + text.count("\n", 0, one.start), one.end + text.count("\n", 0, one.end))
                    for one in getattr(unix, kind)]  # fmt: skip
        assert _spans(getattr(windows, kind)) == expected
    assert [heading.written for heading in windows.headings] == [heading.written for heading in unix.headings]
    assert (windows.properties, windows.aliases, windows.body_line) == (unix.properties, unix.aliases, unix.body_line)


def _spans(placed: Iterable[Placed]) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in placed]


@settings(max_examples=200, deadline=None)
@given(NOTES)
def test_what_stands_in_code_and_formulas_changes_nothing_outside(text: str) -> None:
    note = parse_note("Note.md", text)
    without = list(text)
    for mask in note.masks:
        if mask.kind in ("code", "query", "math"):
            without[mask.start : mask.end] = [
                " x"[c in "[]#"] if c in "[]#" else c for c in text[mask.start : mask.end]
            ]
    other = parse_note("Note.md", "".join(without))

    assert [link.raw for link in other.links] == [link.raw for link in note.links]
    assert [tag.name for tag in other.tags] == [tag.name for tag in note.tags]
    assert _spans(other.masks) == _spans(note.masks)


# ── made-up vaults ─────────────────────────────────────────────────────────────────────────────────────────────

_NAMES = st.sampled_from(["a", "b", "Note", "note", "Café", "ガ", "x.y", "My Note"])
_FILES = st.builds(
    lambda names, extension: "/".join(names) + extension,
    st.lists(_NAMES, min_size=1, max_size=3),
    st.sampled_from([".md", ".md", ".MD", ".png"]),
)
_TARGETS = st.builds(
    lambda mark, names, extension: mark + "/".join(names) + extension,
    st.sampled_from(["", "", "", "/", "./", "../"]),
    st.lists(_NAMES, min_size=1, max_size=3),
    st.sampled_from(["", "", ".md", ".png"]),
)
_VAULTS = st.dictionaries(_FILES, st.lists(_TARGETS, max_size=4), max_size=8)

Edge = tuple[str, str, str | None, bool]


def edges(notes: Iterable[Note], resolver: Resolver) -> set[Edge]:
    """The graph: from where, by which link, to where, and whether that is sure."""
    found: set[Edge] = set()
    for note in notes:
        for link in note.links:
            to = resolver.resolve(link.linkpath, note.path)
            found.add((note.path, link.linkpath, to.path, to.ambiguous))
    return found


@settings(max_examples=150, deadline=None)
@given(_VAULTS, st.sampled_from(["NFC", "NFD"]), st.sampled_from(["NFC", "NFD"]))
def test_the_composition_of_names_and_of_links_makes_no_other_graph(
    vault: dict[str, list[str]], on_disk: Literal["NFC", "NFD"], in_text: Literal["NFC", "NFD"]
) -> None:
    def graph(names: Literal["NFC", "NFD"], links: Literal["NFC", "NFD"]) -> set[Edge]:
        notes = [
            parse_note(
                unicodedata.normalize(names, path),
                unicodedata.normalize(links, " ".join(f"[[{target}]] [t](<{target}>)" for target in targets)),
            )
            for path, targets in vault.items()
        ]
        return edges(notes, Resolver(note.path for note in notes))

    composed = {tuple(part and unicodedata.normalize("NFC", part) if isinstance(part, str) else part for part in edge)
                for edge in graph(on_disk, in_text)}  # fmt: skip
    assert composed == graph("NFC", "NFC")


_CHANGES = st.lists(st.tuples(st.booleans(), _FILES), max_size=20)


@settings(max_examples=200, deadline=None)
@given(st.sets(_FILES, max_size=10), _CHANGES, st.lists(st.tuples(_TARGETS, _FILES), min_size=1, max_size=10))
def test_after_any_comings_and_goings_links_lead_where_a_new_look_at_the_vault_says(
    files: set[str], changes: list[tuple[bool, str]], links: list[tuple[str, str]]
) -> None:
    resolver, now = Resolver(files), set(files)
    for comes, path in changes:
        if comes:
            resolver.add(path)
            now.add(path)
        else:
            resolver.remove(path)
            now.discard(path)

    assert _resolutions(resolver, links) == _resolutions(Resolver(now), links)


@settings(max_examples=150, deadline=None)
@given(st.sets(_FILES, max_size=10), st.sets(_FILES, max_size=5), st.lists(st.tuples(_TARGETS, _FILES), min_size=1))
def test_files_that_come_and_go_again_leave_every_link_as_it_was(
    files: set[str], passing: set[str], links: list[tuple[str, str]]
) -> None:
    resolver = Resolver(files)
    before = _resolutions(resolver, links)
    for path in passing - files:
        resolver.add(path)
    for path in passing - files:
        resolver.remove(path)

    assert _resolutions(resolver, links) == before


def _resolutions(resolver: Resolver, links: Iterable[tuple[str, str]]) -> list[Resolution]:
    return [resolver.resolve(link, source) for link, source in links]
