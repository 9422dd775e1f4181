"""What graphics hardware this machine has, whether or not anything can use it. Told from files of the system alone."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path

_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
_DISPLAY = "0x03"  # a PCI class begins with it: VGA, 3D and other display controllers
_MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card, or the graphics part of a processor."""

    vendor: str  #: "NVIDIA", "AMD", "Intel" or "Apple"
    name: str | None = None  #: "NVIDIA GeForce RTX 3060", where the system says
    driver: str | None = None  #: the kernel's driver that holds it: "nvidia", "amdgpu"; None when none does
    version: str | None = None  #: of NVIDIA's driver: "550.54.14"

    @property
    def label(self) -> str:
        """For people."""
        return self.name or {"Apple": "Apple's GPU", "Intel": "Intel graphics"}.get(self.vendor, f"{self.vendor} card")


def graphics_cards(root: Path = Path("/"), *, system: str = "", machine: str = "") -> tuple[Card, ...]:
    """The best first: NVIDIA's, AMD's, Intel's. `root` is where the system's files are.

    On Linux and on Apple's machines; elsewhere none is known of.
    """
    system, machine = system or platform.system(), machine or platform.machine()
    if system == "Darwin":
        return (Card("Apple", driver="Metal"),) if machine == "arm64" else ()
    if system != "Linux":
        return ()
    names, version = _nvidia(root)
    found = []
    for folder in sorted((root / "sys/bus/pci/devices").glob("*")):
        vendor = _VENDORS.get(_line(folder / "vendor"))
        if vendor and _line(folder / "class").startswith(_DISPLAY):
            driver = folder / "driver"
            holds = driver.resolve().name if driver.exists() else None
            if vendor == "NVIDIA":
                found.append(Card(vendor, names.pop(folder.name, None), holds, version))
            else:
                found.append(Card(vendor, None, holds))
    # In a container the bus may be hidden, and the driver's own files not.
    found += [Card("NVIDIA", name, "nvidia", version) for name in names.values()]
    if not found and (root / "dev/dxg").exists() and (root / "usr/lib/wsl/lib/libcuda.so.1").exists():
        found.append(Card("NVIDIA", None, "nvidia"))  # Windows' own driver, seen from its Linux
    order = list(_VENDORS.values())
    return tuple(sorted(found, key=lambda card: order.index(card.vendor)))


def _nvidia(root: Path) -> tuple[dict[str, str], str | None]:
    """The names of NVIDIA's cards by their places on the bus, and the driver's version."""
    names = {}
    for folder in sorted((root / "proc/driver/nvidia/gpus").glob("*")):
        found = re.search(r"^Model:\s*(.+)$", _text(folder / "information"), re.MULTILINE)
        names[folder.name] = found[1].strip() if found else "NVIDIA card"
    version = re.search(r"Kernel Module\s.*?(\d+\.\d+(?:\.\d+)?)", _text(root / "proc/driver/nvidia/version"))
    return names, version[1] if version else None


def _line(file: Path) -> str:
    return _text(file).strip().lower()


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(_MOST_BYTES)
    except OSError:
        return ""
