"""The gate: what is not in the notes is refused before a model is asked."""

from __future__ import annotations

import pytest

from vaultbot.answering.evidence import Evidence
from vaultbot.answering.gate import judge
from vaultbot.retrieval.query import parse_query

LONG = "Which variety of tomato grew best in the cold frame?"


def evidence(*, covered: float, cosine: float | None) -> Evidence:
    none: frozenset[str] = frozenset()
    return Evidence(
        text="Marmande.",
        path="T.md",
        title="T",
        heading_path=(),
        heading_written=(),
        is_heading=False,
        line=1,
        source=0,
        place=0,
        terms=none,
        window_terms=none,
        name_terms=none,
        context_terms=none,
        quotable=True,
        window_coverage=covered,
        cosine=cosine,
    )


def verdict(question: str, *found: Evidence) -> str:
    return judge(parse_query(question), found, refuse_below=0.5, caution_below=0.6).match


def test_no_sentence_at_all_is_a_refusal() -> None:
    assert judge(parse_query(LONG), [], refuse_below=0.5, caution_below=0.6).refused


@pytest.mark.parametrize(
    ("covered", "cosine", "match"),
    [(0.4, 0.5, "none"), (0.6, 0.5, "weak"), (0.7, 0.6, "good"), (0.9, 0.8, "strong")],
)
def test_words_and_meaning_count_half_each(covered: float, cosine: float, match: str) -> None:
    assert verdict(LONG, evidence(covered=covered, cosine=cosine)) == match


def test_the_best_words_and_the_best_meaning_may_stand_in_different_sentences() -> None:
    assert verdict(LONG, evidence(covered=0.9, cosine=0.1), evidence(covered=0.0, cosine=0.7)) == "strong"


def test_a_short_question_needs_closeness_in_meaning() -> None:
    met_by_accident = evidence(covered=1.0, cosine=0.45)

    assert verdict("What is the speed of light?", met_by_accident) == "none"
    assert verdict(LONG, met_by_accident) == "good"


def test_among_the_notes_of_a_day_a_short_question_needs_no_more_than_its_words() -> None:
    met = evidence(covered=1.0, cosine=0.45)
    question = parse_query("what did I sow")

    assert judge(question, [met], refuse_below=0.5, caution_below=0.6).refused
    assert judge(question, [met], refuse_below=0.5, caution_below=0.6, few_days=True).match == "good"


def test_without_an_embedder_words_alone_decide() -> None:
    assert verdict(LONG, evidence(covered=0.9, cosine=None)) == "strong"
    assert verdict(LONG, evidence(covered=0.45, cosine=None)) == "none"


def test_less_coverage_is_enough_where_pairs_of_characters_stand_for_words() -> None:
    assert verdict("堆肥最合适的碳氮比", evidence(covered=0.45, cosine=None)) == "good"
    assert verdict("堆肥最合适的碳氮比", evidence(covered=0.3, cosine=None)) == "none"
