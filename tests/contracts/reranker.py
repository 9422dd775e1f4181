"""What every Reranker does. Subclass it in a test file and give it the fixture `reranker`."""

from __future__ import annotations

import numpy as np
import pytest

from vaultbot.protocols import Reranker

QUESTION = "how much salt and time for the cabbage in kimchi"
KIMCHI = "Salt and time make kimchi of the cabbage."
TAXES = "Forms go to an office before March ends."


class RerankerContract:
    def test_what_answers_scores_higher_than_what_does_not(self, reranker: Reranker) -> None:
        taxes, kimchi = reranker.score(QUESTION, [TAXES, KIMCHI])

        assert kimchi > taxes

    def test_scores_lie_between_0_and_1(self, reranker: Reranker) -> None:
        scores = reranker.score(QUESTION, [KIMCHI, TAXES, "", "量子化", "word " * 5000, "lone \ud800 surrogate", "\0"])

        assert scores.shape == (7,)
        assert scores.dtype == np.float32
        assert ((scores >= 0) & (scores <= 1)).all()

    def test_no_texts_have_no_scores(self, reranker: Reranker) -> None:
        assert reranker.score(QUESTION, []).shape == (0,)

    def test_a_text_scores_the_same_in_any_company(self, reranker: Reranker) -> None:
        alone = reranker.score(QUESTION, [KIMCHI])[0]
        among = reranker.score(QUESTION, [TAXES * 9, KIMCHI, "a"])[1]

        assert alone == pytest.approx(among, abs=1e-3)

    def test_an_endless_question_has_a_score(self, reranker: Reranker) -> None:
        assert 0 <= reranker.score("kimchi " * 4000 + "\ud800", [KIMCHI])[0] <= 1

    def test_it_says_what_it_is(self, reranker: Reranker) -> None:
        assert reranker.name
