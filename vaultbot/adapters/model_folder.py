"""What a model's folder may not ask for: that code is run which is not the library's own.

Newer versions of the library refuse it, too. Here it is refused before the library is imported, whatever its version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vaultbot.errors import ModelInvalid

_LIBRARY = "sentence_transformers."


def refuse_code(folder: Path) -> None:
    """Raises ModelInvalid when `modules.json` or a `config.json` names code to be run.

    What is no JSON names nothing: the library, which reads it in the same way, tells that it is damaged.
    """
    for file in (folder / "modules.json", folder / "config.json", *sorted(folder.glob("*/config.json"))):
        for named in _code(_read(file)):
            raise ModelInvalid(
                f"{file} wants code to be run that is no part of sentence-transformers ({named[:80]}), and vaultbot "
                "runs none that comes with a model: choose another one"
            )


def _code(settings: Any) -> Iterator[str]:
    """What is named besides the library's own modules, each with its name in the file."""
    if isinstance(settings, dict):
        if "auto_map" in settings:
            yield "auto_map"
        return
    for module in settings if isinstance(settings, list) else ():
        kind = module.get("type") if isinstance(module, dict) else None
        if not isinstance(kind, str) or not kind.startswith(_LIBRARY):
            yield f"type: {kind}"


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
