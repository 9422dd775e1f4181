from __future__ import annotations

import pytest

from vaultbot.models.embedding_advisor import advise, spoken
from vaultbot.models.embedding_registry import find_embedding_model

STARTER = find_embedding_model("all-MiniLM-L6-v2")


@pytest.mark.parametrize(
    ("languages", "unread", "better"),
    [
        ({"English": 1.0}, (), None),
        ({"English": 0.62, "Japanese": 0.38}, ("Japanese",), "intfloat/multilingual-e5-small"),
        ({"Japanese": 1.0}, ("Japanese",), "intfloat/multilingual-e5-small"),
        ({"English": 0.97, "Chinese": 0.03}, (), None),
        (
            {"another language in Latin letters": 0.5, "Greek": 0.5},
            ("another language in Latin letters", "Greek"),
            "intfloat/multilingual-e5-small",
        ),
        ({}, (), None),
    ],
)
def test_what_the_starter_does_not_read_is_worth_another_model(
    languages: dict[str, float], unread: tuple[str, ...], better: str | None
) -> None:
    advice = advise(languages, STARTER)

    assert advice.unread == unread
    assert (advice.better.id if advice.better else None) == better


def test_without_any_model_the_smallest_for_all_languages_is_named() -> None:
    english, korean = advise({"English": 1.0}, None), advise({"Korean": 1.0}, None)

    assert english.better is not None
    assert korean.better is not None
    assert english.better.reads == ("en",)
    assert korean.better.reads == ("many",)


def test_a_model_of_many_languages_lacks_none() -> None:
    installed = find_embedding_model("multilingual-e5-small")

    assert advise({"Japanese": 0.5, "Greek": 0.5}, installed).unread == ()
    assert installed is not None
    assert STARTER is not None
    assert (spoken(installed), spoken(STARTER)) == ("a hundred languages", "English")
