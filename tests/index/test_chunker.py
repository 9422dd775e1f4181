from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes import HashEmbedder
from vaultbot.index.chunker import chunk_note, estimate_tokens
from vaultbot.types import Chunk
from vaultbot.vault.markdown import parse_note

count_words = HashEmbedder().count_tokens


def cut(text: str, *, max_tokens: int = 60, path: str = "Bread.md") -> list[Chunk]:
    return chunk_note(parse_note(path, text), max_tokens=max_tokens, count_tokens=count_words)


def passages(text: str, *, max_tokens: int = 60) -> list[Chunk]:
    return [chunk for chunk in cut(text, max_tokens=max_tokens) if chunk.view == "passage"]


def words(count: int, word: str = "dough") -> str:
    return " ".join(f"{word}{number}" for number in range(count))


def test_the_card_tells_what_the_note_is_about() -> None:
    card = cut("---\naliases: [Loaf]\ndescription: All about baking\n---\nFirst line.\n\n## Crust\nCrisp.\n")[0]

    assert card.view == "card"
    assert card.text == "Bread (Loaf)\nAll about baking\nCrust\nFirst line.\nCrisp."


def test_small_neighbouring_sections_share_a_passage() -> None:
    [passage] = passages("Intro.\n\n## Flour\nWhite.\n\n## Water\nCold.\n")

    assert passage.text == "Intro.\n\nFlour\nWhite.\n\nWater\nCold."
    assert (passage.start_line, passage.end_line) == (1, 7)
    assert passage.heading_path == ()
    assert passage.context == "Bread"


def test_a_section_that_does_not_fit_starts_a_passage_with_its_headings() -> None:
    first, second = passages(f"# Bread\n## Flour\n{words(40)}\n\n## Water\n{words(30)}\n")

    assert first.heading_path == ("Bread",)
    assert second.heading_path == ("Bread", "Water")
    assert second.context == "Bread > Water"
    assert (second.start_line, second.end_line) == (5, 6)


@pytest.mark.parametrize(
    "block",
    [
        "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | x |" for n in range(6)),
        "\n".join(f"- item {n}" for n in range(12)),
        "```python\n" + "\n\n\n".join(f"line {n}" for n in range(14)) + "\n```",
    ],
    ids=["table", "list", "code with blank lines"],
)
def test_a_block_that_fits_is_not_cut(block: str) -> None:
    before, whole, after = passages(f"{words(45)}\n\n{block}\n\n{words(45)}\n")

    assert before.text == after.text == words(45)
    assert whole.text.count("\n") >= block.strip("`").count("\n") - 2


def test_a_long_list_is_cut_between_its_items() -> None:
    text = "\n".join(f"- item {n} is good" for n in range(40))

    found = passages(text)

    assert len(found) > 2
    assert "\n".join(one.text for one in found).split("\n") == [line.strip() for line in text.split("\n")]


def test_a_long_paragraph_is_cut_between_sentences_and_stays_word_for_word() -> None:
    line = " ".join(f"Sentence {n}  ends here." for n in range(50))

    found = passages(line)

    assert all(one.text in line and one.text.endswith("here.") for one in found)
    assert [one.start_line for one in found] == [1] * len(found)


def test_a_cut_line_does_not_come_back_whole_with_its_neighbours() -> None:
    line = " ".join(f"Sentence {n} ends here." for n in range(50))

    found = passages(f"Before.\n\n{line}\n\nAfter.\n")

    assert sum(one.text.count("Sentence 17 ") for one in found) == 1
    assert max(count_words([one.text])[0] for one in found) <= 60


def test_a_line_without_an_end_is_cut_between_words() -> None:
    line = words(1000)

    found = passages(line)

    assert " ".join(one.text for one in found) == line


def test_pasted_data_is_cut_although_it_is_one_word() -> None:
    found = passages("x" * 100_000)

    assert "".join(one.text for one in found) == "x" * 100_000
    assert max(len(one.text) for one in found) < 2000


@pytest.mark.parametrize("text", ["", "\n\n", "---\ntitle: x\n---\n", "%%hidden%%", "<!-- hidden -->"])
def test_a_note_without_a_visible_line_has_a_card_alone(text: str) -> None:
    assert [chunk.view for chunk in cut(text)] == ["card"]


def test_line_ends_of_windows_change_nothing() -> None:
    text = f"# Bread\n\n{words(50)}\n\n- a\n- b\n\n{words(50)}\n"

    assert passages(text.replace("\n", "\r\n")) == passages(text)


def test_an_endless_heading_is_not_repeated_below() -> None:
    note = f"# {'very ' * 50_000}long\n" + "\n".join(f"## Part {n}\n{words(50)}\n" for n in range(100))

    found = cut(note)

    assert sum(len(chunk.embedded_text) + sum(map(len, chunk.heading_path)) for chunk in found) < 5 * len(note)
    assert all(count_words([chunk.embedded_text])[0] <= 60 for chunk in found if chunk.view == "passage")


def test_a_footnote_is_indexed_where_it_is_referred_to_and_quoted_where_it_stands() -> None:
    text = f"Bake it hot[^1].\n\n{words(50)}\n\n[^1]: At *240* degrees.\n    For an hour."

    first, last = passages(text)

    assert (first.text, first.indexed) == ("Bake it hot.", "Bake it hot.\nAt 240 degrees. For an hour.")
    assert first.embedded_text == "Bread\nBake it hot.\nAt 240 degrees. For an hour."
    assert last.text.endswith("\n\nAt 240 degrees.\n    For an hour.")
    assert (last.end_line, last.indexed) == (6, "")


def test_a_footnote_is_indexed_where_it_is_referred_to_first() -> None:
    first, last = passages(f"One[^a].\n\n{words(55)}\n\nTwo[^a].\n\n[^a]: Rye.\n")

    assert first.indexed.startswith("One.\nRye.\n")
    assert last.indexed == ""


def test_the_rows_of_a_table_are_indexed_with_the_names_of_its_columns() -> None:
    [passage] = passages("| Flour | Water |\n|---|---|\n| rye | **80** % |\n| | 60 % |\n")

    assert passage.text == "Flour | Water\n\nrye | 80 %\n | 60 %"
    assert passage.indexed == "Flour | Water\n\nFlour: rye; Water: 80 %\nWater: 60 %"
    assert passage.indexed in passage.embedded_text


def test_the_later_parts_of_a_long_table_keep_the_names_of_its_columns() -> None:
    rows = "\n".join(f"| loaf {number} | {number} |" for number in range(40))

    first, *others = passages(f"| Name | Hours |\n|---|---|\n{rows}\n")

    assert all("Hours: " in one.embedded_text and "Hours" not in one.text for one in others)
    assert len(others) > 2
    assert first.text.startswith("Name | Hours\n\nloaf 0 | 0")


def test_a_table_that_fits_is_not_cut_for_the_names_of_its_columns() -> None:
    rows = "\n".join(f"| {number} | x |" for number in range(14))

    [passage] = passages(f"| Name | Hours |\n|---|---|\n{rows}\n")

    assert passage.indexed == ""


def test_an_embed_is_indexed_by_name_and_never_by_what_the_other_note_says() -> None:
    [passage] = passages(
        "# Dough\nBefore ![[a/Rye.md#Sour dough]] after.\n\n![[Crumb.png]]\n\n![[Crust.png|A dark crust]]\n"
    )

    assert passage.text == "Dough\nBefore  after."
    assert passage.indexed == "Dough\nBefore  after.\nembeds: Rye > Sour dough\nembeds: A dark crust"


def test_an_embed_above_all_words_belongs_to_the_first_of_them() -> None:
    [passage] = passages("![[Rye]]\n\n%% ![[Secret]] %%\n\nWords.\n\n![[Wheat#^id]]\n")

    assert passage.indexed == "Words.\nembeds: Rye\nembeds: Wheat"
    assert [chunk.view for chunk in cut("![[Rye]]")] == ["card"]


def test_nothing_is_cut_to_make_room_for_footnotes() -> None:
    notes = "\n".join(f"[^{number}]: {words(20, 'note')}" for number in range(4))

    first, *_ = passages(f"{words(30)} a[^0] b[^1] c[^2] d[^3]\n\n{notes}\n")

    assert (first.start_line, first.end_line) == (1, 1)
    assert first.indexed.count("note0") == 1  # of those, as many as there is room for


def test_the_state_of_a_task_stays_in_sight() -> None:
    [passage] = passages("> [!todo] Today\n> - [ ] knead 📅 2024-01-02\n> - [x] weigh\n> 1. [-] proof\n")

    assert passage.text == "Today\n- [ ] knead 📅 2024-01-02\n- [x] weigh\n1. [-] proof"


def test_a_callout_that_fits_is_not_cut() -> None:
    callout = f"> [!note] Title\n> {words(20)}\n>\n> - a\n> - b\n> > [!tip] Inner\n> > {words(10)}"

    before, whole, after = passages(f"{words(45)}\n\n{callout}\n\n{words(45)}\n")

    assert before.text == after.text == words(45)
    assert whole.text == f"Title\n{words(20)}\n\n- a\n- b\nInner\n{words(10)}"


@pytest.mark.parametrize("before", ["", "> "])
@pytest.mark.parametrize("empty_cells", [20, 80])
def test_a_row_of_empty_cells_that_is_cut_comes_after_the_rows_above_it(before: str, empty_cells: int) -> None:
    # Named by its columns it is short, as it is written it is longer than a passage.
    rows = "| a |", "|---|", "| x |", "| z |" + " |" * empty_cells

    above, *parts = passages("".join(f"{before}{row}\n" for row in rows), max_tokens=12)

    assert (above.start_line, above.end_line, above.text) == (1, 3, "a\n\nx")
    assert len(parts) > 1
    assert {(part.start_line, part.end_line) for part in parts} == {(4, 4)}
    assert "".join("".join(part.text.split()) for part in parts) == "z" + "|" * empty_cells


LINES = st.sampled_from(
    ["", "word", words(8), words(90), "- item one", "  - nested item", "1. first", "| a | b |", "|---|---|", "```",
     "# A", "## B", "### C " + words(20), "Setext", "===", "> quote", "量子化は重い。" * 12, "A b. " * 60, "x" * 900,
     "a[^1] b[^2]", "[^1]: note", "[^2]: " + words(30), "    goes on", "![[Other]]", "x ![[Other#A]] y", "| c | d |",
     "| z |" + " |" * 30, "| a |\n|---|\n| x |\n| z |" + " |" * 80,
     "$$", "%% hidden", "%%", "[[Note|shown]] text", " ", "---", "a: b"]
)  # fmt: skip


@given(
    st.lists(LINES, max_size=25),
    st.integers(8, 80),
    st.sampled_from(["\n", "\r\n"]),
)
@example(["| a |\n|---|\n| x |\n| z |" + " |" * 80], 32, "\n")
def test_passages_are_small_and_hold_every_visible_line(lines: list[str], max_tokens: int, newline: str) -> None:
    note = parse_note("Notes/Bread.md", newline.join(lines))

    found = [c for c in chunk_note(note, max_tokens=max_tokens, count_tokens=count_words) if c.view == "passage"]

    assert [chunk.ordinal for chunk in found] == list(range(len(found)))
    assert all(before.end_line <= after.start_line for before, after in pairwise(found))
    cut_lines = _cut_lines(found)
    covered: set[int] = set()
    for chunk in found:
        span = range(chunk.start_line, chunk.end_line + 1)
        covered |= set(span)
        assert chunk.text.strip()
        assert count_words([chunk.embedded_text])[0] <= max_tokens or len(chunk.text.split()) == 1
        assert not chunk.indexed or chunk.indexed != chunk.text
        if not cut_lines & set(span):
            assert chunk.text == "\n".join(note.visible[chunk.start_line - 1 : chunk.end_line])
    said = "".join("".join(chunk.text.split()) for chunk in found)
    assert said == "".join("".join(line.split()) for line in note.visible)
    assert covered >= {number for number, line in enumerate(note.visible, 1) if line.strip()}


def _cut_lines(found: Sequence[Chunk]) -> set[int]:
    """Lines that stand in more than one passage."""
    seen: set[int] = set()
    twice: set[int] = set()
    for chunk in found:
        span = set(range(chunk.start_line, chunk.end_line + 1))
        twice |= seen & span
        seen |= span
    return twice


def test_an_estimate_counts_characters_of_unspaced_scripts_and_letters_by_four() -> None:
    assert estimate_tokens(["", "word", "words", "量子化"]) == [0, 1, 2, 4]
