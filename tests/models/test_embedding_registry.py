from __future__ import annotations

import pytest

from vaultbot.models.embedding_registry import find_embedding_model, known_embedding_models, smallest_embedding_model


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("multilingual-e5-small", "intfloat/multilingual-e5-small"),
        ("intfloat/multilingual-e5-small", "intfloat/multilingual-e5-small"),
        ("models--intfloat--multilingual-e5-small", "intfloat/multilingual-e5-small"),
        ("Nomic Embed Text v1.5", "nomic-ai/nomic-embed-text-v1.5"),
        ("nomic-embed-text-v1.5.Q8_0.gguf", "nomic-ai/nomic-embed-text-v1.5"),
        ("nomic-embed-text:latest", "nomic-ai/nomic-embed-text-v1.5"),
        ("bge-m3-Q4_K_M.gguf", "BAAI/bge-m3"),
        ("Bge M3", "BAAI/bge-m3"),
        ("Qwen3-Embedding-0.6B-f16.gguf", "Qwen/Qwen3-Embedding-0.6B"),
        ("embeddinggemma-300M-qat-Q4_0.gguf", "google/embeddinggemma-300m"),
        ("all-minilm", "sentence-transformers/all-MiniLM-L6-v2"),
    ],
)
def test_a_model_is_known_by_the_names_that_people_and_programs_give_it(name: str, model: str) -> None:
    found = find_embedding_model(name)

    assert found is not None
    assert found.id == model


@pytest.mark.parametrize("name", ["", None, "model", "bge-m3-finetuned-on-recipes", "-Q8_0", "-q8" * 400_000])
def test_a_name_that_says_nothing_is_no_models(name: str | None) -> None:
    assert find_embedding_model(name) is None


def test_the_first_name_that_is_known_counts() -> None:
    found = find_embedding_model("snapshot", None, "bge-small-en-v1.5", "bge-m3")

    assert found is not None
    assert (found.name, found.query_prompt) == (
        "bge-small-en-v1.5",
        "Represent this sentence for searching relevant passages: ",
    )


def test_what_is_known_of_each_model_is_whole_and_no_name_stands_for_two() -> None:
    models = known_embedding_models()
    names = [name.lower() for model in models for name in (model.name, *model.names)]

    assert len(models) >= 15
    assert len(set(names)) == len(names)
    for model in models:
        assert "/" in model.id
        assert model.reads
        assert set(model.reads) <= {"en", "ja", "zh", "many"}
        assert 128 <= model.dimensions <= 4096
        assert 50 <= model.megabytes <= 3000
        assert 128 <= model.max_tokens <= 32768
        assert model.licence
        assert model.why.endswith(".")
        assert model.as_folder == ("Take the GGUF" not in model.why)


def test_the_smallest_that_reads_all_of_the_languages_is_found() -> None:
    english, both, japanese = (smallest_embedding_model(one) for one in (["en"], ["en", "ja"], ["ja"]))

    assert english is not None
    assert both is not None
    assert japanese is not None
    assert (english.reads, both.id, japanese.reads) == (("en",), "intfloat/multilingual-e5-small", ("ja",))
