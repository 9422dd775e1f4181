"""What fits into memory, and into a graphics card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.gguf_sized import q4_k_m, sized_model
from vaultbot.adapters.llama_cpp.chat import LlamaCppChatModel
from vaultbot.adapters.llama_cpp.measured import Measured, measured_file
from vaultbot.models import gguf, memory
from vaultbot.models.shape import Shape
from vaultbot.models.starter import starter_chat_model
from vaultbot.protocols import Message, Speed

if TYPE_CHECKING:
    from vaultbot.models.gguf import GgufInfo

MB = 1 << 20


@pytest.fixture(scope="module")
def info() -> GgufInfo:
    path = starter_chat_model()
    assert path
    return gguf.read(path)


GB = 1 << 30


def write(folder: Path, name: str, text: str) -> None:
    """A file of the kernel's."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_without_a_limit_all_can_be_had_that_the_system_has(tmp_path: Path) -> None:
    write(tmp_path, "proc/meminfo", f"MemAvailable: {8 * GB // 1024} kB\n")
    write(tmp_path, "sys/fs/cgroup/memory.max", "max\n")

    assert memory.available_bytes(system=tmp_path) == 8 * GB
    assert memory.available_bytes(system=tmp_path / "elsewhere") is None


@pytest.mark.parametrize("group", ["", "user.slice/app.service"])
def test_in_a_container_what_is_in_use_cannot_be_had_but_for_the_cache_of_files(tmp_path: Path, group: str) -> None:
    write(tmp_path, "proc/meminfo", f"MemAvailable: {8 * GB // 1024} kB\n")
    write(tmp_path, "proc/self/cgroup", f"0::/{group}\n")
    write(tmp_path, f"sys/fs/cgroup/{group}/memory.max", f"{4 * GB}\n")
    write(tmp_path, f"sys/fs/cgroup/{group}/memory.current", f"{3 * GB}\n")
    write(tmp_path, f"sys/fs/cgroup/{group}/memory.stat", f"anon {2 * GB}\ninactive_file {GB}\nactive_file 5\n")

    assert memory.available_bytes(system=tmp_path) == 2 * GB


def test_the_limit_of_a_group_above_holds_too(tmp_path: Path) -> None:
    write(tmp_path, "proc/meminfo", f"MemAvailable: {8 * GB // 1024} kB\n")
    write(tmp_path, "proc/self/cgroup", "0::/user.slice/app.service\n")
    write(tmp_path, "sys/fs/cgroup/user.slice/app.service/memory.max", "max\n")
    write(tmp_path, "sys/fs/cgroup/user.slice/memory.max", f"{GB}\n")
    write(tmp_path, "sys/fs/cgroup/user.slice/memory.current", f"{2 * GB}\n")

    assert memory.available_bytes(system=tmp_path) == 0


@pytest.mark.parametrize("own", ["docker/0123", ""])  # Without a namespace of its own it reads the host's path.
def test_control_groups_of_the_first_version_count_as_well(tmp_path: Path, own: str) -> None:
    write(tmp_path, "proc/meminfo", f"MemAvailable: {8 * GB // 1024} kB\n")
    write(tmp_path, "proc/self/cgroup", f"5:cpu,memory:/{own}\n0::/\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", f"{2 * GB}\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.usage_in_bytes", f"{GB}\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.stat", f"inactive_file 1\ntotal_inactive_file {GB // 2}\n")

    assert memory.available_bytes(system=tmp_path) == 3 * GB // 2


def test_the_cache_grows_with_the_context(info: GgufInfo) -> None:
    assert memory.kv_bytes(info, 4096) == 90 * MB
    assert memory.kv_bytes(info, 8192) == 180 * MB
    assert memory.kv_bytes(info, 1) == memory.kv_bytes(info, 256)


def most_memory_of(path: Path, context_tokens: int, *, measured: Path | None = None) -> int:
    """What the model's process took at most, after reading a page and writing a line."""
    model = LlamaCppChatModel(path, context_tokens=context_tokens, gpu_layers=0, measured=measured)
    try:
        list(model.stream([Message("user", "The garden has many beds of beans. " * 15)], max_tokens=10))
        process = model._host.process
        assert process is not None
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    finally:
        model.close()


@pytest.mark.parametrize("context_tokens", [1024, 8192])
def test_the_starter_takes_the_memory_that_was_reckoned(info: GgufInfo, context_tokens: int) -> None:
    measured = most_memory_of(info.path, context_tokens)

    assert memory.needed_bytes(info, context_tokens) == pytest.approx(measured, rel=0.1)


@pytest.mark.parametrize("quantization", ["Q4_0", "Q8_0", "F16"])
def test_a_model_takes_the_memory_that_was_reckoned_before_and_from_its_file(tmp_path: Path, quantization: str) -> None:
    shape = Shape(layers=8, width=512, feed_forward=1536, heads=8, kv_heads=4, head_size=64, vocabulary=4000)
    path = sized_model(tmp_path / "model.gguf", shape, quantization)

    measured = most_memory_of(path, 4096)

    assert memory.needed_bytes(gguf.read(path), 4096) == pytest.approx(measured, rel=0.1)
    assert memory.needed_bytes_of(shape, quantization, 4096) == pytest.approx(measured, rel=0.1)


def test_a_mixture_takes_the_memory_that_was_reckoned(tmp_path: Path) -> None:
    shape = Shape(layers=8, width=512, feed_forward=1536, heads=8, kv_heads=4, head_size=64, vocabulary=4000)
    path = q4_k_m(sized_model(tmp_path / "whole.gguf", shape, "F16"), tmp_path / "model.gguf")

    measured = most_memory_of(path, 4096)

    assert gguf.read(path).quantization == "Q4_K_M"
    assert memory.needed_bytes(gguf.read(path), 4096) == pytest.approx(measured, rel=0.1)
    assert memory.needed_bytes_of(shape, "Q4_K_M", 4096) == pytest.approx(measured, rel=0.1)


@pytest.mark.parametrize("repack", [False, True])
@pytest.mark.parametrize("quantization", ["Q4_0", "Q4_K_M"])
def test_whatever_order_was_measured_to_be_faster_the_weights_are_in_memory_once(
    tmp_path: Path, quantization: str, repack: bool
) -> None:
    shape = Shape(layers=8, width=768, feed_forward=2048, heads=12, kv_heads=4, head_size=64, vocabulary=4000)
    path = sized_model(tmp_path / "m.gguf", shape, "Q4_0" if quantization == "Q4_0" else "F16")
    path = path if quantization == "Q4_0" else q4_k_m(path, tmp_path / "k.gguf")
    file = measured_file(tmp_path / "measured", path, threads=None)
    file.write(Measured(0, repack, 1, 1, 256, busy=False, speed=Speed(100, 10)))

    measured = most_memory_of(path, 4096, measured=tmp_path / "measured")

    assert memory.needed_bytes(gguf.read(path), 4096) == pytest.approx(measured, rel=0.1)


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
