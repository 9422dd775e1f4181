"""How long a language model stays in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.chat_model import QUESTION, text_of
from tests.fakes import Clock, ScriptedChatModel
from tests.gguf_files import scripted_model
from vaultbot.adapters.llama_cpp.chat import LlamaCppChatModel
from vaultbot.answering.chat_models import ChatModels


@pytest.fixture
def clock() -> Clock:
    return Clock()


def kept_for_ten_minutes(clock: Clock) -> tuple[ChatModels, dict[Path | None, ScriptedChatModel]]:
    models: dict[Path | None, ScriptedChatModel] = {}

    def load(path: Path | None) -> ScriptedChatModel:
        return models.setdefault(path, ScriptedChatModel(name=path.stem if path else "own"))

    return ChatModels(load, idle_s=600, clock=clock), models


def ask(models: ChatModels, path: Path | None = None) -> None:
    with models.using(path) as model:
        assert model is not None
        list(model.stream(QUESTION, max_tokens=5))


def test_a_model_that_nobody_has_asked_for_long_is_unloaded_once(clock: Clock) -> None:
    models, made = kept_for_ten_minutes(clock)
    ask(models)

    clock.now += 599
    assert models.unload_idle() == []
    clock.now += 1
    assert models.unload_idle() == ["own"]
    assert not made[None].loaded
    assert models.unload_idle() == []


def test_every_question_begins_the_time_anew(clock: Clock) -> None:
    models, made = kept_for_ten_minutes(clock)
    for _ in range(3):
        ask(models)
        clock.now += 400

    assert models.unload_idle() == []
    assert made[None].loaded


def test_a_model_that_answers_for_longer_than_that_is_left_alone(clock: Clock) -> None:
    models, made = kept_for_ten_minutes(clock)
    with models.using(None) as model:
        assert model is not None
        list(model.stream(QUESTION, max_tokens=5))
        clock.now += 5000
        assert models.unload_idle() == []
    clock.now += 599
    assert models.unload_idle() == []
    assert made[None].loaded


def test_a_model_named_for_one_question_is_unloaded_too(clock: Clock) -> None:
    models, made = kept_for_ten_minutes(clock)
    ask(models, Path("big.gguf"))
    clock.now += 600

    assert models.unload_idle() == ["big"]
    ask(models, Path("big.gguf"))
    assert made[Path("big.gguf")].loaded


def test_the_process_is_gone_and_its_memory_with_it_and_the_next_question_starts_another(
    tmp_path: Path, clock: Clock
) -> None:
    model = LlamaCppChatModel(scripted_model(tmp_path / "m.gguf", ["Yes", "."]))
    models = ChatModels(lambda _: model, idle_s=600, clock=clock)
    ask(models)
    assert model._host.process
    first = model._host.process.pid
    clock.now += 600
    models.unload_idle()

    assert not Path(f"/proc/{first}").exists()
    with models.using(None) as again:
        assert again is model
        assert text_of(list(model.stream(QUESTION, max_tokens=5))) == "Yes."
    assert model._host.process.pid != first
    models.close()
