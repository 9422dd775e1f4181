"""Notes that are templates: to be filled in, and no answer to anything."""

from __future__ import annotations

import re
from bisect import bisect_right

from vaultbot.types import Note

_PLACEHOLDER = re.compile(r"\{\{[ \t]*(?:title|(?:date|time)[ \t]*(?::[^{}\n]{0,100})?)[ \t]*\}\}", re.IGNORECASE)
_NO_PROSE = frozenset({"code", "math", "query"})


def is_template(note: Note) -> bool:
    """Whether a note holds markup to be filled in: Templater's `<% … %>` anywhere, or in its body the `{{title}}`,
    `{{date:…}}` and `{{time:…}}` of Obsidian's own templates. A note that shows such markup as code only tells of it.
    """
    text = note.text
    masks = [mask for mask in note.masks if mask.kind in _NO_PROSE]
    starts = [mask.start for mask in masks]

    def in_prose(at: int) -> bool:
        index = bisect_right(starts, at) - 1
        return index < 0 or at >= masks[index].end

    at, last = text.find("<%"), text.rfind("%>")
    while 0 <= at < last:
        if in_prose(at):
            return True
        at = text.find("<%", at + 2)
    return any(in_prose(found.start()) for found in _PLACEHOLDER.finditer(text, note.body_start))
