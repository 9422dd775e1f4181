"""Which model is recommended to which machine."""

from __future__ import annotations

from vaultbot.models.chat_advisor import Recommendation, fit, recommend
from vaultbot.models.chat_registry import choose, known_chat_models
from vaultbot.models.machine import Machine, look_at_machine

GB = 10**9
FAST = 100e9


def recommended(machine: Machine, *languages: str) -> Recommendation:
    found = recommend(known_chat_models(), machine, languages or ("en",), context_tokens=4096)
    assert found is not None
    return found


def name_for(machine: Machine, *languages: str) -> str:
    return recommended(machine, *languages).fit.choice.model.id


def test_more_memory_brings_a_better_model() -> None:
    names = [name_for(Machine(free * GB, 0, FAST)) for free in (1, 2, 4, 6, 10, 20)]

    assert names == ["qwen2.5-0.5b", "qwen2.5-1.5b", "llama-3.2-3b", "qwen3-4b", "qwen3-8b", "qwen2.5-14b"]


def test_a_model_that_would_write_too_slowly_is_not_recommended() -> None:
    found = recommended(Machine(64 * GB, 0, 20e9))

    assert found.fit.choice.model.id == "qwen2.5-1.5b"
    assert found.reason == (
        "fits the free memory and writes about 12 tokens a second; llama-3.2-3b, the next better one, writes about 6"
    )


def test_the_reason_tells_what_the_next_better_model_lacks() -> None:
    assert recommended(Machine(6 * GB, 0, FAST)).reason == (
        "fits the free memory and writes about 24 tokens a second; qwen2.5-7b, the next better one, needs 5.1 GB"
    )
    assert recommended(Machine(64 * GB, 0, 10 * FAST)).reason.endswith("it is the best of those that are known")


def test_a_graphics_card_takes_what_fits_it_whole() -> None:
    found = recommended(Machine(8 * GB, 16 * GB, 20e9))

    assert (found.fit.choice.model.id, found.fit.where) == ("qwen2.5-14b", "graphics card")
    assert found.reason.startswith("fits the graphics card whole")


def test_japanese_and_chinese_get_a_model_that_speaks_them() -> None:
    for machine in (Machine(1 * GB, 0, FAST), Machine(4 * GB, 0, FAST), Machine(20 * GB, 0, FAST)):
        for language in ("ja", "zh"):
            assert recommended(machine, language).fit.choice.model.speaks_all([language])


def test_where_nothing_fits_nothing_is_recommended() -> None:
    assert recommend(known_chat_models(), Machine(100_000_000, 0, FAST), ["en"], context_tokens=4096) is None


def test_a_machine_that_is_slow_or_nearly_full_gets_the_smallest() -> None:
    slow = recommended(Machine(20 * GB, 0, 0.1e9))

    assert slow.fit.choice.model.id == "qwen2.5-0.5b"
    assert "the smallest that is worth a try" in slow.reason


def test_a_system_that_does_not_tell_its_memory_gets_a_model_of_its_speed() -> None:
    found = recommended(Machine(None, 0, 20e9))

    assert found.fit.where == "unknown"
    assert found.fit.tokens_per_s is not None
    assert found.fit.tokens_per_s >= 6


def test_a_longer_context_needs_more_memory() -> None:
    machine = Machine(8 * GB, 0, FAST)
    short, long = (fit(choose("llama-2-7b-chat"), machine, context_tokens=tokens) for tokens in (512, 4096))

    assert (short.where, long.where) == ("memory", "tight")
    assert long.needed_bytes - short.needed_bytes == (4096 - 512) * 512 * 1024


def test_this_machine_has_memory_and_a_speed() -> None:
    machine = look_at_machine()

    assert machine.free_memory is None or machine.free_memory > 50_000_000
    assert 1e8 < machine.bytes_per_s < 1e13
