"""When the same words again and again are noticed."""

from __future__ import annotations

import pytest

from vaultbot.adapters.llama_cpp.repetition import Repetition


def tokens_until_noticed(tokens: list[int]) -> int | None:
    """How many were said by then; None when never."""
    repetition = Repetition()
    return next((n for n, token in enumerate(tokens, 1) if repetition.repeats(token)), None)


@pytest.mark.parametrize(("length", "said"), [(1, 25), (5, 29), (12, 36), (40, 120), (64, 192)])
def test_the_same_words_three_times_in_a_row_and_25_at_least_are_a_circle(length: int, said: int) -> None:
    before = [100, 101, 102]

    assert tokens_until_noticed(before + list(range(length)) * 40) == len(before) + said


def test_a_list_whose_lines_begin_alike_is_no_circle() -> None:
    assert tokens_until_noticed([token for line in range(100) for token in (1, 2, 3, 1000 + line, 4)]) is None


def test_a_rule_of_dashes_is_no_circle_and_the_text_goes_on() -> None:
    assert tokens_until_noticed(([7] * 20 + [8, 9]) * 2) is None


def test_a_circle_longer_than_64_tokens_is_not_looked_for() -> None:
    assert tokens_until_noticed(list(range(65)) * 10) is None
