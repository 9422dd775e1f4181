"""Notes of the Excalidraw plugin: words first, and behind them the drawing as data that no reader sees."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vaultbot.types import JsonValue

_DRAWING = re.compile(r"^(?:%%[ \t]*\r?\n)?##? Drawing[ \t]*\r?$", re.MULTILINE)


def drawing_start(path: str, text: str, properties: Mapping[str, JsonValue]) -> int | None:
    """Where the drawing's data begins, at a line's start; None for a note that holds no drawing."""
    if not path.lower().endswith(".excalidraw.md") and "excalidraw-plugin" not in properties:
        return None
    # The last one counts: the note's owner may have written the same heading above.
    return max((found.start() for found in _DRAWING.finditer(text)), default=None)
