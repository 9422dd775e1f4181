"""What the installed llama.cpp says of itself, asked in a process of its own."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from vaultbot.adapters.llama_cpp import devices
from vaultbot.adapters.llama_cpp.devices import Build, Device, backend_name, look_at_build


def test_the_installed_one_has_a_processor_with_memory() -> None:
    build = look_at_build()

    assert build.problem == ""
    assert "CPU" in build.backends
    processor = next(device for device in build.devices if device.kind == "cpu")
    assert 0 < processor.free <= processor.total


@pytest.mark.parametrize(
    ("stand_in", "problem"),
    [
        ("raise ImportError('libcudart.so.12: cannot open shared object file')", "exit code 1: ImportError: libcudart"),
        ("import os; os.kill(os.getpid(), 4)", "processor lacks instructions (AVX2)"),
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV: no reason given"),
        ("import sys; print('hello'); sys.exit(0)", "nothing that can be understood"),
        ("import sys, types; print('{}'); sys.exit(0)", "nothing that can be understood"),
    ],
)
def test_one_that_does_not_run_is_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: str, problem: str
) -> None:
    (tmp_path / "llama_cpp").mkdir()
    (tmp_path / "llama_cpp" / "__init__.py").write_text(stand_in)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    found = look_at_build()

    assert problem in found.problem
    assert found.devices == ()


def test_one_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "llama_cpp.py").write_text("import time; time.sleep(100)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(devices, "_SECONDS", 1)

    assert "does not say within 1 s" in look_at_build().problem


def test_cards_are_told_from_processors_and_accelerators() -> None:
    def device(name: str, kind: str, free: int) -> Device:
        return Device(name, name, kind, free, free)

    build = Build(
        ("CUDA", "BLAS", "CPU"),
        (
            device("CUDA0", "gpu", 8),
            device("iGPU", "igpu", 4),
            device("BLAS", "accelerator", 2),
            device("CPU", "cpu", 1),
        ),
    )

    assert [card.name for card in build.cards] == ["CUDA0", "iGPU"]
    assert build.free_vram == 12
    assert build.card_backends == ("CUDA",)


def test_what_the_process_prints_is_what_is_understood() -> None:
    device = Device("CUDA0", "NVIDIA H200", "gpu", 140_000_000_000, 150_000_000_000)
    told = json.dumps({"backends": ["CUDA", "CPU"], "devices": [asdict(device)]}).encode()

    found = devices._understood(0, b"ggml_cuda_init: found 1 CUDA devices\n" + told, "")

    assert found == Build(("CUDA", "CPU"), (device,))


def test_back_ends_have_the_names_that_people_know() -> None:
    names = [backend_name(name) for name in ("CUDA", "MTL", "Vulkan", "HIP", "ROCm", "CPU", "BLAS")]

    assert names == ["CUDA", "Metal", "Vulkan", "ROCm", "ROCm", "CPU", "BLAS"]
