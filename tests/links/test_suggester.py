"""What a note mentions and does not link, by title and alias."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vaultbot.links.mentions import protected_spans
from vaultbot.links.suggester import Suggester
from vaultbot.types import Suggestion
from vaultbot.vault.markdown import parse_note

NAMES: list[tuple[str, str, tuple[str, ...]]] = [
    ("ai/Quantization.md", "Quantization", ("quantisation", "量子化")),
    ("ai/GGUF.md", "GGUF", ()),
    ("ai/Retrieval-augmented generation.md", "Retrieval-augmented generation", ("RAG",)),
    ("garden/Compost.md", "Compost", ()),
    ("garden/Compost heap.md", "Compost heap", ()),
    ("Home.md", "Home", ()),
    ("daily/2026-05-11.md", "2026-05-11", ()),
]


def suggest(
    text: str, *, path: str = "Home.md", names: list[tuple[str, str, tuple[str, ...]]] = NAMES
) -> list[Suggestion]:
    return Suggester(names).suggest(parse_note(path, text))


def found(text: str, *, path: str = "Home.md") -> list[tuple[str, str]]:
    return [(s.text, s.target) for s in suggest(text, path=path)]


def test_a_title_in_plain_words_is_suggested_with_its_place() -> None:
    (only,) = suggest("# Today\n\nRead about quantization and rested.")

    assert (only.text, only.target, only.line, only.col) == ("quantization", "ai/Quantization.md", 3, 12)
    assert only.replacement == "[[Quantization|quantization]]"
    assert only.context == "Read about quantization and rested."


def test_words_that_equal_the_file_name_need_no_display_text() -> None:
    assert suggest("Convert it to GGUF first.")[0].replacement == "[[GGUF]]"


def test_an_alias_leads_to_its_note() -> None:
    assert [(s.by, s.matched, s.replacement) for s in suggest("On quantisation.")] == [
        ("alias", "quantisation", "[[Quantization|quantisation]]")
    ]


def test_the_span_is_where_the_words_are() -> None:
    text = "Ein ﬁt für Quantization, 日本語の量子化。"
    for s in suggest(text):
        assert text[s.start : s.end] == s.text


def test_the_longest_name_wins() -> None:
    assert found("Turn the compost heap in March.") == [("compost heap", "garden/Compost heap.md")]


def test_only_whole_words_count() -> None:
    assert found("Composting quantizations, decompost.") == []


def test_japanese_names_are_found_without_word_ends() -> None:
    assert found("重みの量子化とは何か。") == [("量子化", "ai/Quantization.md")]


def test_a_short_capital_name_must_be_written_in_capitals() -> None:
    assert found("He tore the rag.") == []
    assert found("A RAG pipeline.") == [("RAG", "ai/Retrieval-augmented generation.md")]


def test_what_is_linked_anywhere_is_not_suggested_again() -> None:
    assert found("See [[Quantization]]. Later quantization again.") == []
    assert found('---\nof: "[[Compost]]"\n---\nMore compost.') == []


def test_a_name_is_suggested_once_at_its_first_place() -> None:
    assert [s.line for s in suggest("compost\n\ncompost\n\nCompost")] == [1]


def test_a_note_does_not_suggest_itself() -> None:
    assert found("All about compost.", path="garden/Compost.md") == []


def test_nothing_is_suggested_where_a_link_would_not_be_one() -> None:
    places = [
        "`compost`",
        "```\ncompost\n```",
        "    compost",
        "$compost$",
        "$$\ncompost\n$$",
        "<!-- compost -->",
        "%% compost %%",
        "# compost",
        "#compost",
        "[compost](https://example.org)",
        "[shown](compost.md)",
        "[[Other|compost]]",
        "![[compost.png]]",
        "https://example.org/compost/heap",
        "[compost]",
        "---\ntopic: compost\n---\n",
        '<a href="compost">x</a>',
    ]
    assert [text for text in places if found(f"{text}\n")] == []


def test_dates_and_numbers_are_no_mentions() -> None:
    assert found("On 2026-05-11 it rained.") == []


def test_notes_that_share_a_name_are_alternatives() -> None:
    names = [("a/Index.md", "Index", ()), ("b/deep/Index.md", "Index", ())]
    (only,) = suggest("The index is new.", names=[*names, ("Home.md", "Home", ())])

    assert (only.target, only.alternatives) == ("a/Index.md", ("b/deep/Index.md",))
    assert only.replacement == "[[Index|index]]"  # It leads to the first one: its path is the shortest.


def test_a_vault_without_other_names_suggests_nothing() -> None:
    assert suggest("Compost and quantization.", names=[("Home.md", "Home", ())]) == []


@given(
    st.lists(
        st.sampled_from(
            [
                "compost",
                "GGUF",
                "量子化",
                " ",
                "\n",
                "`",
                "```\n",
                "$",
                "[[",
                "]]",
                "#",
                "%%",
                "[",
                "](x)",
                "<b>",
                "ﬁ",
                "é",
                "—",
            ]
        ),
        max_size=40,
    )
)
def test_suggestions_never_touch_what_is_protected_and_never_overlap(parts: list[str]) -> None:
    note = parse_note("Home.md", "".join(parts))
    spans = [(s.start, s.end) for s in Suggester(NAMES).suggest(note)]

    for start, end in spans:
        assert all(end <= a or b <= start for a, b in protected_spans(note))
    assert all(end <= after for (_, end), (after, _) in pairwise(spans))
