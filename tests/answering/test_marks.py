"""Citations of a model's own, in every form, and text that only looks like them."""

from __future__ import annotations

import time

import pytest

from vaultbot.answering.marks import in_round_brackets, without_marks

LABELS = ("Bread", "Bread › Rye", "Food/Bread.md", "RAG")


@pytest.mark.parametrize(
    "written",
    [
        "Bread rises slowly [1].",
        "Bread rises slowly[1].",
        "Bread rises slowly. [1]",
        "[1] Bread rises slowly.",
        "[1]: Bread rises slowly.",
        "Bread rises slowly [1, 2].",
        "Bread rises slowly [1–3].",
        "Bread rises slowly [1][2].",
        "Bread rises slowly [1], [2] and [3].",
        "Bread rises slowly [^1].",
        "Bread rises slowly ^[1].",
        "Bread rises slowly [[1]].",
        "Bread rises slowly [1](#source-1).",
        "Bread rises slowly 【1】.",
        "Bread rises slowly 【1†source】.",
        "Bread rises slowly［１］.",
        "Bread rises slowly (1).",
        "Bread rises slowly. (1)",
        "(1) Bread rises slowly.",
        "Bread rises slowly (Note 2).",
        "Bread rises slowly [Note 2].",
        "Bread rises slowly (source: Wikipedia).",
        "Bread rises slowly [Source: Bread.md, line 3].",
        "Bread rises slowly (see note 3).",
        "Bread rises slowly (Bread › Rye).",
        "Bread rises slowly (Food/Bread.md).",
        "Bread rises slowly [Bread].",
        "Bread rises slowly. [[Bread]]",
        "Bread rises slowly ([[Food/Bread|Bread]]).",
        "Bread rises slowly. [Bread](Food/Bread.md)",
        "Bread rises slowly.¹",
        "Bread rises slowly<sup>1</sup>.",
        "According to [7], bread rises slowly.",
        "According to note 2, bread rises slowly.",
        "According to the notes, bread rises slowly.",
        "Based on the provided sources, bread rises slowly.",
        "The notes say that bread rises slowly.",
        "Source 1: bread rises slowly.",
        "**Bread** rises *slowly*.",
        "[[Food/Bread|Bread]] rises slowly.",
        "[Bread](https://example.org/bread) rises slowly.",
    ],
)
def test_a_citation_that_the_model_wrote_is_taken_out(written: str) -> None:
    assert without_marks(written, labels=LABELS) == "Bread rises slowly."


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("パンはゆっくり膨らむ【1】。", "パンはゆっくり膨らむ。"),
        ("パンはゆっくり膨らむ［１］。", "パンはゆっくり膨らむ。"),
        ("ノート1によると、パンはゆっくり膨らむ。", "パンはゆっくり膨らむ。"),
        ("パンはゆっくり膨らむ（ノート1）。", "パンはゆっくり膨らむ。"),
        ("根据笔记1，面包慢慢发酵[1]。", "面包慢慢发酵。"),
        ("面包慢慢发酵（来源：笔记2）。", "面包慢慢发酵。"),
    ],
)
def test_the_same_in_japanese_and_chinese(written: str, left: str) -> None:
    assert without_marks(written) == left


@pytest.mark.parametrize(
    "said",
    [
        "- [x] Buy flour",
        "The list `a[1]` begins at one.",
        "A[0] = 1",
        "Rows[1] = rows[2]",
        "She was born in Rome (1936).",
        "Equation (1) holds for bread.",
        "He wrote “bred [sic] rises”.",
        "RAG (RAG) is slow",
        "[1936] was a good year.",
        "The pan has 5 m² of room.",
        "Use snake_case_name and 2 * 3 * 4.",
        "Bread (of rye) rises slowly.",
        "Sources of protein are beans and nuts.",
        "See the note on bread.",
    ],
)
def test_what_only_looks_like_one_stays(said: str) -> None:
    assert without_marks(said, labels=LABELS) == said


@pytest.mark.parametrize("mark", ["[1]", " 【2】 ", "(1)", "[[Bread]]", "**", "```", "—", "[1] [2].", ""])
def test_nothing_is_left_of_what_is_nothing_else(mark: str) -> None:
    assert without_marks(mark, labels=LABELS).strip("Bread") == ""


def test_a_quote_with_a_number_in_brackets_cites_nothing() -> None:
    assert in_round_brackets("Bread rises [2], and [3, 4] sinks. - [x] done") == (
        "Bread rises (2), and (3, 4) sinks. - [x] done"
    )


def test_text_that_is_made_to_be_slow_costs_no_time() -> None:
    began = time.process_time()
    for hostile in (
        "[1]" * 9000,
        "[" * 30_000,
        "(note " * 6000,
        "[[" * 9000 + "]]",
        "**" * 9000,
        "` " * 9000,
        "[1, " * 9000,
    ):
        without_marks(hostile, labels=LABELS)

    assert time.process_time() - began < 3
