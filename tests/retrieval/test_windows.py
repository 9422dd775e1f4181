"""What a passage says in one place."""

from __future__ import annotations

import pytest

from vaultbot.retrieval.windows import best_window

WEIGHTS = {"heat": 1.0, "compost": 3.0}


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Compost heats up.", 1.0),
        ("Compost is old. It needs air. Then it rests.", 0.75),
        ("Compost is old. It heats up.", 1.0),
        ("Compost is old. It needs air. It rests. The sun heats.", 0.75),
        ("Compost is old. It needs air. The sun heats.", 1.0),
        ("Nothing of it.", 0.0),
        ("", 0.0),
    ],
)
def test_the_best_three_sentences_count(text: str, share: float) -> None:
    assert best_window(text, WEIGHTS) == share


def test_without_words_nothing_is_held() -> None:
    assert best_window("Compost heats up.", {}) == 0.0
