"""The best hits read once more: what the reranker says counts half, and nobody waits for it longer than was agreed."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import VaultBuilder
from tests.contracts.reranker import RerankerContract
from tests.fakes import WordReranker
from vaultbot.config import Config, RetrievalSettings
from vaultbot.errors import ModelInvalid
from vaultbot.protocols import FloatArray, Reranker
from vaultbot.retrieval.ranking import Mode
from vaultbot.retrieval.reranking import Reranking
from vaultbot.types import SearchResult

QUESTION = "salt for the cabbage"


class TestWordReranker(RerankerContract):
    @pytest.fixture
    def reranker(self) -> Reranker:
        return WordReranker()


class OnlyPickles(WordReranker):
    """Says that a text about pickles answers, whatever the question, and that others do not."""

    def score(self, question: str, texts: Sequence[str]) -> FloatArray:
        super().score(question, texts)
        return np.array([float("pickles" in text) for text in texts], np.float32)


@pytest.fixture
def pantry(vault: VaultBuilder) -> VaultBuilder:
    """Words and meaning prefer the cabbage; a reranker that knows better may prefer the pickles."""
    vault.config = Config(retrieval=RetrievalSettings(rerank_ms=60_000, rerank_top=4))
    vault.write("Cabbage.md", "Salt for the cabbage, and cabbage for the salt.")
    vault.write("Jars.md", "## Lids\n\nThe pickles want salt like a cabbage.")
    for number in range(6):
        vault.write(f"Other {number}.md", f"Salt number {number} is in the cellar, behind the door and the boxes.")
    return vault


def searched(vault: VaultBuilder, *, mode: Mode = "hybrid", limit: int = 8) -> SearchResult:
    vault.index()
    vault.assistant.warm_up()
    return vault.assistant.search(QUESTION, mode=mode, explain=True, limit=limit)


def order(result: SearchResult) -> list[str]:
    return [hit.path for hit in result.hits]


def test_a_reranker_that_knows_better_puts_another_note_first(pantry: VaultBuilder) -> None:
    before = searched(pantry)
    pantry.close()
    reranker = pantry.reranker = OnlyPickles()

    after = searched(pantry)

    assert order(before)[0] == "Cabbage.md"
    assert order(after)[0] == "Jars.md"
    assert set(order(after)) == set(order(before))
    assert "Jars › Lids\nLids\n\nThe pickles want salt like a cabbage." in reranker.read


def test_its_word_counts_half_and_is_shown(pantry: VaultBuilder) -> None:
    fused = {hit.path: hit.score for hit in searched(pantry).hits}
    pantry.close()
    pantry.reranker = OnlyPickles()

    hits = {hit.path: hit for hit in searched(pantry).hits}

    assert hits["Jars.md"].score == pytest.approx((fused["Jars.md"] + 1) / 2, abs=1e-4)
    assert hits["Cabbage.md"].score == pytest.approx(fused["Cabbage.md"] / 2, abs=1e-4)
    explained = hits["Jars.md"].explained
    assert explained is not None
    assert explained["reranker"] == 1.0


def test_only_the_best_are_read_and_the_others_stay_behind_them(pantry: VaultBuilder) -> None:
    before = order(searched(pantry))
    pantry.close()
    reranker = pantry.reranker = WordReranker()
    reranker.says = 0.0

    result = searched(pantry)

    assert len(reranker.read) == 1 + 4  # one when it was loaded
    assert order(result) == before
    assert [hit.explained["reranker"] if hit.explained else 0 for hit in result.hits[3:5]] == [0.0, None]


def test_a_search_that_shows_less_still_has_all_of_the_best_read(pantry: VaultBuilder) -> None:
    pantry.reranker = OnlyPickles()

    result = searched(pantry, limit=1)

    assert order(result) == ["Jars.md"]


@pytest.mark.parametrize("mode", ["lexical", "dense"])
def test_one_half_of_the_search_alone_is_not_reranked(pantry: VaultBuilder, mode: Mode) -> None:
    reranker = pantry.reranker = WordReranker()

    result = searched(pantry, mode=mode)

    assert reranker.read == ["ready"]
    assert "reranker" not in (result.hits[0].explained or {})


def test_filters_alone_have_nothing_to_be_reranked_by(pantry: VaultBuilder) -> None:
    reranker = pantry.reranker = WordReranker()
    pantry.index()
    pantry.assistant.warm_up()

    assert pantry.assistant.search("path:Jars").hits[0].path == "Jars.md"
    assert reranker.read == ["ready"]


def test_the_passages_for_an_answer_are_reranked_too(vault: VaultBuilder) -> None:
    vault.config = Config(retrieval=RetrievalSettings(rerank_ms=60_000, passages=1))
    vault.embedder = None
    vault.write("A.md", "Kimchi wants salt. Kimchi wants salt and kimchi again.")
    vault.write("B.md", "Kimchi wants salt, and pickles want it as well.")
    assert [one.path for one in vault.ask("What does kimchi want?").citations] == ["A.md"]
    vault.close()

    vault.reranker = OnlyPickles()
    vault.index()
    vault.assistant.warm_up()

    assert [one.path for one in vault.ask("What does kimchi want?").citations] == ["B.md"]


# ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_before_it_is_loaded_nobody_waits_for_it(pantry: VaultBuilder) -> None:
    before = order(searched(pantry))
    pantry.close()
    reranker = pantry.reranker = OnlyPickles()
    pantry.index()

    result = pantry.assistant.search(QUESTION, explain=True)

    assert order(result) == before
    assert "reranker: not loaded yet" in result.warnings
    assert reranker.read == []


def test_when_its_time_is_over_the_order_is_wholly_the_one_without_it(pantry: VaultBuilder) -> None:
    before = [(hit.path, hit.score) for hit in searched(pantry).hits]
    pantry.close()
    pantry.config = Config(retrieval=replace(pantry.config.retrieval, rerank_ms=30))
    reranker = pantry.reranker = OnlyPickles()
    pantry.index()
    pantry.assistant.warm_up()
    reranker.gate.clear()

    result = pantry.assistant.search(QUESTION, explain=True)
    plain = pantry.assistant.search(QUESTION)
    reranker.gate.set()

    assert [(hit.path, hit.score) for hit in result.hits] == before
    assert "reranker: out of time after 30 ms" in result.warnings
    assert plain.warnings == ()


def test_what_nobody_waits_for_any_more_is_not_read() -> None:
    reranker = WordReranker()
    reranking = Reranking(reranker, limit_s=0.02, top=20)
    reranking.load()
    reranker.gate.clear()

    for number in range(5):
        assert reranking.verdicts(f"question {number}", [f"text {number}"] * 20).scores == ()
    reranker.gate.set()
    patient = Reranking(reranker, limit_s=60, top=20)
    patient.load()
    assert len(patient.verdicts("the last one", ["text"] * 20).scores) == 20

    # The first batch of the first question was being read; everything else was dropped.
    assert [text for text in reranker.read if text.startswith("text ")] == ["text 0"] * 4
    reranking.close()
    patient.close()


def test_one_that_never_is_in_time_is_told_by_status_until_it_is() -> None:
    reranker = WordReranker()
    reranking = Reranking(reranker, limit_s=0.02, top=20)
    reranking.load()
    reranker.gate.clear()
    told = []
    for _ in range(5):
        reranking.verdicts("salt", ["text"])
        told.append(reranking.notice or "")
    reranker.gate.set()
    while not reranking.verdicts("salt", ["text"]).scores:
        pass  # The thread may still be on its way back from the last one.

    assert told[:4] == [""] * 4
    assert "was not ready after 20 ms the last 5 times" in told[4]
    assert reranking.notice is None
    reranking.close()


def test_two_questions_at_once_each_get_their_own_verdicts() -> None:
    reranking = Reranking(WordReranker(), limit_s=60, top=20)
    reranking.load()
    said: dict[str, tuple[float, ...]] = {}

    def ask(word: str) -> None:
        said[word] = reranking.verdicts(word, [f"{word} {n}" if n % 2 else "nothing" for n in range(10)]).scores

    threads = [threading.Thread(target=ask, args=(word,)) for word in ("salt", "time", "jar", "lid")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert said == dict.fromkeys(("salt", "time", "jar", "lid"), (0.0, 1.0) * 5)
    reranking.close()


# ── failures ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("failure", "says", "told"),
    [
        (RuntimeError("cabbage does not fit into memory"), None, "it failed (RuntimeError)"),
        (None, math.nan, "it gave nan for a score"),
        (None, 7.0, "it gave 7.0 for a score"),
    ],
)
def test_one_that_fails_is_given_up_and_status_says_so(
    pantry: VaultBuilder,
    caplog: pytest.LogCaptureFixture,
    failure: Exception | None,
    says: float | None,
    told: str,
) -> None:
    before = order(searched(pantry))
    pantry.close()
    reranker = pantry.reranker = WordReranker()
    pantry.index()
    pantry.assistant.warm_up()
    assert pantry.assistant.notices() == ()
    reranker.failure, reranker.says = failure, says

    with caplog.at_level(logging.WARNING):
        results = [pantry.assistant.search(QUESTION) for _ in range(3)]

    assert [order(result) for result in results] == [before] * 3
    (notice,) = pantry.assistant.notices()
    assert told in notice
    assert "is not used any more" in notice
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING].count(notice) == 1
    assert "cabbage" not in caplog.text
    assert len(reranker.read) <= 5  # what it was loaded with, and one batch


def test_one_that_cannot_be_loaded_is_told_and_missed_by_nobody(pantry: VaultBuilder) -> None:
    reranker = pantry.reranker = WordReranker()
    reranker.failure = ModelInvalid("the reranker x cannot be loaded; put its files there")

    result = searched(pantry)

    assert order(result)[0] == "Cabbage.md"
    assert "put its files there" in pantry.assistant.notices()[0]


def test_its_thread_ends_with_the_assistant(pantry: VaultBuilder) -> None:
    pantry.reranker = WordReranker()
    searched(pantry)
    [thread] = [one for one in threading.enumerate() if one.name == "reranker"]

    pantry.close()

    thread.join(10)
    assert not thread.is_alive()
