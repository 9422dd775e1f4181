"""What a figure was measured on: without it, it means nothing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version


def machine() -> str:
    """One line: cores, how busy they are with other work, and the versions that decide the speed."""
    load = f"load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    engines = ", ".join(
        f"{name} {version(name)}" for name in ("torch", "onnxruntime", "sentence-transformers", "chromadb")
    )
    return (
        f"machine: {os.cpu_count()} cores, {load}, {platform.system()}, Python {platform.python_version()}, {engines}"
    )
