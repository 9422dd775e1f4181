"""Which engines the settings choose, and how the product goes on while one of them loads or fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.machine import until
from vaultbot.adapters.onnx import OnnxEmbedder
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.bootstrap import assemble, make_embedder
from vaultbot.config import Config, EmbeddingSettings
from vaultbot.errors import ConfigError
from vaultbot.models.starter import starter_embedding_model
from vaultbot.paths import StatePaths


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAULTBOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def settings(embedding: EmbeddingSettings) -> Config:
    return replace(Config(), embedding=embedding)


def test_the_same_model_has_the_same_vectors_by_either_engine_and_others_in_int8() -> None:
    fast = make_embedder(Config())
    slow = make_embedder(settings(EmbeddingSettings(engine="torch", precision="int8")))
    small = make_embedder(settings(EmbeddingSettings(precision="int8")))
    named = make_embedder(settings(EmbeddingSettings(model=str(starter_embedding_model()))))

    assert isinstance(fast, OnnxEmbedder)
    assert isinstance(slow, SentenceTransformersEmbedder)
    assert isinstance(small, OnnxEmbedder)
    assert named is not None
    assert fast.name == slow.name == small.name == "all-MiniLM-L6-v2"
    assert fast.fingerprint == slow.fingerprint == named.fingerprint != small.fingerprint
    assert make_embedder(settings(EmbeddingSettings(model="none"))) is None


def test_an_embedding_model_is_never_exported_into_the_vault(home: Path) -> None:
    with pytest.raises(ConfigError, match="is inside the vault"):
        make_embedder(Config(), vault=home.parent)


def test_a_note_is_found_by_its_meaning_and_the_status_says_why_that_is_slow(tmp_path: Path, home: Path) -> None:
    vault = tmp_path / "Notes"
    vault.mkdir()
    (vault / "Kimchi.md").write_text("Cabbage is left with salt until it is sour.")
    home.mkdir()
    (home / "cache").write_text("No folder, so nothing can be exported.")
    assistant = assemble(Config(), vault, StatePaths(tmp_path / "state"))
    assistant.worker.start()
    try:
        until(lambda: assistant.state().state == "ready")

        assert [hit.path for hit in assistant.search("fermented vegetables").hits] == ["Kimchi.md"]
        (notice,) = assistant.state().notices
        assert notice.startswith("the embedding model all-MiniLM-L6-v2 runs with torch, which is slower: the folder ")
    finally:
        assistant.close(timeout=30)
