"""HTML in a note: where a block of it opens and ends, and what a reader sees of a tag."""

from __future__ import annotations

import re

HTML_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)(?:\s[^<>]*)?/?>")

_RAW = re.compile(r"<(script|pre|style|textarea)(?=[\s>]|$)", re.IGNORECASE)
_BLOCK = re.compile(
    r"</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div"
    r"|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link"
    r"|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th"
    r"|thead|title|tr|track|ul)(?=[\s/>]|$)",
    re.IGNORECASE,
)
_ALONE = re.compile(HTML_TAG.pattern + r"[ \t]*$")
# Other tags stand between words, as <br> and <td> do.
_WITHIN_WORDS = frozenset(
    """
    a abbr b code del em font i ins kbd mark s small span strong sub sup u
    """.split()
)


def html_shown(tag: str) -> str:
    """What the reader sees of an HTML tag: nothing, or the gap it makes between words."""
    return "" if tag.lower() in _WITHIN_WORDS else " "


def html_block(text: str, at: int, end: int, *, in_paragraph: bool) -> str | None:
    """What ends the block of HTML that opens at `at`, such as "</script"; "" is a blank line.

    None when the line text[at:end] opens none, as a tag of its own does not within a paragraph.
    """
    if raw := _RAW.match(text, at, end):
        return f"</{raw.group(1).lower()}"
    opens = _BLOCK.match(text, at, end) or (not in_paragraph and _ALONE.match(text, at, end))
    return "" if opens else None
