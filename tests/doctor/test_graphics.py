"""Why a graphics card is used or not, told for machines of many kinds."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from tests.doctor.machines import MACHINES, build, card
from tests.gguf_sized import sized_model
from vaultbot.adapters.llama_cpp.devices import Build
from vaultbot.doctor.check import Check
from vaultbot.doctor.graphics import graphics, install_line
from vaultbot.models import gguf
from vaultbot.models.gguf import GgufInfo
from vaultbot.models.graphics import Card
from vaultbot.models.shape import Shape

SMALL = Shape(layers=4, width=64, feed_forward=128, heads=4, kv_heads=4, head_size=16, vocabulary=400)
RTX = "NVIDIA GeForce RTX 3060"
DESKTOP = "a desktop with an RTX 3060 and its driver"
LINE = "pip install --force-reinstall --no-deps llama-cpp-python"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> GgufInfo:
    """As large as one of seven billion weights: 32 layers of 115 MB, and 160 MB besides."""
    info = gguf.read(sized_model(tmp_path_factory.mktemp("m") / "m.gguf", SMALL, "Q8_0"))
    return replace(
        info,
        block_bytes=(115_000_000,) * 32,
        other_bytes=160_000_000,
        kv_bytes_per_token=131_072,
        vocabulary=32_000,
        embedding_length=4096,
    )


def check(
    machine: str, installed: Build, model: GgufInfo | None = None, wanted: int | Literal["auto", "all"] = "auto"
) -> Check:
    return graphics(installed, MACHINES[machine].cards, wanted, model, context_tokens=4096)


@pytest.mark.parametrize(
    ("machine", "state", "says", "do"),
    [
        ("a server without graphics", "ok", "there is none that is known of, so the processor is used", ""),
        (
            DESKTOP,
            "advice",
            f"{RTX} is not used: llama.cpp was built for the processor alone",
            (
                "--extra-index-url https://abetlen.github.io/llama-cpp-python/whl/cu124 (or compile it: "
                f"CMAKE_ARGS=-DGGML_CUDA=on {LINE} --no-binary llama-cpp-python)"
            ),
        ),
        ("the same with the open module", "advice", "built for the processor alone", "/whl/cu130 (or"),
        (
            "the same with the free driver",
            "advice",
            "its driver is nouveau, not NVIDIA's own, and llama.cpp was built for the processor alone",
            "install NVIDIA's driver",
        ),
        (
            "the same without any driver",
            "advice",
            "NVIDIA card is not used: it has no driver",
            "then run vaultbot doctor",
        ),
        ("a laptop with Intel's graphics and an NVIDIA card", "advice", f"{RTX} is not used", "/whl/cu124"),
        ("a desktop with a card of AMD", "advice", "AMD card is not used: llama.cpp was built for", "/whl/vulkan"),
        ("a container with NVIDIA's files and no bus", "advice", "NVIDIA H200 is not used", "/whl/cu124"),
        ("Linux in Windows, with Windows' driver", "advice", "NVIDIA card is not used", "/whl/cu124"),
        (
            "a Mac with Apple's processor",
            "advice",
            "Apple's GPU is not used",
            "/whl/metal (or compile it: CMAKE_ARGS=-DGGML_METAL",
        ),
        ("a Mac with Intel's", "ok", "there is none", ""),
    ],
)
def test_a_build_for_the_processor_leads_to_the_line_that_installs_the_right_one(
    machine: str, state: str, says: str, do: str
) -> None:
    found = check(machine, build())

    assert found.state == state
    assert says in found.says
    assert do in found.do
    assert bool(found.do) == (state != "ok")


@pytest.mark.parametrize(
    ("machine", "backend", "says", "do"),
    [
        (DESKTOP, "CUDA", "built for CUDA, and its driver shows no device", "nvidia-smi"),
        ("the same with the free driver", "CUDA", "its driver is nouveau, not NVIDIA's own", "install NVIDIA's driver"),
        ("the same without any driver", "CUDA", "it has no driver", "install NVIDIA's driver"),
        ("a desktop with a card of AMD", "Vulkan", "built for Vulkan, and its driver shows no device", "render,video"),
        ("a desktop with a card of AMD", "ROCm", "built for ROCm, and its driver shows no device", "render,video"),
        ("a desktop with a card of AMD", "CUDA", "built for CUDA, which is not for it", "/whl/vulkan"),
        ("a Mac with Apple's processor", "Metal", "shows no device", "virtual machine"),
    ],
)
def test_a_build_for_a_card_that_sees_none_leads_to_the_driver(machine: str, backend: str, says: str, do: str) -> None:
    found = check(machine, build(backend))

    assert found.state == "advice"
    assert says in found.says
    assert do in found.do


def test_a_build_for_a_card_where_there_is_none_is_no_trouble() -> None:
    found = check("a server without graphics", build("CUDA"))

    assert found == Check(
        "graphics card",
        "ok",
        "there is none that is known of, so the processor is used, though llama.cpp was built for CUDA",
    )


@pytest.mark.parametrize(
    ("free_mb", "wanted", "state", "says"),
    [
        (11_500, "auto", "ok", f"CUDA on {RTX}: all 32 layers of the model fit; 11.5 of 12.0 GB are free"),
        (11_500, "all", "ok", "all 32 layers of the model fit"),
        (11_500, 99, "ok", "all 32 layers of the model fit"),
        (11_500, 32, "ok", "32 of 32 layers, as [model] gpu_layers wants; 11.5 of"),
        (11_500, 10, "ok", "10 of 32 layers, as [model] gpu_layers wants, where all would fit"),
        (3_000, "auto", "advice", "17 of 32 layers fit, and the processor does the rest; 3.0 of 12.0 GB are free"),
        (3_000, 10, "ok", "10 of 32 layers, as [model] gpu_layers wants, where 17 would fit"),
        (3_000, "all", "problem", "wants all of 32 layers and 17 fit, so loading may fail"),
        (3_000, 20, "problem", "wants 20 of 32 layers and 17 fit"),
        (500, "auto", "advice", "not one of 32 layers fits"),
        (11_500, 0, "advice", f"{RTX} is not used: [model] gpu_layers = 0"),
    ],
)
def test_of_a_card_that_is_seen_it_is_told_how_many_layers_fit(
    model: GgufInfo, free_mb: int, wanted: int | Literal["auto", "all"], state: str, says: str
) -> None:
    found = check(DESKTOP, build("CUDA", devices=(card("CUDA0", RTX, free_mb, 12_000),)), model, wanted)

    assert found.state == state
    assert says in found.says
    assert bool(found.do) == (state != "ok")


def test_the_memory_of_several_cards_counts_together(model: GgufInfo) -> None:
    cards = (card("CUDA0", "NVIDIA A2", 3_000, 4_000), card("CUDA1", "NVIDIA A2", 3_000, 4_000))
    found = check(DESKTOP, build("CUDA", devices=cards), model)

    assert found.says == "CUDA on NVIDIA A2 and NVIDIA A2: all 32 layers of the model fit; 6.0 of 8.0 GB are free"


@pytest.mark.parametrize(
    ("machine", "backend", "device"),
    [
        ("a Mac with Apple's processor", "Metal", card("MTL0", "Apple M3", 12_000, 16_000)),
        ("a desktop with a card of AMD", "Vulkan", card("Vulkan0", "AMD Radeon RX 6800", 15_000, 16_000)),
        ("a desktop with a card of AMD", "ROCm", card("ROCm0", "AMD Radeon RX 6800", 15_000, 16_000)),
        ("a server without graphics", "Vulkan", card("Vulkan0", "Intel Iris Xe", 9_000, 16_000, kind="igpu")),
    ],
)
def test_every_back_end_is_told_by_its_name(model: GgufInfo, machine: str, backend: str, device: object) -> None:
    found = check(machine, build(backend, devices=(device,)), model)  # type: ignore[arg-type]

    assert found.state == "ok"
    assert found.says.startswith(f"{backend} on ")


def test_without_a_model_the_free_memory_is_told() -> None:
    found = check(DESKTOP, build("CUDA", devices=(card("CUDA0", RTX, 11_000, 12_000),)))

    assert found == Check("graphics card", "ok", f"CUDA on {RTX}: 11.0 of 12.0 GB are free")


def test_who_wants_no_layers_on_the_card_is_not_advised_to_install_anything() -> None:
    found = check(DESKTOP, build(), wanted=0)

    assert (found.state, found.do) == ("ok", "")
    assert found.says == f"{RTX} is not used, as [model] gpu_layers = 0 wants it"


def test_a_llama_cpp_that_does_not_run_says_nothing_of_cards() -> None:
    assert check(DESKTOP, Build(problem="SIGILL")).state == "ok"


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("580.95.05", "/whl/cu130 "),
        ("550.54.14", "/whl/cu124 "),
        ("535.183.01", "/whl/cu121 "),
        ("470.256.02", "/whl/cu118 "),
        ("390.157", "update NVIDIA's driver, which is too old for CUDA 11.8 (390.157)"),
        (None, "/whl/cu124 "),
    ],
)
def test_the_wheel_is_one_that_the_driver_can_run(version: str | None, line: str) -> None:
    assert line in install_line(Card("NVIDIA", None, "nvidia", version))
