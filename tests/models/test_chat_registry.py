"""The chat models that are known, and what is reckoned of them before there is a file."""

from __future__ import annotations

import pytest

from vaultbot.errors import InvalidRequest
from vaultbot.models import gguf
from vaultbot.models.chat_registry import choice_of_file, choose, known_chat_models
from vaultbot.models.shape import QUANTIZATIONS, Shape
from vaultbot.models.starter import starter_chat_model


def test_what_is_known_of_each_model_is_whole() -> None:
    models = known_chat_models()

    assert len({one.id for one in models}) == len(models) >= 24
    for one in models:
        assert one.id == one.id.lower()
        assert one.repository.count("/") == 1
        assert one.file.count("{}") == 1
        assert one.file.endswith(".gguf")
        assert "/" not in one.file
        assert one.quantizations
        assert set(one.quantizations) <= set(QUANTIZATIONS)
        assert 2048 <= one.context <= 1 << 20
        assert set(one.languages) <= {"en", "ja", "zh", "many"}
        assert one.licence
        assert one.why.endswith(".")
        assert (one.template != "") == one.repository.startswith("TheBloke/")
        assert not (one.recommend and one.licence == "Qwen Research")


def test_the_families_that_people_ask_for_are_there() -> None:
    known = {one.id for one in known_chat_models()}

    assert {f"qwen2.5-{size}" for size in ("0.5b", "1.5b", "3b", "7b", "14b")} <= known
    assert {f"qwen3-{size}" for size in ("0.6b", "1.7b", "4b", "8b")} <= known
    assert {"llama-2-7b-chat", "llama-2-13b-chat", "llama-3.2-1b", "llama-3.2-3b", "llama-3.1-8b"} <= known
    assert {"xwin-lm-7b", "xwin-lm-13b", "smollm2-135m", "smollm2-360m", "smollm2-1.7b"} <= known
    assert {"gemma-2-2b", "gemma-3-4b", "phi-3.5-mini", "phi-4-mini", "mistral-7b"} <= known


def test_a_model_is_chosen_by_its_name_with_or_without_a_quantization() -> None:
    assert choose("qwen2.5-1.5b").name == "qwen2.5-1.5b:Q4_K_M"
    assert choose(" Qwen2.5-1.5B:q8_0").file_name == "qwen2.5-1.5b-instruct-q8_0.gguf"
    assert choose("llama-2-13b-chat:Q4_0").file_name == "llama-2-13b-chat.Q4_0.gguf"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gpt-9", "no model called 'gpt-9' is known; see: vaultbot models list"),
        ("", "no model called '' is known"),
        ("qwen3-0.6b:Q4_K_M", "qwen3-0.6b is not offered in 'Q4_K_M'; choose from: Q8_0"),
    ],
)
def test_what_is_not_known_is_told_with_what_there_is(name: str, told: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        choose(name)

    assert str(error.value).startswith(told)


def test_a_file_is_known_by_its_name() -> None:
    found = choice_of_file("QWEN2.5-1.5b-instruct-q8_0.gguf")

    assert found is not None
    assert found.name == "qwen2.5-1.5b:Q8_0"
    assert choice_of_file("mine.gguf") is None


# ── sizes before there is a file ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("qwen2.5-0.5b", 0.494),
        ("qwen2.5-7b", 7.616),
        ("qwen3-8b", 8.191),
        ("llama-2-7b-chat", 6.738),
        ("llama-2-13b-chat", 13.016),
        ("llama-3.1-8b", 8.030),
        ("mistral-7b", 7.248),
        ("gemma-2-9b", 9.242),
        ("phi-4-mini", 3.836),
        ("smollm2-135m", 0.1345),
    ],
)
def test_the_weights_add_up_to_what_the_maker_says(name: str, billions: float) -> None:
    assert choose(name).model.shape.parameters / 1e9 == pytest.approx(billions, rel=0.001)


@pytest.mark.parametrize(
    ("name", "megabytes"),
    [
        ("qwen2.5-0.5b:Q4_K_M", 398),
        ("qwen2.5-1.5b:Q4_K_M", 986),
        ("qwen2.5-1.5b:Q8_0", 1647),
        ("qwen2.5-7b:Q4_K_M", 4683),
        ("llama-2-7b-chat:Q4_K_M", 4081),
        ("llama-2-7b-chat:Q4_0", 3826),
        ("llama-2-13b-chat:Q4_K_M", 7866),
        ("llama-3.2-1b:Q4_K_M", 808),
        ("llama-3.1-8b:Q4_K_M", 4921),
        ("qwen3-1.7b:Q8_0", 1834),
        ("phi-4-mini:Q4_K_M", 2492),
    ],
)
def test_the_size_of_a_file_is_reckoned_within_three_in_a_hundred(name: str, megabytes: float) -> None:
    assert choose(name).weight_bytes / 1e6 == pytest.approx(megabytes, rel=0.03)


def test_what_is_reckoned_of_the_starter_is_what_its_file_says() -> None:
    path = starter_chat_model()
    assert path
    info, shape = gguf.read(path), choose("smollm2-135m").model.shape

    assert shape.parameters == info.parameters
    assert shape.kv_bytes_per_token == info.kv_bytes_per_token
    assert shape.weight_bytes("Q4_1") == pytest.approx(info.weight_bytes, rel=0.03)


#: Layers, width, feed-forward and heads of the first Llama, and what llama.cpp's own table says it takes at Q4_0.
LLAMA = {
    "7B": (Shape(32, 4096, 11008, 32, 32, 128, 32000), 3.9),
    "13B": (Shape(40, 5120, 13824, 40, 40, 128, 32000), 7.8),
    "30B": (Shape(60, 6656, 17920, 52, 52, 128, 32000), 19.5),
    "65B": (Shape(80, 8192, 22016, 64, 64, 128, 32000), 38.5),
}


@pytest.mark.parametrize("size", LLAMA)
def test_the_classic_table_of_llama_is_met_with_its_512_tokens_of_context(size: str) -> None:
    shape, gigabytes = LLAMA[size]

    needed = shape.weight_bytes("Q4_0") + 512 * shape.kv_bytes_per_token

    assert needed / 1e9 == pytest.approx(gigabytes, rel=0.05)


@pytest.mark.parametrize("size", LLAMA)
def test_the_classic_table_of_llama_is_met_with_the_five_bits_that_q4_0_had_then(size: str) -> None:
    """They are those of today's Q4_1, and the table's GB are of 1024³ bytes."""
    shape, gigabytes = LLAMA[size]

    assert shape.weight_bytes("Q4_1") / 2**30 == pytest.approx(gigabytes, rel=0.05)
