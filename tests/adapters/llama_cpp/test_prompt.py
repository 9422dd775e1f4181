"""What a file without a chat template is spoken to in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gguf_files import sentencepiece_model
from vaultbot.adapters.llama_cpp.engine import Engine

QUESTION = [{"role": "system", "content": "Be."}, {"role": "user", "content": "Why?"}]


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("xwin-lm-7b-v0.1.Q4_K_M.gguf", " Be. USER: Why? ASSISTANT:"),
        ("my-Vicuna-of-old.gguf", " Be. USER: Why? ASSISTANT:"),
        ("llama-2-7b-chat.Q4_K_M.gguf", " [INST] <<SYS>>\nBe.\n<</SYS>>\n\nWhy? [/INST]"),
    ],
)
def test_the_name_tells_a_vicuna_from_a_llama(tmp_path: Path, name: str, prompt: str) -> None:
    engine = Engine(sentencepiece_model(tmp_path / name, template=None), context_tokens=512)

    tokens = engine.prompts.tokens(QUESTION)

    assert tokens[:1] == engine.vocabulary.start != []
    assert b"".join(engine.vocabulary.piece(token) for token in tokens).decode() == prompt


def test_a_thought_that_a_template_begins_is_closed_at_once(tmp_path: Path) -> None:
    thinking = "{% for m in messages %}{{ m.content }} {% endfor %}{{ 'ASSISTANT: <think>\n' }}"
    engine = Engine(sentencepiece_model(tmp_path / "thinker.gguf", template=thinking), context_tokens=512)

    tokens = engine.prompts.tokens(QUESTION, prefix="Well,")

    prompt = b"".join(engine.vocabulary.piece(token) for token in tokens).decode()
    assert prompt.endswith("ASSISTANT: <think>\n\n</think>\n\nWell,")
