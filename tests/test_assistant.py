"""The one core, with fake engines behind it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.conftest import VaultBuilder
from tests.fakes import ScriptedChatModel
from vaultbot.answering.chat_models import ChatModels
from vaultbot.assistant import NO_MODEL, Assistant
from vaultbot.bootstrap import assemble_with
from vaultbot.errors import (
    IndexEmpty,
    InvalidRequest,
    ModelMissing,
    NoteNotFound,
    QueueFull,
    ShuttingDown,
    VaultMissing,
)
from vaultbot.index.noticeboard import Noticeboard
from vaultbot.protocols import VectorIndex
from vaultbot.types import Answer, Sources
from vaultbot.vault.vault import Vault

QUESTION = "What is a starter fed with?"


@pytest.fixture
def assistant(vault: VaultBuilder) -> Assistant:
    vault.write("Sourdough.md", "A sourdough starter is fed with flour and water every day.")
    vault.write("Food/Kimchi.md", "Cabbage, salt and time. It is no sourdough.")
    vault.write("Trips/Kimchi.md", "A visit to Kimchi Town. See [[Food/Kimchi]].")
    vault.index()
    return vault.assistant


# ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_begins_with_how_well_the_notes_match_and_ends_with_the_whole(assistant: Assistant) -> None:
    first, *_, last = assistant.ask_stream(QUESTION)

    assert isinstance(first, Sources)
    assert isinstance(last, Answer)
    assert last.answer == assistant.ask(QUESTION).answer


def test_a_question_that_is_broken_off_makes_room_for_the_next(assistant: Assistant) -> None:
    begun = [assistant.ask_stream(QUESTION) for _ in range(9)]
    for events in begun:
        next(events)
    with pytest.raises(QueueFull, match="one question is being answered and eight wait"):
        next(assistant.ask_stream(QUESTION))

    begun[0].close()  # type: ignore[attr-defined]

    next(assistant.ask_stream(QUESTION))


@pytest.mark.parametrize("question", ["", " \n ", "why " * 2000])
def test_a_wrong_question_takes_no_place_in_the_queue(assistant: Assistant, question: str) -> None:
    for _ in range(20):
        with pytest.raises(InvalidRequest):
            assistant.ask(question)


def test_an_answer_without_a_model_says_how_to_get_one(vault: VaultBuilder) -> None:
    vault.model = None
    vault.write("Sourdough.md", "A sourdough starter is fed with flour and water every day.")
    vault.index()
    vault.assistant._models = ChatModels(lambda path: None)

    answer = vault.ask(QUESTION)

    assert answer.answer == "A sourdough starter is fed with flour and water every day. [1]"
    assert answer.warnings == (NO_MODEL,)


def test_after_the_end_nobody_is_answered(assistant: Assistant) -> None:
    begun = assistant.ask_stream(QUESTION)
    next(begun)
    assistant.stop_answering()

    with pytest.raises(ShuttingDown):
        list(begun)
    with pytest.raises(ShuttingDown):
        assistant.ask(QUESTION)


# ── models ─────────────────────────────────────────────────────────────────────────────────────────────────────


def shelf(assistant: Assistant) -> dict[str, ScriptedChatModel]:
    """Gives the assistant a model of its own for each path; "none.gguf" is not there."""
    models: dict[str, ScriptedChatModel] = {}

    def load(path: Path | None) -> ScriptedChatModel:
        name = path.stem if path else "own"
        if name == "none":
            raise ModelMissing("there is no such file")
        return models.setdefault(name, ScriptedChatModel({"": "It is fed with flour and water."}, name=name))

    assistant._models = ChatModels(load)
    return models


def test_a_model_may_be_named_for_one_question(assistant: Assistant) -> None:
    models = shelf(assistant)

    assert assistant.ask(QUESTION).model == "own"
    assert assistant.ask(QUESTION, model=Path("big.gguf")).model == "big"
    assert len(models["big"].asked) == 1
    assert models["own"].closed == 1  # Two at once would fill the memory.


def test_asking_how_it_is_disturbs_no_answer_that_another_model_is_giving(assistant: Assistant) -> None:
    models = shelf(assistant)
    begun = assistant.ask_stream(QUESTION, model=Path("big.gguf"))
    next(begun)

    assert assistant.model_name() == "own"
    next(assistant.ask_stream(QUESTION))
    assert models["big"].closed == 0
    list(begun)

    assert assistant.ask(QUESTION).model == "own"
    assert models["big"].closed == 1


def test_a_model_that_is_not_there_is_told_and_the_next_question_is_answered(assistant: Assistant) -> None:
    shelf(assistant)
    with pytest.raises(ModelMissing):
        assistant.ask(QUESTION, model=Path("none.gguf"))

    assert assistant.ask(QUESTION).model == "own"


def test_every_model_is_closed_at_the_end(assistant: Assistant) -> None:
    models = shelf(assistant)
    assistant.ask(QUESTION)
    assistant.ask(QUESTION, model=Path("big.gguf"))
    assistant.close(timeout=30)

    assert all(model.closed for model in models.values())


# ── notes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["Sourdough", "sourdough.md", "Sourdough.md", " /Sourdough "])
def test_a_note_is_known_by_its_name_too(assistant: Assistant, name: str) -> None:
    assert assistant.note(name).record.path == "Sourdough.md"


def test_a_name_that_two_notes_bear_is_not_guessed(assistant: Assistant) -> None:
    with pytest.raises(InvalidRequest, match=r"say which: Food/Kimchi\.md, Trips/Kimchi\.md"):
        assistant.note("Kimchi")

    assert assistant.note("trips/kimchi").record.path == "Trips/Kimchi.md"
    assert [one.edge.source for one in assistant.note("Food/Kimchi.md").backlinks] == ["Trips/Kimchi.md"]


@pytest.mark.parametrize("name", ["Nope", "", "../Sourdough", "a\0b", "/etc/passwd", "C:\\x"])
def test_a_note_that_is_not_there_is_said_not_to_be(assistant: Assistant, name: str) -> None:
    with pytest.raises(NoteNotFound, match="there is no such note in the index"):
        assistant.suggest(name)


def test_limits_are_told(assistant: Assistant) -> None:
    for limit in (0, 51, -1):
        with pytest.raises(InvalidRequest, match=f"limit must be from 1 to 50, not {limit}"):
            assistant.search("x", limit=limit)
    assert len(assistant.search("kimchi", limit=1).hits) == 1


def test_a_vault_that_is_still_being_read_says_so(vault: VaultBuilder) -> None:
    assistant = vault.assistant
    assistant.worker.stop(timeout=30)
    assistant.worker._board = Noticeboard()

    with pytest.raises(IndexEmpty, match="the vault is being read for the first time"):
        assistant.ask("anything?")
    assert "the vault is being read for the first time" in assistant.search("anything").warnings[-1]


def test_words_answer_while_the_embedding_model_is_still_being_loaded(vault: VaultBuilder) -> None:
    vault.write("Kimchi.md", "Cabbage, salt and time make kimchi.")
    vault.index()
    vault.close()
    loaded = threading.Event()

    def open_vectors() -> tuple[VectorIndex, str | None]:
        loaded.wait(60)
        return vault.vectors, None

    again = assemble_with(
        vault.config, Vault(vault.root), vault.state, embedder=vault.embedder, open_vectors=open_vectors
    )
    again.worker.start()
    try:
        found = again.search("cabbage")
        loaded.set()
        again.index(timeout=60)
        later = again.search("cabbage")
    finally:
        loaded.set()
        again.close(timeout=30)

    assert [hit.path for hit in found.hits] == [hit.path for hit in later.hits] == ["Kimchi.md"]
    assert "words alone were searched" in found.warnings[0]
    assert "answers come from the last index" in found.warnings[1]
    assert later.warnings == ()


def test_many_threads_may_ask_at_once(assistant: Assistant) -> None:
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(assistant.ask(QUESTION).answer)) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(said) == 9
    assert len(set(said)) == 1


def test_what_is_found_in_a_vault_that_is_gone_carries_a_warning(vault: VaultBuilder) -> None:
    vault.embedder = None
    vault.write("Kimchi.md", "Cabbage, salt and time make kimchi.")
    vault.index()
    vault.root.rename(vault.root.with_name("moved"))
    with pytest.raises(VaultMissing):
        vault.assistant.index(timeout=60)

    found = vault.assistant.search("cabbage")
    answer = vault.assistant.ask("What makes kimchi of cabbage?")

    assert [hit.path for hit in found.hits] == ["Kimchi.md"]
    assert "answers come from the last index" in found.warnings[0]
    assert "answers come from the last index" in answer.warnings[-1]
