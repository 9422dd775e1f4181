"""Headings as link targets: `[[Note#Bread#Why it works]]`.

Obsidian compares headings without their punctuation, so a link works although it holds no colon.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from vaultbot.types import Heading

_PUNCTUATION = re.compile(r"[!\"#$%&()*+,.:;<=>?@^`{|}~/\[\]\\\s]+")
_NOT_IN_A_LINK = re.compile(r"(?:[#^\[\]|\\\s]|%%)+")
_WIKILINK_WITH_DISPLAY = re.compile(r"\[\[[^\[\]|\n]*\|([^\[\]\n]*)\]\]")
_MARKDOWN_LINK = re.compile(r"\[([^\[\]\n]*)\]\([^()\n]*\)")


def normalize_heading(text: str) -> str:
    """What is left of a heading when it is compared: no punctuation but `- _ '`, single spaces, no case."""
    composed = unicodedata.normalize("NFC", text)
    return _PUNCTUATION.sub(" ", composed).strip().casefold()


def link_heading(text: str) -> str:
    """A heading as it may stand behind the `#` of a link; "" when nothing of it can."""
    return _NOT_IN_A_LINK.sub(" ", text).strip()


def find_heading(headings: Iterable[Heading], subpath: str) -> Heading | None:
    """The first heading that `subpath` names: "#B", or "#A#B" for a B somewhere below an A.

    None when there is none, and for block ids ("#^id").
    """
    if subpath.startswith("#^"):
        return None
    parts = heading_parts(subpath)
    if not parts:
        return None
    return next((heading for heading in headings if _leads_to(parts, heading)), None)


def heading_parts(subpath: str) -> list[str]:
    """The headings that a subpath names, normalized, the outermost first."""
    return [normalize_heading(part) for part in subpath.split("#") if part.strip()]


def _leads_to(parts: Sequence[str], heading: Heading) -> bool:
    """Whether the last part is the heading itself and those before it are among its parents, in order."""
    *above, last = parts
    *parents, own = heading.written or heading.path
    if last not in heading_spellings(own):
        return False
    outer = iter(parents)
    return all(any(part in heading_spellings(parent) for parent in outer) for part in above)


def heading_spellings(text: str) -> set[str]:
    """How a link may name a heading as the file has it, normalized: one with links by its source too."""
    seen = _MARKDOWN_LINK.sub(r"\1", _WIKILINK_WITH_DISPLAY.sub(r"\1", text))
    return {normalize_heading(text), normalize_heading(seen)}
