"""Machines of several kinds: their system's files, and what llama.cpp tells on them.

The files have the form of Linux' own; the devices that of llama.cpp's, with sizes in MB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vaultbot.adapters.llama_cpp.devices import Build, Device
from vaultbot.models.graphics import Card

MB = 1_000_000
CPU = Device("CPU", "AMD Ryzen 7 5800X", "cpu", 24_000 * MB, 32_000 * MB)


@dataclass(frozen=True)
class Machine:
    """A kind of machine."""

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    system: str = "Linux"
    processor: str = "x86_64"
    cards: tuple[Card, ...] = ()  #: that are to be found in the files

    def make(self, root: Path) -> Path:
        for name, text in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for name, target in self.links.items():
            (root / target).mkdir(parents=True, exist_ok=True)
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(root / target)
        return root


def pci(place: str, vendor: str, kind: str = "0x030000") -> dict[str, str]:
    folder = f"sys/bus/pci/devices/{place}"
    return {f"{folder}/vendor": f"{vendor}\n", f"{folder}/class": f"{kind}\n"}


def driver(place: str, name: str) -> dict[str, str]:
    return {f"sys/bus/pci/devices/{place}/driver": f"sys/bus/pci/drivers/{name}"}


NVIDIA_MODULE = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n"
    "GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04)\n"
)
NVIDIA_OPEN_MODULE = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
RTX_3060 = "Model: \t\t NVIDIA GeForce RTX 3060\nIRQ:   \t\t 86\nGPU UUID: \t GPU-1\n"

MACHINES = {
    "a server without graphics": Machine(files=pci("0000:00:03.0", "0x1af4", "0x020000")),
    "a desktop with an RTX 3060 and its driver": Machine(
        files={
            **pci("0000:01:00.0", "0x10de"),
            **pci("0000:01:00.1", "0x10de", "0x040300"),  # its sound
            "proc/driver/nvidia/version": NVIDIA_MODULE,
            "proc/driver/nvidia/gpus/0000:01:00.0/information": RTX_3060,
        },
        links=driver("0000:01:00.0", "nvidia"),
        cards=(Card("NVIDIA", "NVIDIA GeForce RTX 3060", "nvidia", "550.54.14"),),
    ),
    "the same with the open module": Machine(
        files={
            **pci("0000:01:00.0", "0x10de"),
            "proc/driver/nvidia/version": NVIDIA_OPEN_MODULE,
            "proc/driver/nvidia/gpus/0000:01:00.0/information": RTX_3060,
        },
        links=driver("0000:01:00.0", "nvidia"),
        cards=(Card("NVIDIA", "NVIDIA GeForce RTX 3060", "nvidia", "580.95.05"),),
    ),
    "the same with the free driver": Machine(
        files=pci("0000:01:00.0", "0x10de"),
        links=driver("0000:01:00.0", "nouveau"),
        cards=(Card("NVIDIA", None, "nouveau"),),
    ),
    "the same without any driver": Machine(
        files=pci("0000:01:00.0", "0x10de", "0x030200"), cards=(Card("NVIDIA", None, None),)
    ),
    "a laptop with Intel's graphics and an NVIDIA card": Machine(
        files={
            **pci("0000:00:02.0", "0x8086"),
            **pci("0000:01:00.0", "0x10de", "0x030200"),
            "proc/driver/nvidia/version": NVIDIA_MODULE,
            "proc/driver/nvidia/gpus/0000:01:00.0/information": RTX_3060,
        },
        links={**driver("0000:00:02.0", "i915"), **driver("0000:01:00.0", "nvidia")},
        cards=(Card("NVIDIA", "NVIDIA GeForce RTX 3060", "nvidia", "550.54.14"), Card("Intel", None, "i915")),
    ),
    "a desktop with a card of AMD": Machine(
        files=pci("0000:0a:00.0", "0x1002"),
        links=driver("0000:0a:00.0", "amdgpu"),
        cards=(Card("AMD", None, "amdgpu"),),
    ),
    "a container with NVIDIA's files and no bus": Machine(
        files={
            "proc/driver/nvidia/version": NVIDIA_MODULE,
            "proc/driver/nvidia/gpus/0000:17:00.0/information": "Model: NVIDIA H200\n",
        },
        cards=(Card("NVIDIA", "NVIDIA H200", "nvidia", "550.54.14"),),
    ),
    "Linux in Windows, with Windows' driver": Machine(
        files={"dev/dxg": "", "usr/lib/wsl/lib/libcuda.so.1": ""}, cards=(Card("NVIDIA", None, "nvidia"),)
    ),
    "Linux in Windows without it": Machine(files={"dev/dxg": ""}),
    "a Mac with Apple's processor": Machine(system="Darwin", processor="arm64", cards=(Card("Apple", driver="Metal"),)),
    "a Mac with Intel's": Machine(system="Darwin"),
    "Windows": Machine(system="Windows", processor="AMD64"),
}


def build(*backends: str, devices: tuple[Device, ...] = ()) -> Build:
    return Build((*backends, "CPU"), (*devices, CPU))


def card(name: str, description: str, free_mb: int, total_mb: int, *, kind: str = "gpu") -> Device:
    return Device(name, description, kind, free_mb * MB, total_mb * MB)
