"""Whether the language model is run on the graphics card, and if not, exactly why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from vaultbot.adapters.llama_cpp.devices import Build
from vaultbot.doctor.check import Check
from vaultbot.models.gguf import GgufInfo
from vaultbot.models.graphics import Card
from vaultbot.models.memory import ALL_LAYERS, gpu_layers

_NAME = "graphics card"
_INDEX = "https://abetlen.github.io/llama-cpp-python/whl/"
#: The newest CUDA that a driver knows, by the driver's first number: the wheel's folder in the index.
_CUDA = ((580, "cu130"), (550, "cu124"), (525, "cu121"), (450, "cu118"))
_PROGRAMS = {"NVIDIA": "CUDA", "AMD": "Vulkan", "Intel": "Vulkan", "Apple": "Metal"}
_FOLDERS = {"Vulkan": "vulkan", "Metal": "metal"}
_FLAGS = {"CUDA": "-DGGML_CUDA=on", "Vulkan": "-DGGML_VULKAN=on", "Metal": "-DGGML_METAL=on"}


def graphics(
    build: Build,
    cards: Sequence[Card],
    wanted: int | Literal["auto", "all"],
    model: GgufInfo | None,
    *,
    context_tokens: int,
) -> Check:
    """`cards` are what the machine has, `build` what llama.cpp sees of them, `wanted` is `[model] gpu_layers`."""
    if build.problem:
        return Check(_NAME, "ok", "nothing can be said as long as llama-cpp-python does not run")
    if build.cards:
        return _seen(build, wanted, model, context_tokens)
    if not cards:
        built = f", though llama.cpp was built for {_listed(build.card_backends)}" if build.card_backends else ""
        return Check(_NAME, "ok", f"there is none that is known of, so the processor is used{built}")
    card = cards[0]
    if wanted == 0:
        return Check(_NAME, "ok", f"{card.label} is not used, as [model] gpu_layers = 0 wants it")
    if build.card_backends:
        return _not_seen(build, card)
    return _not_built(card)


def _seen(build: Build, wanted: int | str, model: GgufInfo | None, context_tokens: int) -> Check:
    names = _listed([f"{card.description or card.name}" for card in build.cards])
    room = f"{build.free_vram / 1e9:.1f} of {sum(card.total for card in build.cards) / 1e9:.1f} GB are free"
    used = f"{_listed(build.card_backends)} on {names}"
    if wanted == 0:
        return Check(_NAME, "advice", f"{names} is not used: [model] gpu_layers = 0", 'set [model] gpu_layers = "auto"')
    if model is None:
        return Check(_NAME, "ok", f"{used}: {room}")
    total = len(model.block_bytes)
    fit = gpu_layers(model, build.free_vram, context_tokens)
    if fit == ALL_LAYERS and (wanted in ("auto", "all") or int(wanted) > total):
        return Check(_NAME, "ok", f"{used}: all {total} layers of the model fit; {room}")
    count = total if fit == ALL_LAYERS else fit
    if isinstance(wanted, int) and wanted <= count:
        more = "" if wanted == total else f", where {'all' if fit == ALL_LAYERS else count} would fit"
        return Check(_NAME, "ok", f"{used}: {wanted} of {total} layers, as [model] gpu_layers wants{more}; {room}")
    step = "close other programs, set [model] context_tokens lower, or take a smaller model: vaultbot models recommend"
    if wanted == "auto":
        fits = f"{count} of {total} layers fit" if count else f"not one of {total} layers fits"
        return Check(_NAME, "advice", f"{used}: {fits}, and the processor does the rest; {room}", step)
    return Check(
        _NAME,
        "problem",
        f"{used}: [model] gpu_layers wants {wanted} of {total} layers and {count} fit, so loading may fail; {room}",
        f'set [model] gpu_layers = "auto"; or {step}',
    )


def _not_seen(build: Build, card: Card) -> Check:
    """llama.cpp was built for a card and sees none."""
    backend = _listed(build.card_backends)
    suits = _PROGRAMS[card.vendor] in build.card_backends or (card.vendor, backend) == ("AMD", "ROCm")
    if not suits and "Vulkan" not in build.card_backends:
        return _not_built(card, instead=f"for {backend}, which is not for it")
    if card.vendor == "NVIDIA" and card.driver != "nvidia":
        return Check(_NAME, "advice", f"{card.label} is not used: {_without_driver(card)}", _driver_step(card))
    steps = {
        "NVIDIA": "see what nvidia-smi says; after an update of the driver restart the machine",
        "AMD": "give yourself access to it: sudo usermod -aG render,video $USER, and log in anew",
        "Intel": "install the Vulkan driver: sudo apt install mesa-vulkan-drivers",
        "Apple": "run vaultbot in a session of macOS itself, not in a virtual machine",
    }
    return Check(
        _NAME,
        "advice",
        f"{card.label} is not used: llama.cpp was built for {backend}, and its driver shows no device",
        steps[card.vendor],
    )


def _not_built(card: Card, *, instead: str = "for the processor alone") -> Check:
    if card.vendor == "NVIDIA" and card.driver != "nvidia":
        facts = f"{_without_driver(card)}, and llama.cpp was built {instead}"
        step = f"{_driver_step(card)}, and then run vaultbot doctor again"
        return Check(_NAME, "advice", f"{card.label} is not used: {facts}", step)
    says = f"{card.label} is not used: llama.cpp was built {instead}"
    return Check(_NAME, "advice", says, install_line(card))


def install_line(card: Card) -> str:
    """What installs llama-cpp-python for this card."""
    backend = _PROGRAMS[card.vendor]
    folder = _FOLDERS.get(backend) or _cuda_folder(card.version)
    if folder is None:
        return f"update NVIDIA's driver, which is too old for CUDA 11.8 ({card.version}), and then run vaultbot doctor"
    line = "pip install --force-reinstall --no-deps llama-cpp-python"
    return (
        f"{line} --only-binary llama-cpp-python --extra-index-url {_INDEX}{folder} (or compile it: "
        f"CMAKE_ARGS={_FLAGS[backend]} {line} --no-binary llama-cpp-python)"
    )


def _cuda_folder(version: str | None) -> str | None:
    if version is None:
        return "cu124"
    number = int(version.split(".")[0])
    return next((folder for least, folder in _CUDA if number >= least), None)


def _without_driver(card: Card) -> str:
    return f"its driver is {card.driver}, not NVIDIA's own" if card.driver else "it has no driver"


def _driver_step(card: Card) -> str:
    assert card.vendor == "NVIDIA"
    return "install NVIDIA's driver (sudo ubuntu-drivers install, or your system's package nvidia-driver)"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
