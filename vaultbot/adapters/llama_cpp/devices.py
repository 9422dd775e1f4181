"""Which back ends the installed llama.cpp was built with, and which devices they see.

Asked in a process of its own (`python -m vaultbot.adapters.llama_cpp.devices`), because drivers of graphics cards are
native code, too, and a build for another processor dies at its first instruction.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

from vaultbot.adapters.llama_cpp.process import NO_AVX, child_environment, name_of_end

_KINDS = ("cpu", "gpu", "igpu", "accelerator")  # GGML_BACKEND_DEVICE_TYPE_CPU and so on
_SECONDS = 60
_BACKENDS = {"CUDA": "CUDA", "MTL": "Metal", "Metal": "Metal", "Vulkan": "Vulkan", "ROCm": "ROCm", "HIP": "ROCm"}


@dataclass(frozen=True, slots=True)
class Device:
    """Something that computes. Sizes are bytes."""

    name: str  #: "CUDA0"
    description: str  #: "NVIDIA GeForce RTX 3060"
    kind: str  #: "cpu", "gpu", "igpu" or "accelerator"
    free: int
    total: int

    @property
    def is_card(self) -> bool:
        """Whether layers of a model can be given to it."""
        return self.kind in ("gpu", "igpu")


@dataclass(frozen=True, slots=True)
class Build:
    """The installed llama.cpp."""

    backends: tuple[str, ...] = ()  #: "CPU", "CUDA", "Metal", "Vulkan", "ROCm", …
    devices: tuple[Device, ...] = ()
    problem: str = ""  #: why it does not run at all

    @property
    def cards(self) -> tuple[Device, ...]:
        """The devices that layers can be given to."""
        return tuple(device for device in self.devices if device.is_card)

    @property
    def card_backends(self) -> tuple[str, ...]:
        """The back ends that are there for graphics cards."""
        return tuple(name for name in self.backends if name in _BACKENDS.values())

    @property
    def free_vram(self) -> int:
        """Of all cards together."""
        return sum(device.free for device in self.cards)


def look_at_build() -> Build:
    """Ask a process; takes about a second."""
    try:
        asked = subprocess.run(
            [sys.executable, "-P", "-m", __name__],
            env=child_environment(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Build(problem=f"it does not say within {_SECONDS} s which devices it sees")
    except OSError as error:
        return Build(problem=f"no process can be started: {error.strerror or error}")
    return _understood(asked.returncode, asked.stdout, asked.stderr.decode("utf-8", "replace"))


def _understood(code: int, told: bytes, said: str) -> Build:
    if code:
        end = name_of_end(code)
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return Build(problem=NO_AVX if end == "SIGILL" else f"{end}: {lines[-1][:300] if lines else 'no reason given'}")
    try:
        found = json.loads(told.splitlines()[-1])
        devices = tuple(Device(**device) for device in found["devices"])
        return Build(tuple(str(name) for name in found["backends"]), devices)
    except (IndexError, KeyError, TypeError, ValueError):
        return Build(problem="it says nothing that can be understood")


def backend_name(name: str) -> str:
    """ "CUDA" for llama.cpp's "CUDA", "Metal" for its "MTL"."""
    return _BACKENDS.get(name, name)


def devices_here() -> Build:
    """Ask llama.cpp itself. For child processes only. Raises what its import raises."""
    from llama_cpp._ggml import libggml

    ggml = _Library(libggml)
    ggml("load_all", None)()  # of a build whose back ends are files of their own
    count, get = ggml("reg_count", ctypes.c_size_t), ggml("reg_get", ctypes.c_void_p, ctypes.c_size_t)
    name = ggml("reg_name", ctypes.c_char_p, ctypes.c_void_p)
    backends = tuple(backend_name(_text(name(get(n)))) for n in range(count()))
    count, get = ggml("dev_count", ctypes.c_size_t), ggml("dev_get", ctypes.c_void_p, ctypes.c_size_t)
    return Build(backends, tuple(_device(ggml, get(n)) for n in range(count())))


def _device(ggml: _Library, device: Any) -> Device:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    memory = ggml("dev_memory", None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    memory(device, ctypes.byref(free), ctypes.byref(total))
    kind = ggml("dev_type", ctypes.c_int, ctypes.c_void_p)(device)
    return Device(
        name=_text(ggml("dev_name", ctypes.c_char_p, ctypes.c_void_p)(device)),
        description=_text(ggml("dev_description", ctypes.c_char_p, ctypes.c_void_p)(device)),
        kind=_KINDS[kind] if 0 <= kind < len(_KINDS) else "other",
        free=free.value,
        total=total.value,
    )


class _Library:
    """ggml's functions by their names, without "ggml_backend_"."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __call__(self, name: str, gives: Any, *takes: Any) -> Any:
        function = getattr(self._library, f"ggml_backend_{name}")
        function.restype, function.argtypes = gives, list(takes)
        return function


def _text(text: bytes | None) -> str:
    return (text or b"").decode("utf-8", "replace").strip()


def main() -> None:
    """Print what was found, on the last line."""
    found = devices_here()
    print(json.dumps({"backends": found.backends, "devices": [asdict(device) for device in found.devices]}))


if __name__ == "__main__":
    main()
