"""llama.cpp aborts: in whatever phase that is, it is told in its own words, and the second time is the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.broken_llama_cpp import LAST_WORDS, breaks_at
from tests.contracts.chat_model import QUESTION
from tests.gguf_files import scripted_model
from vaultbot.adapters.llama_cpp.chat import LlamaCppChatModel
from vaultbot.adapters.llama_cpp.process import ModelProcess
from vaultbot.errors import ModelCrashed, ModelInvalid

PHASES = {
    "loading": ("llama_model_load_from_file", "True"),
    "making room": ("llama_init_from_model", "True"),
    "measuring": ("llama_decode", "True"),
    "tokenizing": ("llama_tokenize", "b'plan due' in given[1]"),
    "reading": ("llama_decode", "given[1].n_tokens > 8"),
    "choosing a word": ("llama_sampler_sample", "True"),
    "writing": ("llama_decode", "given[1].n_tokens == 1"),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_model_that_aborts_llama_cpp_twice_is_refused_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    breaks_at(tmp_path / "broken", monkeypatch, *PHASES[phase])
    measured = tmp_path / "measured" if phase == "measuring" else None
    model = LlamaCppChatModel(scripted_model(tmp_path / "m.gguf", ["Yes", "."]), measured=measured)
    told = []
    for _ in range(3):
        with pytest.raises(ModelCrashed) as crash:
            list(model.stream(QUESTION, max_tokens=5))
        told.append(str(crash.value))

    assert f'SIGABRT; its last words: "{LAST_WORDS}"' in told[0]
    assert told[0].endswith("ask again to start it anew")
    assert f'crashed 2 times (SIGABRT; its last words: "{LAST_WORDS}") and is not started again' in told[1]
    assert told[2] == told[1] == model.trouble
    assert not model.loaded


def test_counting_that_aborts_llama_cpp_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks_at(tmp_path / "broken", monkeypatch, "llama_tokenize", "b'Kimchi' in given[1]")
    model = LlamaCppChatModel(scripted_model(tmp_path / "m.gguf", ["Yes", "."]))

    with pytest.raises(ModelCrashed, match="GGML_ASSERT"):
        model.count_tokens(["Kimchi"])
    assert model.count_tokens(["Cabbage"])[0] > 0
    model.close()


def test_a_process_that_cannot_be_started_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: ModelProcess) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(ModelProcess, "__init__", full)
    model = LlamaCppChatModel(scripted_model(tmp_path / "m.gguf", ["Yes", "."]))

    for _ in range(3):
        with pytest.raises(ModelInvalid, match="cannot be started: Cannot allocate memory; close other programs"):
            model.count_tokens(["x"])
    assert model.trouble is None
