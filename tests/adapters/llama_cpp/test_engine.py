"""The generation loop, in this process."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from tests.gguf_files import scripted_model
from vaultbot.adapters.llama_cpp.engine import Engine
from vaultbot.adapters.llama_cpp.measured import Measured
from vaultbot.models.starter import starter_chat_model
from vaultbot.protocols import Speed

LONG = [{"role": "user", "content": "The garden has many beds of beans and peas. " * 60}]
ITALY = [{"role": "user", "content": "What is the capital of Italy?"}]


def new_engine() -> Engine:
    path = starter_chat_model()
    assert path
    return Engine(path, context_tokens=1024, layers=0, threads=1)


def said(engine: Engine, messages: list[dict[str, str]]) -> tuple[str, int]:
    """The answer, and how many tokens of the prompt were there already."""
    prompt = engine.prompts.tokens(messages)
    generated = engine.begin(prompt)
    return "".join(engine.generate(prompt, generated, max_tokens=12, stop=[], lstrip=True)), generated.cached


def test_a_cancel_in_the_middle_of_a_batch_ends_the_reading_there(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, fresh = new_engine(), new_engine()
    entered = threading.Event()
    results: list[int] = []
    original = llama_cpp.llama_decode

    def decode(context: Any, tokens: Any) -> int:
        if len(results) == 1:
            entered.set()
        results.append(original(context, tokens))
        return int(results[-1])

    def cancel() -> None:
        assert entered.wait(60)
        engine.cancel()

    monkeypatch.setattr(llama_cpp, "llama_decode", decode)
    canceller = threading.Thread(target=cancel)
    canceller.start()
    answer, _ = said(engine, LONG)
    canceller.join()
    monkeypatch.undo()

    assert answer == ""
    assert results == [0, 2]  # 2: the computation was broken off, and the next one never began
    engine.resume()
    whole, cached = said(engine, LONG)
    assert cached <= 512 < len(engine.prompts.tokens(LONG))
    assert whole == said(fresh, LONG)[0] != ""
    assert said(engine, ITALY)[0] == said(fresh, ITALY)[0]
    engine.close()
    fresh.close()


def test_a_cancelled_prompt_leaves_its_read_part_to_the_next_question(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = new_engine()
    calls = []
    original = llama_cpp.llama_decode

    def decode(context: Any, tokens: Any) -> int:
        calls.append(tokens.n_tokens)
        if len(calls) == 2:
            engine.cancel()
        return int(original(context, tokens))

    monkeypatch.setattr(llama_cpp, "llama_decode", decode)
    said(engine, LONG)
    monkeypatch.undo()
    engine.resume()

    assert calls == [256, 256]
    assert said(engine, LONG)[1] >= 256
    engine.close()


def test_measuring_leaves_nothing_behind() -> None:
    engine, fresh = new_engine(), new_engine()
    engine.time_reading(64, batch=64, threads=1)
    engine.time_writing(4, threads=1)
    engine.time_writing(4, threads=1, most_s=1e-9)

    assert said(engine, ITALY) == said(fresh, ITALY)
    engine.close()
    fresh.close()


def test_a_prompt_is_read_in_batches_of_the_wanted_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(scripted_model(tmp_path / "m.gguf", ["Yes"]), context_tokens=512)
    engine.use(Measured(0, False, 1, 1, batch=64, busy=False, speed=Speed(100, 10)))
    sizes = []
    original = llama_cpp.llama_decode

    def decode(context: Any, tokens: Any) -> int:
        sizes.append(tokens.n_tokens)
        return int(original(context, tokens))

    monkeypatch.setattr(llama_cpp, "llama_decode", decode)
    answer = said(engine, [{"role": "user", "content": "x" * 200}])[0]
    engine.close()

    assert answer == "Yes"
    assert sizes[:3] == [64, 64, 64]
    assert max(sizes) == 64
