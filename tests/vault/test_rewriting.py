"""Edits within a note's text: what they make, and what they leave alone."""

from __future__ import annotations

import pytest

from vaultbot.suggestion import Edit, NewNote, PropertyValue, Replacement
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.rewriting import SAME_PLACE, rewrite


def link(text: str, words: str, written: str, *, nth: int = 0) -> Replacement:
    """The edit that puts a link in place of the nth occurrence of the words."""
    start = -1
    for _ in range(nth + 1):
        start = text.index(words, start + 1)
    return Replacement(start, start + len(words), written)


def made(text: str, *edits: Edit) -> str:
    done = rewrite("Home.md", text, edits)
    assert done.refused == {}
    return done.text


def refusal(text: str, *edits: Edit) -> str:
    done = rewrite("Home.md", text, edits)
    assert done.text == text
    (reason,) = done.refused.values()
    return reason


# ── words become links ──────────────────────────────────────────────────────────────────────────────────────


def test_words_become_a_link_and_nothing_else_changes() -> None:
    text = "\ufeffof compost, 🍅 and 肥料。\r\n\r\n| a | compost |\r\n| - | - |\r\n| compost | x |\r\n> [!tip] compost"
    body = text[1:]

    assert made(body, link(body, "compost", "[[Compost|compost]]")) == body.replace("compost", "[[Compost|compost]]", 1)
    assert made(body, link(body, "肥料", "[[Compost|肥料]]")) == body.replace("肥料", "[[Compost|肥料]]")
    assert made(body, link(body, "compost", r"[[Compost\|compost]]", nth=2)).count(r"| [[Compost\|compost]] | x |") == 1
    assert made(body, link(body, "compost", "[[Compost|compost]]", nth=3)).endswith("[!tip] [[Compost|compost]]")


def test_several_edits_of_a_note_are_made_at_once_whatever_their_order() -> None:
    text = "compost, peas and beans"
    edits = [link(text, word, f"[[{word}]]") for word in ("peas", "beans", "compost")]

    assert made(text, *edits, PropertyValue("tags", "garden")) == (
        "---\ntags:\n  - garden\n---\n[[compost]], [[peas]] and [[beans]]"
    )


def test_one_edit_that_cannot_be_made_does_not_keep_back_the_others() -> None:
    text = "`compost` and peas"

    done = rewrite("Home.md", text, [link(text, "compost", "[[compost]]"), link(text, "peas", "[[peas]]")])

    assert done.text == "`compost` and [[peas]]"
    assert list(done.refused) == [0]


@pytest.mark.parametrize(
    "text",
    [
        "a `compost` b",
        "```\ncompost\n```",
        "~~~\ncompost",
        "    compost",
        "$compost$",
        "$$\ncompost\n$$",
        "%% compost %%",
        "<!-- compost -->",
        "<b title=compost>x</b>",
        "[[compost]]",
        "[[Heap|compost]]",
        "[compost](x.md)",
        "[a](compost)",
        "![[compost]]",
        "https://compost.org",
        "www.compost.org",
        "#compost",
        "# compost",
        "compost\n===",
        "a ^compost",
        "[compost]",
        "[^compost]",
        "---\na: compost\n---\n",
        "compost:: yes",
        "<div>\ncompost\n</div>",
    ],
)
def test_what_is_not_plain_words_is_left_alone(text: str) -> None:
    assert refusal(text, link(text, "compost", "[[Compost|compost]]"))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a compost b", "[[Compost|Compost]]"),
        ("a compost b", "[[Compost]] [[Heap|compost]]"),
        ("a compost b", "compost"),
        ("a compost b", "compost\n\n[[Compost]]"),
        ("a compost b", "![[compost]]"),
        ("a compost b", "[[Compost|compost]"),
        ("a compost b", "`[[Compost|compost]]`"),
        ("a $compost b $c", "[[Compost$|compost]]"),
        ("a \\compost b", "[[compost]]"),
        ("a !compost b", "[[compost]]"),
        ("a [compost b](x.md)", "[[Compost|compost]]"),
        ("a compost b", "[[Compost|compost]] #tag"),
        ("a compost b", "[[Compost|compost]] ^id"),
        ("| a | compost |\n| - | - |\n| x | y |", "[[Compost|compost]]"),
    ],
)
def test_a_link_that_is_not_read_as_just_that_is_not_written(text: str, written: str) -> None:
    assert refusal(text, link(text, "compost", written))


def test_overlapping_and_wild_offsets_are_refused() -> None:
    text = "green compost heap"
    both = [Replacement(0, 13, "[[x|green compost]]"), Replacement(6, 18, "[[y|compost heap]]")]

    done = rewrite("Home.md", text, both)

    assert done.text == "green [[y|compost heap]]"
    assert list(done.refused) == [0]
    for wild in (Replacement(-1, 2, "[[x]]"), Replacement(3, 2, "[[x]]"), Replacement(17, 19, "[[x]]")):
        assert refusal(text, wild)


@pytest.mark.parametrize("switch", ["vaultbot: false", "vaultbot-links: False"])
def test_a_note_can_say_that_it_is_left_alone(switch: str) -> None:
    text = f"---\n{switch}\n---\ncompost"

    assert "leaves it alone" in refusal(text, link(text, "compost", "[[compost]]"))


# ── links that are mended ───────────────────────────────────────────────────────────────────────────────────


def test_a_link_is_exchanged_for_another() -> None:
    text = "# About [[Compst]]\n\nSee ![[Compost#Turnng|x]] and [[Compst]] in %% [[Compst]] %%."

    assert made(text, link(text, "[[Compst]]", "[[Compost]]")).startswith(
        "# About [[Compost]]\n\nSee ![[Compost#Turnng"
    )
    assert "![[Compost#Turning|x]]" in made(text, link(text, "![[Compost#Turnng|x]]", "![[Compost#Turning|x]]"))
    assert "%% [[Compost]] %%" in made(text, link(text, "[[Compst]]", "[[Compost]]", nth=2))


def test_a_property_that_only_looks_like_a_link_gets_its_quotes() -> None:
    text = "---\nis: [[Food]]\nof:\n- [[A]]\n- x\n---\nbody"

    assert made(text, link(text, "[[Food]]", '"[[Food]]"')) == text.replace("[[Food]]", '"[[Food]]"')
    assert made(text, link(text, "[[A]]", '"[[A]]"')) == text.replace("[[A]]", '"[[A]]"')
    assert refusal(text, link(text, "[[Food]]", '"[[Food]]"\nnew: x'))
    assert refusal(text, link(text, "Food", '"[[Food]]"'))


# ── lines that are put in ───────────────────────────────────────────────────────────────────────────────────


def test_a_line_is_put_between_lines_with_the_notes_own_line_ends() -> None:
    text = "a\r\n\r\n## See also\r\n\r\n- [[A]]\r\n"
    at = len(text)

    assert made(text, Replacement(at, at, "- [[B]]\n")) == text + "- [[B]]\r\n"
    assert made(text[:-2], Replacement(at - 2, at - 2, "\n- [[B]]")) == text[:-2] + "\r\n- [[B]]"
    assert made("a", Replacement(1, 1, "\n\n## See also\n\n- [[B]]\n")) == "a\n\n## See also\n\n- [[B]]\n"


@pytest.mark.parametrize(
    ("text", "at", "line"),
    [
        ("a sentence", 2, "\n- [[B]]\n"),
        ("a\nb", 2, "- [[B]]"),
        ("```\na\n```", 4, "- [[B]]\n"),
        ("---\na: b\n---\nx", 4, "- [[B]]\n"),
        ("a\nb", 2, "---\n- [[B]]\n"),
        ("a\nb", 2, "```\n- [[B]]\n"),
        ("| a | b |\n| - | - |\n| c | d |\n| e | f |", 30, "- [[B]]\n"),
        ("a\nb\n", 2, "- [[B]]\n- [[C]]\n"),
    ],
)
def test_a_line_is_never_put_where_it_changes_the_rest(text: str, at: int, line: str) -> None:
    assert refusal(text, Replacement(at, at, line))


def test_a_tag_is_put_behind_others_and_nowhere_else() -> None:
    text = "# A\n\n#garden #food  \n\nwords\n"
    at = text.index("  \n")

    assert made(text, Replacement(at, at, " #soil")) == text.replace("#food", "#food #soil")
    assert refusal(text, Replacement(at, at, " #1984"))
    assert refusal(text, Replacement(at, at, " #a,b"))
    assert refusal(text, Replacement(4, 4, " #soil")) == refusal(text, Replacement(len(text) - 1, len(text) - 1, " #b"))
    assert refusal("```\n#a\n```", Replacement(6, 6, " #b"))
    assert refusal("a ^id\n", Replacement(0, 0, " #b"))


def test_of_two_lines_for_one_place_the_second_waits() -> None:
    done = rewrite("Home.md", "a\n", [Replacement(2, 2, "- [[A]]\n"), Replacement(2, 2, "- [[B]]\n")])

    assert done.text == "a\n- [[A]]\n"
    assert done.refused == {1: SAME_PLACE}


def test_a_note_that_is_there_is_not_made_again() -> None:
    assert refusal("a", NewNote("b"))


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        ("tags:\n  - a\n  - b\n", "tags", "c", "tags:\n  - a\n  - b\n  - c\n"),
        ("tags:\n- a\nx: 1\n", "tags", "c", "tags:\n- a\n- c\nx: 1\n"),
        ("tags:\n- a # why\n\n# below\nx: 1\n", "tags", "c", "tags:\n- a # why\n- c\n\n# below\nx: 1\n"),
        ("tags: [a, b]\n", "tags", "c", "tags: [a, b, c]\n"),
        ("tags: [a, b,] # why\n", "tags", "c", "tags: [a, b, c,] # why\n"),
        ("tags: [\n  a, # first\n  b # last\n]\n", "tags", "c", "tags: [\n  a, # first\n  b, c # last\n]\n"),
        ("tags: []\n", "tags", "c", "tags: [c]\n"),
        ("tags: a\n", "tags", "c", "tags:\n  - a\n  - c\n"),
        ("tags: a # why\nx: 1\n", "tags", "c", "tags:\n  - a # why\n  - c\nx: 1\n"),
        ("x:\n- 1\ntags: 'a'\n", "tags", "c", "x:\n- 1\ntags:\n- 'a'\n- 'c'\n"),
        ("tags:\nx: 1\n", "tags", "c", "tags:\n  - c\nx: 1\n"),
        ("tags: # todo\n", "tags", "c", "tags: # todo\n  - c\n"),
        ("tags: null # todo\n", "tags", "c", "tags: # todo\n  - c\n"),
        ("Tags: a\n", "tags", "c", "Tags:\n  - a\n  - c\n"),
        ("x: 1\n", "tags", "c", "x: 1\ntags:\n  - c\n"),
        ("", "tags", "ml/compression", "tags:\n  - ml/compression\n"),
        ("aliases: gimchi, the\n", "aliases", "RAG", "aliases:\n  - gimchi, the\n  - RAG\n"),
        ('aliases: ["b, c"]\n', "aliases", "d, e", 'aliases: ["b, c", "d, e"]\n'),
        ("is:\n  - '[[A]]'\n", "is", "[[B]]", "is:\n  - '[[A]]'\n  - \"[[B]]\"\n"),
        ('is: "[[A]]"\n', "is", "[[B|b]]", 'is:\n  - "[[A]]"\n  - "[[B|b]]"\n'),
        ("x: |\n  text\n\n", "is", "[[B]]", 'x: |\n  text\n\nis:\n  - "[[B]]"\n'),
        ("is:\n- |\n  text\n- b: 1\n  c: 2\n", "is", "d", "is:\n- |\n  text\n- b: 1\n  c: 2\n- d\n"),
        ("is:\n- b: [1,\n    2] # x\n", "is", "d", "is:\n- b: [1,\n    2] # x\n- d\n"),
        ("is:\n-\n", "is", "d", "is:\n-\n- d\n"),
        ("n: 1\n", "n", "2", 'n:\n  - 1\n  - "2"\n'),
        ("n: yes\n", "n", "no", 'n:\n  - yes\n  - "no"\n'),
        ("a:\n  - x\n", "a", 'say "hi" \\ it', 'a:\n  - x\n  - "say \\"hi\\" \\\\ it"\n'),
        ("a:\n  - 'x'\n", "a", "it's", "a:\n  - 'x'\n  - 'it''s'\n"),
        ("a: x\n", "a b: c", "d", 'a: x\n"a b: c":\n  - d\n'),
        ("tags:\n\n  - a\n", "tags", "日本", "tags:\n\n  - a\n  - 日本\n"),
    ],
)
def test_a_value_is_added_on_a_line_of_its_own(before: str, key: str, value: str, after: str) -> None:
    for ends in ("\n", "\r\n"):
        text = f"---\n{before}---\n# Body\n- tags: [[x]]".replace("\n", ends)
        wanted = f"---\n{after}---\n# Body\n- tags: [[x]]".replace("\n", ends)
        assert made(text, PropertyValue(key, value)) == wanted


def test_a_note_without_properties_gets_them() -> None:
    assert made("body", PropertyValue("is", "[[Food]]")) == '---\nis:\n  - "[[Food]]"\n---\nbody'
    assert made("a\r\nb", PropertyValue("is", "[[Food]]")) == '---\r\nis:\r\n  - "[[Food]]"\r\n---\r\na\r\nb'
    assert made("", PropertyValue("tags", "x")) == "---\ntags:\n  - x\n---\n"
    assert made("---\n---", PropertyValue("tags", "x")) == "---\ntags:\n  - x\n---"


@pytest.mark.parametrize(
    ("before", "key", "value", "because"),
    [
        ("tags: [a\n", "tags", "c", "cannot be read"),
        ("\ttags: a\n", "tags", "c", "cannot be read"),
        ("tags: &x a\n", "tags", "c", "cannot be read"),
        ("tags: a\ntags: b\n", "tags", "c", "cannot be read"),
        ("{tags: [a]}\n", "tags", "c", "braces"),
        ("tags: a b, c\n", "tags", "c", "blanks or commas"),
        ("tags: [a]\n", "tags", "two words", "not a tag"),
        ("tags: [a]\n", "tags", "1984", "not a tag"),
        ("tags: [a]\n", "tags", "A", "already"),
        ("tags: ['#a']\n", "tags", "a", "already"),
        ("aliases: Ärger\n", "aliases", "ärger", "already"),
        ('is: "[[A]]"\n', "is", "[[A]]", "already"),
        ("is: [[A]]\n", "is", "[[B]]", "list in a list"),
        ("is:\n  a: 1\n", "is", "b", "names with values"),
        ("is: |\n  a\n", "is", "b", "several lines"),
        ("is: a\n  b\n", "is", "b", "several lines"),
        ("is: 'a\n  b'\n", "is", "b", "several lines"),
        ("is:\n  a\n", "is", "b", "several lines"),
        ("is: a\nIs: b\n", "IS", "c", "one property to Obsidian"),
        ("is: a\n", "is", "b\nc: d", "one line"),
        ("is: a\n", "is", " ", "one line"),
        ("is: a\n", "", "b", "one line"),
    ],
)
def test_what_cannot_be_placed_for_sure_is_refused(before: str, key: str, value: str, because: str) -> None:
    assert because in refusal(f"---\n{before}---\nbody", PropertyValue(key, value))


def test_properties_without_an_end_are_refused() -> None:
    assert "no second ---" in refusal("---\ntags: [a]\n", PropertyValue("tags", "c"))


def test_a_quoted_link_is_a_link_to_the_parser() -> None:
    text = made("body", PropertyValue("is", "[[Food]]"), PropertyValue("is", "[[Plant|plants]]"))

    links = parse_note("Home.md", text).links
    assert [(one.raw, one.key_path) for one in links] == [("[[Food]]", "is.0"), ("[[Plant|plants]]", "is.1")]
