"""What fits into memory, and into a graphics card."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from vaultbot.models import gguf, memory
from vaultbot.models.starter import starter_chat_model

if TYPE_CHECKING:
    from vaultbot.models.gguf import GgufInfo

MB = 1 << 20


@pytest.fixture(scope="module")
def info() -> GgufInfo:
    path = starter_chat_model()
    assert path
    return gguf.read(path)


def test_the_cache_grows_with_the_context(info: GgufInfo) -> None:
    assert memory.kv_bytes(info, 4096) == 90 * MB
    assert memory.kv_bytes(info, 8192) == 180 * MB
    assert memory.kv_bytes(info, 1) == memory.kv_bytes(info, 256)


def test_a_model_needs_its_weights_its_cache_and_some_more(info: GgufInfo) -> None:
    assert 250 * MB < memory.needed_bytes(info, 4096) < 400 * MB


def test_a_card_with_room_takes_all_layers(info: GgufInfo) -> None:
    assert memory.gpu_layers(info, 8000 * MB, 4096) == -1


def test_a_card_without_room_takes_none(info: GgufInfo) -> None:
    assert memory.gpu_layers(info, 0, 4096) == 0
    assert memory.gpu_layers(info, 500 * MB, 4096) == 0


def test_a_small_card_takes_as_many_layers_as_fit(info: GgufInfo) -> None:
    some = [memory.gpu_layers(info, free * MB, 4096) for free in (680, 720, 760)]

    assert some == sorted(some)
    assert 0 < some[0] < some[-1] < 30


def test_a_longer_context_leaves_room_for_fewer_layers(info: GgufInfo) -> None:
    assert memory.gpu_layers(info, 720 * MB, 8192) < memory.gpu_layers(info, 720 * MB, 2048)


def test_a_model_without_layers_asks_for_none(info: GgufInfo) -> None:
    assert memory.gpu_layers(replace(info, block_bytes=()), 600 * MB, 4096) == 0
