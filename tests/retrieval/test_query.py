"""A question, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultbot.errors import InvalidRequest
from vaultbot.retrieval.query import MAX_QUESTION, parse_query


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_an_empty_question_is_told_what_to_do(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"the question is empty; ask something, like"):
        parse_query(text)


def test_an_endless_question_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidRequest, match=r"20,000 characters; 4,000 are allowed"):
        parse_query("a" * 20_000)


def test_the_longest_allowed_question_passes() -> None:
    assert parse_query("a" * MAX_QUESTION).latin


def test_a_question_knows_how_much_of_it_an_english_model_can_read() -> None:
    english, mixed, japanese = (
        parse_query(q).latin_share for q in ("What is compost?", "GGUFとは", "堆肥とは何ですか")
    )

    assert english == 1.0
    assert english > mixed > japanese == 0.0


def test_words_side_by_side_are_pairs_unless_a_small_word_stands_between() -> None:
    assert parse_query("crop rotation for raised beds").pairs == (("crop", "rotat"), ("rais", "bed"))


def test_question_words_are_not_what_is_asked_about() -> None:
    assert parse_query("What is the compost for?").content == ("compost",)
    assert parse_query("堆肥是什么？").content == ("堆肥",)


def test_a_question_of_nothing_but_small_words_keeps_them() -> None:
    assert parse_query("Who is who?").terms


@given(st.text(max_size=300))
def test_any_text_is_a_question_or_refused(text: str) -> None:
    try:
        query = parse_query(text)
    except InvalidRequest:
        assert not text.split()
    else:
        assert 0 <= query.latin_share <= 1
