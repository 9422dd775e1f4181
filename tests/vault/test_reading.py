"""What a reader sees of a note, line for line."""

from __future__ import annotations

import pytest

from vaultbot.vault.markdown import parse_note


def seen(text: str) -> list[str]:
    return list(parse_note("Note.md", text).visible)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("[[Only|x]] and [[A#B]] and [[A]] and [[#B]]", "x and A > B and A and B"),
        ("![[Note]]", ""),
        ("![[pic.png|100]] caption", " caption"),
        ("[t](u) and ![alt|100](u.png)", "t and alt"),
        ("![250](https://a.b/c.png)", ""),
        ("**bold** *it* __b__ _i_ ~~no~~ ==high==", "bold it b i no high"),
        ("***both*** and **a*b***", "both and ab"),
        ("2 * 3 * 4, a_b_c, a == b, ~5, **open", "2 * 3 * 4, a_b_c, a == b, ~5, **open"),
        (r"\*not\* \[\[a]]", "*not* [[a]]"),
        ("## Heading ##", "Heading"),
        ("> [!note]- Title", "Title"),
        ("> > quoted", "quoted"),
        ("- [ ] task", "- [ ] task"),
        ("1. **one** ^id", "1. one"),
        ("[^1]: The note", "The note"),
        ("no note[^1] and the pattern [^a-z]", "no note[^1] and the pattern [^a-z]"),
        ("words^[said **aside**] go on", "words[said aside] go on"),
        (r"2\^[a]", "2^[a]"),
        ("<b>a</b> b<br>c <https://a.b>", "a b c https://a.b"),
        ("<div>a <i>b</i></div>", " a b"),
        ("`*code*` and $a_b*c*$", "*code* and $a_b*c*$"),
        ("`` ` ``", "`"),
        ("&lt;a&gt; &amp; b", "<a> & b"),
        ("a %%private%%b<!-- c -->", "a b"),
        ("https://a.b/c_d_e and _it_", "https://a.b/c_d_e and it"),
        ("#tag stays", "#tag stays"),
        ("---", ""),
        ("ig\u200bno\u202ere\ufeff \U000e0041", "ignore"),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"),
        ("nul\x00 bell\x07 \ud800", "nul bell \ufffd"),
    ],
)
def test_a_line_reads_as_in_the_reading_view(line: str, shown: str) -> None:
    assert seen("\n" + line)[1] == shown


def test_frontmatter_comments_and_queries_are_hidden_line_by_line() -> None:
    text = "---\na: b\n---\nseen\n%%\nprivate\n%%\n<!--\nx\n-->\n```dataview\nLIST\n```\nend"

    assert [line for line in seen(text) if line] == ["seen", "end"]
    assert len(seen(text)) == 14


def test_code_keeps_its_letters_and_loses_its_fence() -> None:
    assert seen("```py\n# *a*  [[b]]\n```\n\n    *indented*") == [
        "",
        "# *a*  [[b]]",
        "",
        "",
        "    *indented*",
    ]
    assert seen("> ~~~\n> *a*\n> ~~~") == ["", "*a*", ""]


def test_formulas_are_kept_with_their_dollars() -> None:
    assert seen("$$\nx_1 *a*\n$$") == ["$$", "x_1 *a*", "$$"]


def test_a_table_is_rows_of_cells() -> None:
    text = "| a | **b** |\n|---|:-:|\n|[[A\\|x]]|c\\|d|\nu | v"

    assert seen(text) == ["a | b", "", "x | c|d", "u | v"]


def test_a_reference_to_a_footnote_is_no_text_and_the_footnote_is() -> None:
    text = "a[^1] b[^Long].\n\n[^1]: One.\n[^long]: Two\n    goes on.\n\n    > And *on*.\n\nNo longer."

    assert seen(text) == ["a b.", "", "One.", "Two", "    goes on.", "", "    And on.", "", "No longer."]


def test_a_line_break_by_a_backslash_is_no_text() -> None:
    assert seen("one\\\ntwo\\") == ["one", "two\\"]
    assert seen("one\\\r\ntwo") == ["one", "two"]


def test_a_row_is_read_with_the_names_of_its_columns() -> None:
    text = (
        "> | Name | **Age** |  |\n> |---|---|---|\n> | [[Ann\\|A]] | 3 | x | y |\n> | | 4 |\n\n| a |\n|---|\n| b |\nc"
    )

    assert parse_note("Note.md", text).rows == {3: "Name: A; Age: 3; x; y", 4: "Age: 4", 8: "a: b"}


def test_an_endless_name_of_a_column_is_not_repeated_in_every_row() -> None:
    note = parse_note("Note.md", f"| {'a' * 10_000} |\n|---|\n" + "| b |\n" * 1000)

    assert sum(map(len, note.rows.values())) < 50_000


def test_scripts_and_styles_show_nothing() -> None:
    assert seen("<style>\n\n.a { }\n</style>\n<script>x</script>") == ["", "", "", "", ""]


def test_windows_line_ends_make_no_difference() -> None:
    text = "# A\n- *b*\n\n> c\n\n```\nd\n```\nE\n=\n| a |\n|---|\n"

    assert seen(text.replace("\n", "\r\n")) == seen(text)


def test_an_underlined_heading_loses_its_line() -> None:
    assert seen("*Title*\n===\nwords") == ["Title", "", "words"]
