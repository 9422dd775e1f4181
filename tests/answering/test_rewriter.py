"""A question in other words before it is searched for: by a model that is there, in time, and never instead of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from tests.conftest import VaultBuilder
from tests.fakes import ScriptedChatModel
from vaultbot.answering.chat_models import ChatModels
from vaultbot.answering.rewriter import languages
from vaultbot.config import Config, RetrievalSettings
from vaultbot.errors import InvalidRequest, ModelCrashed
from vaultbot.protocols import Generation, Message
from vaultbot.retrieval.query import parse_query

#: Only the prompt that asks for other words names the languages of the notes.
REWRITE = "Languages of the notes"


def rewriting(said: str, *, answer: str = "", parameters: int = 1_000_000_000) -> ScriptedChatModel:
    return ScriptedChatModel({REWRITE: said, "": answer}, parameters=parameters)


def rewrites(model: ScriptedChatModel) -> list[str]:
    return [messages[-1].content for messages in model.asked if REWRITE in messages[-1].content]


@pytest.fixture
def pantry(vault: VaultBuilder) -> VaultBuilder:
    """Words alone are searched, so that nothing else leads from the question to the note."""
    vault.embedder = None
    vault.config = Config(retrieval=RetrievalSettings(expand=True))
    vault.write("Kimchi.md", "Fermented vegetables keep for months in a cool cellar.")
    vault.write("Taxes.md", "The form is due at the office in March.")
    return vault


def loaded(vault: VaultBuilder, model: ScriptedChatModel) -> ScriptedChatModel:
    """The model, after it has answered a question."""
    vault.model = model
    vault.ask("What is due at the office in March?")
    model.asked.clear()
    return model


def test_a_search_finds_what_only_other_words_find(pantry: VaultBuilder) -> None:
    loaded(pantry, rewriting("fermented vegetables\nпочва"))

    result = pantry.assistant.search("pickling greens")

    assert [hit.path for hit in result.hits] == ["Kimchi.md"]
    assert result.hits[0].matched == ("Fermented", "vegetables")
    assert result.warnings == ("also searched for: fermented vegetables · почва",)


def test_it_is_off_unless_the_settings_want_it(pantry: VaultBuilder) -> None:
    pantry.config = Config()
    model = loaded(pantry, rewriting("fermented vegetables"))

    assert pantry.assistant.search("pickling greens").hits == ()
    pantry.ask("Do fermented vegetables keep for months?")
    assert rewrites(model) == []


def test_the_question_is_asked_about_without_its_filters_and_in_the_notes_languages(pantry: VaultBuilder) -> None:
    pantry.write("堆肥のつくりかた.md", "落ち葉と土を重ねる。")
    model = loaded(pantry, rewriting("x"))

    pantry.assistant.search("path:Food/ pickling greens")

    assert rewrites(model) == [
        "Languages of the notes: the language of the question, Japanese\n\nQuestion: pickling greens"
    ]


def test_other_words_search_no_other_notes_than_the_filter_leaves(pantry: VaultBuilder) -> None:
    loaded(pantry, rewriting("path:Kimchi fermented vegetables"))

    assert pantry.assistant.search("path:Taxes pickling greens").hits == ()


def test_a_search_loads_no_model(pantry: VaultBuilder) -> None:
    model = pantry.model = rewriting("fermented vegetables")
    pantry.index()

    assert pantry.assistant.search("pickling greens").hits == ()
    pantry.assistant.model_name()
    assert pantry.assistant.search("pickling greens").hits == ()
    assert model.asked == []
    assert not model.loaded


def test_a_search_waits_for_no_model_that_is_answering(pantry: VaultBuilder) -> None:
    model = loaded(pantry, rewriting("fermented vegetables"))
    answering = pantry.assistant.ask_stream("What is due at the office in March?")
    next(answering)
    model.asked.clear()

    assert pantry.assistant.search("pickling greens").hits == ()
    assert model.asked == []
    list(answering)


@pytest.mark.parametrize("mode", ["lexical", "dense"])
def test_one_half_of_the_search_alone_is_taken_at_its_word(vault: VaultBuilder, mode: str) -> None:
    vault.config = Config(retrieval=RetrievalSettings(expand=True))
    vault.write("Taxes.md", "The form is due at the office in March.")
    model = loaded(vault, rewriting("fermented vegetables"))

    vault.assistant.search("pickling greens", mode="lexical" if mode == "lexical" else "dense")

    assert model.asked == []


def test_filters_alone_are_not_put_in_other_words(pantry: VaultBuilder) -> None:
    model = loaded(pantry, rewriting("fermented vegetables"))

    assert [hit.path for hit in pantry.assistant.search("path:Kimchi").hits] == ["Kimchi.md"]
    assert model.asked == []


def test_the_best_of_the_wordings_counts_for_meaning(vault: VaultBuilder) -> None:
    vault.config = Config(retrieval=RetrievalSettings(expand=True))
    vault.write("Kimchi.md", "Fermented vegetables keep for months in a cool cellar.")
    vault.write("Taxes.md", "The form is due at the office in March.")
    loaded(vault, rewriting("fermented vegetables keep for months in a cool cellar"))

    [first, *_] = vault.assistant.search("pickling greens", explain=True).hits

    assert first.path == "Kimchi.md"
    assert first.explained is not None
    cosine = first.explained["passage_cosine"]
    assert cosine is not None
    assert cosine > 0.8


# ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_says_what_else_was_searched_for(pantry: VaultBuilder) -> None:
    model = pantry.model = rewriting("preserve produce")

    answer = pantry.ask("How long do fermented vegetables keep in a cellar?")

    assert answer.citations[0].path == "Kimchi.md"
    assert "also searched for: preserve produce" in answer.warnings
    assert len(rewrites(model)) == 1


def test_whether_the_notes_answer_is_decided_by_the_question_as_asked(pantry: VaultBuilder) -> None:
    model = pantry.model = rewriting("fermented vegetables keep for months in a cool cellar")

    answer = pantry.ask("How many moons does Jupiter have?")

    assert answer.refused
    assert [hit.path for hit in answer.nearest] == ["Kimchi.md"]
    assert len(model.asked) == 1  # for other words, and not for an answer


def test_a_model_that_would_only_repeat_what_it_was_told_is_not_asked(pantry: VaultBuilder) -> None:
    model = pantry.model = rewriting("fermented vegetables", parameters=135_000_000)

    pantry.ask("How long do fermented vegetables keep in a cellar?")

    assert model.asked
    assert rewrites(model) == []
    assert "scripted is too small to put questions in other words" in pantry.assistant.notices()[0]


def test_there_is_nothing_to_tell_of_a_model_that_can(pantry: VaultBuilder) -> None:
    pantry.model = rewriting("fermented vegetables")

    assert pantry.assistant.notices() == ()


class SlowModel(ScriptedChatModel):
    """Says a word and then nothing more until it is told to stop."""

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        prefix: str = "",
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Generation]:
        if REWRITE not in messages[-1].content:
            yield from super().stream(messages, max_tokens=max_tokens, prefix=prefix, stop=stop, cancel=cancel)
            return
        yield Generation("fermented vegetables\n")
        assert cancel is not None
        for _ in range(3000):
            if cancel.is_set():
                return
            threading.Event().wait(0.01)


def test_a_model_that_takes_too_long_is_not_waited_for(pantry: VaultBuilder) -> None:
    pantry.model = SlowModel()
    pantry.index()
    answerer = pantry.assistant._answerer
    assert answerer.rewriter is not None
    assert answerer.rewriter.limit_s == 3.0
    object.__setattr__(answerer, "rewriter", replace(answerer.rewriter, limit_s=0.05))

    answer = pantry.assistant.ask("How long do fermented vegetables keep in a cellar?")

    assert answer.citations[0].path == "Kimchi.md"
    assert not any(warning.startswith("also searched for") for warning in answer.warnings)


class FailingModel(ScriptedChatModel):
    """Fails when it is asked for other words, with `error`."""

    error: Exception

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        prefix: str = "",
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Generation]:
        if REWRITE in messages[-1].content:
            raise self.error
        return super().stream(messages, max_tokens=max_tokens, prefix=prefix, stop=stop, cancel=cancel)


@pytest.mark.parametrize("error", [ModelCrashed("it crashed; ask again"), InvalidRequest("the prompt does not fit")])
def test_a_model_that_fails_at_it_may_still_answer(pantry: VaultBuilder, error: Exception) -> None:
    model = pantry.model = FailingModel({"": "Fermented vegetables keep for months."})
    model.error = error

    answer = pantry.ask("How long do fermented vegetables keep in a cellar?")

    assert [sentence.support for sentence in answer.sentences] == ["quote"]
    assert answer.model == "scripted"
    assert answer.warnings == ()


# ── languages ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("scripts", "question", "named"),
    [
        ({"LATIN": 1.0}, "compost", "the language of the question"),
        ({"LATIN": 1.0}, "堆肥", "English"),
        ({"LATIN": 0.6, "KANA": 0.2, "CJK": 0.2}, "compost", "the language of the question, Japanese"),
        ({"CJK": 1.0}, "compost", "Chinese"),
        ({"CJK": 0.9, "KANA": 0.1}, "compost", "Japanese, Chinese"),
        ({"LATIN": 0.5, "CYRILLIC": 0.48, "CJK": 0.02}, "compost", "the language of the question, Russian"),
        ({}, "compost", "the language of the question"),
    ],
)
def test_the_languages_of_the_notes_are_told_by_their_scripts(
    scripts: Mapping[str, float], question: str, named: str
) -> None:
    assert languages(scripts, parse_query(question)) == named


# ── the models in use ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_idle_model_is_handed_out_only_when_it_is_loaded_and_nobody_uses_it() -> None:
    model = ScriptedChatModel()
    models = ChatModels(lambda _: model)
    handed = []

    def idle() -> None:
        with models.idle() as found:
            handed.append(found)

    idle()
    with models.using(None) as used:
        assert used is model
        model.count_tokens(["load"])
        idle()
    idle()
    models.close()
    idle()

    assert handed == [None, None, model, None]
