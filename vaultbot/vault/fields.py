"""Dataview's inline fields: in `up:: [[Note]]` the link has a key, as a property link has.

Obsidian itself sees an ordinary link there; so it stays one, and only its key tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from vaultbot.types import Link

_LINE_FIELD = re.compile(
    r"[ \t]*(?:(?:>|[-+*][ \t]|[0-9]{1,9}[.)][ \t]|\[[^\n]\][ \t])[ \t]*)*"
    r"[*_]{0,2}(?P<key>[^\s*_:\[\]()`][^:\[\]()`\n*]{0,100}?)[ \t]*[*_]{0,2}::"
)
_ENCLOSED_FIELD = re.compile(
    r"[\[(](?P<key>[^\s:\[\]()][^:\[\]()\n]{0,100}?)[ \t]*::(?:\[\[[^\[\]\n]*\]\]|[^\[\]()\n])*$"
)
_ENCLOSED_REACH = 300  # so that a line of a thousand links is read once, not a thousand times


def with_field_keys(links: Iterable[Link], text: str, line_starts: Sequence[int]) -> Iterator[Link]:
    """The links of a body, those in an inline field with its key."""
    line, key = 0, None
    for link in links:
        start = line_starts[link.line - 1]
        if link.line != line:
            field = _LINE_FIELD.match(text, start, link.start)
            line, key = link.line, field and field["key"]
        enclosed = _ENCLOSED_FIELD.search(text[max(start, link.start - _ENCLOSED_REACH) : link.start])
        found = enclosed["key"] if enclosed else key
        yield replace(link, key=found) if found and not link.in_comment else link
