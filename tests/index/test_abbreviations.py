"""Abbreviations that notes explain, and the other names that notes have."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.index.abbreviations import (
    Abbreviation,
    Synonym,
    abbreviations,
    is_acronym,
    meanings,
    saying,
    synonyms,
)
from vaultbot.vault.markdown import parse_note


def explained(text: str) -> list[tuple[str, str]]:
    return [(one.short, one.long) for one in abbreviations(parse_note("Note.md", text))]


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("We use retrieval-augmented generation (RAG) here.", "RAG", "retrieval-augmented generation"),
        ("RAG (retrieval-augmented generation) is used here.", "RAG", "retrieval-augmented generation"),
        ("the **World Health Organization** (WHO)", "WHO", "World Health Organization"),
        (
            "It is the [[Court of Justice]] of the European Union (CJEU).",
            "CJEU",
            "Court of Justice of the European Union",
        ),
        ("Large language models (LLMs) are large.", "LLM", "Large language models"),
        ("HyperText Markup Language (HTML)", "HTML", "HyperText Markup Language"),
        ("a hypertext markup language (HTML, since 1993)", "HTML", "hypertext markup language"),
        ("Research and Development (R&D)", "R&D", "Research and Development"),
        ("the ministry (Ministry of Defence, MoD)", "MoD", "Ministry of Defence"),
        ("大規模言語モデル（LLM、Large Language Model）とは", "LLM", "Large Language Model"),
        ("これは大規模言語モデル（LLM）です", "LLM", "大規模言語モデル"),
        ("それがLLM（大規模言語モデル）です", "LLM", "大規模言語モデル"),
        ("Универсальный десятичный код (УДК)", "УДК", "Универсальный десятичный код"),
    ],
)
def test_an_explained_abbreviation_is_found(text: str, short: str, long: str) -> None:
    assert explained(text) == [(short, long)]


@pytest.mark.parametrize(
    "text",
    [
        "He came late (LN).",
        "A long name (see above).",
        "The name is long. Name (LN) it.",  # the letters fit across the end of a sentence only
        "Apple (APPLE)",
        "the Long Name (ln)",
        "Large Tall Name (LN)",
        "Bread (Baked, sold and Eaten)",
        "我们使用的大型语言模型（LLM）",  # where the name begins nobody can tell
        "Long Name ()",
        "(LN) Long Name",
        "Long\nName\n(LN)",
    ],
)
def test_brackets_that_explain_nothing_are_passed_over(text: str) -> None:
    assert explained(text) == []


def test_code_and_properties_explain_nothing() -> None:
    assert (
        explained("---\nsummary: Long Name (LN)\n---\n```\nOther Name (ON)\n```\n    \n$$\nMath Name (MN)\n$$\n") == []
    )


def test_each_is_told_once_in_order() -> None:
    text = "Long Name (LN), then Other Name (ON).\n\nAgain Long Name (LN)."

    assert explained(text) == [("LN", "Long Name"), ("ON", "Other Name")]


def test_a_note_tells_its_synonyms_both_ways() -> None:
    note = parse_note("Kimchi.md", "---\naliases: [gimchi, KMC]\n---\nGood Cabbage (GC), they say.")

    assert synonyms(note) == (
        Synonym("gc", "Good Cabbage"),
        Synonym("good cabbag", "GC"),
        Synonym("gimchi", "Kimchi"),
        Synonym("kmc", "Kimchi"),
        Synonym("kimchi", "KMC"),
    )


def test_an_alias_that_says_the_same_as_the_title_is_no_synonym() -> None:
    assert synonyms(parse_note("Rose.md", "---\naliases: [roses, rose, R]\n---\n")) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [("Roses", "rose"), ("retrieval-augmented", "Retrieval Augmented"), ("R&D", "r d"), ("言語モデル", "言語 モデル")],
)
def test_what_makes_no_difference_is_left_out_of_a_saying(one: str, other: str) -> None:
    assert saying(one) == saying(other) != ""


def test_an_acronym_is_told_by_its_capitals() -> None:
    assert all(map(is_acronym, ["LN", "LLMs", "BibTeX", "R&D", "УДК"]))
    assert not any(map(is_acronym, ["Long", "l", "L", "A B", "", "2026", "TOOLONGTOBEANACRONYM"]))


def test_a_note_full_of_abbreviations_tells_a_limited_number() -> None:
    text = "\n".join(f"Long Name{n} (LN)" for n in range(1_000))

    assert len(abbreviations(parse_note("Note.md", text))) == 200


@pytest.mark.parametrize(
    "unit",
    ["(", "A(", "Aa Bb (AB", "(AB) ", "A A A A A A A A (AAAAAAAB) ", "A-", "（", "大", "of ", "大（A）", "あ大", "A. "],
)
def test_a_hostile_note_is_searched_in_linear_time(unit: str) -> None:
    """It takes a second or two; quadratic time would run into the time limit of the tests."""
    abbreviations(parse_note("Note.md", unit * (300_000 // len(unit))))


def test_one_endless_line_with_brackets_is_searched_in_linear_time() -> None:
    """Looking at the whole line for each of them would run into the time limit of the tests."""
    abbreviations(parse_note("Note.md", "word (some thing here) " * 2_500 + "a" * 32_000_000))


@given(st.text(alphabet="ABab(（ )）LNof,、.\n大言ア。"))
def test_whatever_is_found_stands_in_the_note(text: str) -> None:
    note = parse_note("Note.md", text)

    for one in abbreviations(note):
        assert isinstance(one, Abbreviation)
        assert one.short in text
        assert one.long in " ".join(note.visible)


def test_what_most_notes_mean_comes_first() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE synonym (note INTEGER, ordinal INTEGER, said TEXT, means TEXT)")
        said = [("pm", "project manager"), ("pm", "Prime Minister"), ("pm", "project manager"), ("ln", "Long Name")]
        db.executemany("INSERT INTO synonym VALUES (?, 0, ?, ?)", [(n, *pair) for n, pair in enumerate(said)])

        assert meanings(db, {"pm", "unknown"}) == {"pm": ["project manager", "Prime Minister"]}
        assert meanings(db, []) == {}
