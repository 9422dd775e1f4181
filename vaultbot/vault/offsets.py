"""Places in a note as JavaScript counts them, and so Obsidian and its plugins: in UTF-16, where an emoji is two wide.

vaultbot counts code points. All other characters are one in both: a Chinese one, a CR, an LF, half of a broken emoji.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left

_WIDE = re.compile("[\U00010000-\U0010ffff]")


class Utf16Offsets:
    """Offsets of one text, from 0 to its length, in code points and in UTF-16."""

    def __init__(self, text: str) -> None:
        """Reads the text once; a question costs the logarithm of its wide characters, and nothing where it has none."""
        found = () if text.isascii() else (wide.start() for wide in _WIDE.finditer(text))
        self._wide = array("L", found)

    def to_utf16(self, offset: int) -> int:
        """The offset in UTF-16 of a code point."""
        return offset + bisect_left(self._wide, offset)

    def from_utf16(self, offset: int) -> int:
        """The code point at an offset in UTF-16; in the middle of a wide character, that character."""
        return offset - bisect_left(range(len(self._wide)), offset, key=lambda n: self._wide[n] + n)
