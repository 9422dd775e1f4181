"""Boards of the Kanban plugin: notes whose headings are lanes and whose items are cards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vaultbot.types import JsonValue
from vaultbot.vault.reading import Mark

# The word is the plugin's own, and in the language of the app.
_COMPLETE = re.compile(r"^#{1,6}[ \t][^\n]*\n(?:[ \t]*\r?\n){0,3}(\*\*[^*\n]+\*\*)[ \t]*\r?$", re.MULTILINE)


def complete_marks(text: str, properties: Mapping[str, JsonValue]) -> Iterator[Mark]:
    """The `**Complete**` below a lane's name, which the board shows as a setting; nothing in any other note."""
    if "kanban-plugin" in properties:
        yield from (Mark(found.start(1), found.end(1)) for found in _COMPLETE.finditer(text))
