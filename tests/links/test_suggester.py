"""The words of a note that could link, and the notes that none of its words name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.links.grounds import edit, ground_of, mentions, suggest
from vaultbot.links.groundwork import Groundwork
from vaultbot.links.reading import protected_spans
from vaultbot.suggestion import Suggestion
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.resolver import Resolution

NOTES = {
    "ai/Quantization.md": "---\naliases: [quantisation, 量子化]\n---\n",
    "ai/GGUF.md": "",
    "ai/Retrieval-augmented generation.md": "---\naliases: [RAG]\n---\n",
    "garden/Compost.md": "",
    "garden/Compost heap.md": "",
    "garden/Raised bed.md": "",
    "garden/Rollo's garden.md": "",
    "garden/Café.md": "",
    "a/Index.md": "",
    "b/deep/Index.md": "",
    "Home.md": "",
    "Other.md": "",
    "daily/2026-05-11.md": "compost heaps and raised beds; quantizations",
}


@pytest.fixture(scope="module")
def ground() -> Iterator[Groundwork]:
    with ground_of(NOTES) as ground:
        yield ground


def named(found: list[Suggestion]) -> list[tuple[str, str]]:
    return [(one.text, one.target) for one in found]


# ── where and what ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_title_in_plain_words_is_suggested_with_its_place(ground: Groundwork) -> None:
    (only,) = mentions(ground, "# Today\n\nRead about quantization and rested.")

    assert (only.text, only.target, only.line, only.col) == ("quantization", "ai/Quantization.md", 3, 12)
    assert edit(only).text == "[[Quantization|quantization]]"
    assert only.context == "Read about quantization and rested."
    assert 0 < only.score < 1
    assert only.reasons[0] == "the words are the note's title"


def test_words_that_equal_the_file_name_need_no_display_text(ground: Groundwork) -> None:
    assert edit(mentions(ground, "Convert it to GGUF first.")[0]).text == "[[GGUF]]"


def test_in_a_table_the_link_stays_in_its_cell(ground: Groundwork) -> None:
    text = "| what | why |\n| --- | --- |\n| compost | RAG |\n\nOf GGUF | x."

    assert [edit(one).text for one in mentions(ground, text)] == [
        r"[[Compost\|compost]]",
        r"[[Retrieval-augmented generation\|RAG]]",
        "[[GGUF]]",
    ]


def test_a_link_is_written_in_the_vaults_own_style() -> None:
    settings_file = {".obsidian/app.json": '{"useMarkdownLinks": true, "newLinkFormat": "relative"}'}
    with ground_of({**NOTES, **settings_file}) as ground:
        best = suggest(ground, "My compost heap.", path="daily/2026-05-11.md")[0]

    assert edit(best).text == "[compost heap](../garden/Compost%20heap.md)"


def test_an_alias_leads_to_its_note(ground: Groundwork) -> None:
    (only,) = mentions(ground, "On quantisation.")

    assert edit(only).text == "[[Quantization|quantisation]]"
    assert "the words are an alias of the note" in only.reasons


@pytest.mark.parametrize(
    ("text", "words", "target"),
    [
        ("Of raised-bed soil.", "raised-bed", "garden/Raised bed.md"),
        ("Of raised beds.", "raised beds", "garden/Raised bed.md"),
        ("Of quantizations.", "quantizations", "ai/Quantization.md"),
        ("The compost's heat.", "compost", "garden/Compost.md"),
        ("In Rollo’s garden.", "Rollo’s garden", "garden/Rollo's garden.md"),
        ("At the cafe.", "cafe", "garden/Café.md"),
        ("At the cafe\u0301 again.", "cafe\u0301", "garden/Café.md"),
        ("重みの量子化とは何か。", "量子化", "ai/Quantization.md"),
        ("raised_bed plan", "raised_bed", "garden/Raised bed.md"),
        ("Ein ﬁt für Quantization, so.", "Quantization", "ai/Quantization.md"),
    ],
)  # fmt: skip
def test_a_name_is_found_as_people_write_it(ground: Groundwork, text: str, words: str, target: str) -> None:
    found = mentions(ground, text)

    assert (words, target) in named(found)
    assert all(text[edit(one).start : edit(one).end] == one.text for one in found)


def test_only_whole_words_count(ground: Groundwork) -> None:
    assert mentions(ground, "Composting, decompost.") == []


def test_a_short_name_and_one_in_capitals_must_be_written_just_so(ground: Groundwork) -> None:
    assert mentions(ground, "He tore the rag, gguf.") == []
    assert named(mentions(ground, "A RAG pipeline.")) == [("RAG", "ai/Retrieval-augmented generation.md")]


def test_a_short_plural_is_no_short_name() -> None:
    with ground_of({"Peas.md": "", "Home.md": ""}) as ground:
        assert named(mentions(ground, "And peas.")) == [("peas", "Peas.md")]


def test_of_the_longest_and_a_shorter_name_the_longest_comes_first(ground: Groundwork) -> None:
    assert suggest(ground, "Turn the compost heap in March.")[0].target == "garden/Compost heap.md"


def test_what_is_linked_anywhere_is_not_suggested_again(ground: Groundwork) -> None:
    linked = ["See [[Quantization]]. Later quantization.", '---\nof: "[[Quantization]]"\n---\nMore quantization.']

    assert [one for text in linked for one in suggest(ground, text) if one.target == "ai/Quantization.md"] == []


def test_a_note_is_suggested_once_at_the_first_place_of_its_name(ground: Groundwork) -> None:
    assert [one.line for one in mentions(ground, "compost\n\ncompost\n\ncompost")] == [1]


def test_a_note_does_not_suggest_itself(ground: Groundwork) -> None:
    assert "garden/Compost.md" not in {
        one.target for one in suggest(ground, "All about compost.", path="garden/Compost.md")
    }


def test_nothing_is_linked_where_a_link_would_not_be_one(ground: Groundwork) -> None:
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
        "[^compost]: a footnote",
        "compost:: a field",
        "a line ^compost",
        "{{compost}}",
        "<% compost %>",
        "!compost",
        r"\compost",
        "---\ntopic: compost\n---\n",
        '<a href="compost">x</a>',
    ]
    assert [text for text in places if mentions(ground, f"{text}\n")] == []


def test_dates_and_numbers_are_no_mentions(ground: Groundwork) -> None:
    assert mentions(ground, "On 2026-05-11 it rained.") == []


def test_notes_that_share_a_name_are_alternatives(ground: Groundwork) -> None:
    (only,) = mentions(ground, "The index is new.")

    assert {only.target, *only.alternatives} == {"a/Index.md", "b/deep/Index.md"}


@pytest.mark.parametrize(
    "switch",
    ["vaultbot: false", "vaultbot-links: false", "automatic-linker-off: true", "tags: [linker-exclude]"],
)
def test_a_note_whose_owner_wants_no_links_is_given_none(ground: Groundwork, switch: str) -> None:
    assert suggest(ground, f"---\n{switch}\n---\ncompost") == []


def test_a_vault_of_one_note_suggests_nothing() -> None:
    with ground_of({"Home.md": ""}) as ground:
        assert suggest(ground, "Compost and quantization.") == []


@pytest.mark.parametrize("text", ["", "---\n---", "---\na: 1", "\n", "#", "```", "> [!note]\n> compost"])
def test_any_note_at_all_can_be_asked_about(ground: Groundwork, text: str) -> None:
    assert {one.kind for one in suggest(ground, text)} <= {"mention", "semantic"}


# ── whatever a note says ────────────────────────────────────────────────────────────────────────────────────

# fmt: off
_PARTS = st.lists(
    st.sampled_from([
        "compost", "GGUF", "量子化", " ", "\n", "`", "```\n", "$", "[[", "]]", "#", "%%", "[", "](x)", "<b>", "ﬁ", "é",
        "—", "!", "\\", "|", "|-|-|\n", "> ", "- ", "\r\n", "[[Other]]", "## Related\n",
    ]),
    max_size=40,
).map("".join)
# fmt: on


@settings(max_examples=150, deadline=None)
@given(text=_PARTS)
def test_suggestions_never_touch_what_is_protected_and_never_overlap(ground: Groundwork, text: str) -> None:
    note = parse_note("Home.md", text)
    spans = sorted((edit(one).start, edit(one).end) for one in mentions(ground, text))

    for start, end in spans:
        assert all(end <= a or b <= start for a, b in protected_spans(note))
        assert all(end <= link.start or link.end <= start for link in note.links)
    for (start, end), (other, other_end) in pairwise(spans):
        assert end <= other or (start <= other and other_end <= end)  # A name within a name; one of the two is taken.


@settings(max_examples=200, deadline=None)
@given(text=_PARTS)
def test_what_is_suggested_is_a_link_to_its_note_once_it_is_written(ground: Groundwork, text: str) -> None:
    before = parse_note("Home.md", text)
    for one in suggest(ground, text):
        made = edit(one)
        note = parse_note("Home.md", text[: made.start] + made.text + text[made.end :])
        added = [link for link in note.links if made.start <= link.start < made.start + len(made.text)]

        assert len(note.links) == len(before.links) + 1
        assert [link.embed for link in added] == [False]
        assert ground.view.resolver.resolve(added[0].linkpath, "Home.md") == Resolution(one.target)
