"""What a note mentions and does not link, by title and alias."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from vaultbot.links.mentions import protected_spans
from vaultbot.links.suggester import Suggester
from vaultbot.types import Suggestion
from vaultbot.vault.linktext import LinkStyle
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.resolver import Resolution, Resolver

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


def test_in_a_table_the_link_stays_in_its_cell() -> None:
    text = "| what | why |\n| --- | --- |\n| compost | RAG |\n\nOf RAG | GGUF."

    assert [s.replacement for s in suggest(text)] == [
        r"[[Compost\|compost]]",
        r"[[Retrieval-augmented generation\|RAG]]",
        "[[GGUF]]",
    ]


def test_links_are_written_in_the_vaults_own_style() -> None:
    style = LinkStyle("relative", use_markdown_links=True)
    found = Suggester(NAMES, style=style).suggest(parse_note("daily/2026-05-11.md", "My compost heap."))

    assert [s.replacement for s in found] == ["[compost heap](../garden/Compost%20heap.md)"]


def test_a_name_that_no_wikilink_can_hold_is_linked_as_markdown_links_are() -> None:
    (only,) = suggest("On garden: notes.", names=[("Garden: notes.md", "Garden: notes", ())])

    assert only.replacement == "[garden: notes](Garden%3A%20notes.md)"


def test_a_note_that_no_link_can_name_is_not_suggested() -> None:
    assert suggest("The 50%% rule.", names=[("50%% rule.md", "50%% rule", ())]) == []


def test_nothing_is_suggested_behind_a_mark_that_would_make_the_link_something_else() -> None:
    assert found("!compost") == []
    assert found(r"\compost") == []


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


# fmt: off
_PARTS = st.lists(
    st.sampled_from([
        "compost", "GGUF", "量子化", " ", "\n", "`", "```\n", "$", "[[", "]]", "#", "%%", "[", "](x)", "<b>", "ﬁ", "é",
        "—", "!", "\\", "|", "|-|-|\n", "> ", "- ",
    ]),
    max_size=40,
).map("".join)
# fmt: on


@given(_PARTS)
def test_suggestions_never_touch_what_is_protected_and_never_overlap(text: str) -> None:
    note = parse_note("Home.md", text)
    spans = [(s.start, s.end) for s in Suggester(NAMES).suggest(note)]

    for start, end in spans:
        assert all(end <= a or b <= start for a, b in protected_spans(note))
    assert all(end <= after for (_, end), (after, _) in pairwise(spans))


def test_a_link_leads_past_a_file_of_the_same_name_that_is_no_target() -> None:
    names = [("notes/Plan.md", "Plan", ())]

    (only,) = Suggester(names, files=["Plan.md"]).suggest(parse_note("Home.md", "See the plan."))

    assert only.replacement == "[[notes/Plan|plan]]"


@settings(max_examples=300, deadline=None)
@given(_PARTS)
def test_what_is_suggested_is_a_link_to_its_note_once_it_is_written(text: str) -> None:
    resolver = Resolver(path for path, _, _ in NAMES)

    for s in suggest(text):
        note = parse_note("Home.md", text[: s.start] + s.replacement + text[s.end :])
        (link,) = (link for link in note.links if link.start == s.start)
        assert (link.raw, link.embed) == (s.replacement, False)
        assert resolver.resolve(link.linkpath, "Home.md") == Resolution(s.target)
