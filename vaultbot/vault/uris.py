"""Links that people follow: `obsidian://open?…` from a terminal or browser, `[[…]]` inside Obsidian.

Both name a heading with all its parents, because Obsidian opens the first heading that fits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from vaultbot.vault.headings import link_heading
from vaultbot.vault.resolver import without_md

# What would end a wikilink or split it elsewhere than we mean.
_NOT_IN_A_WIKILINK = re.compile(r"[#|^\[\\\x00-\x1f]|\]\]|%%|^\s|\s$")
_NOT_IN_A_DISPLAY = str.maketrans({"[": "(", "]": ")", "|": "¦", "\\": " "})
_BLANKS = re.compile(r"[\x00-\x1f\s]+")
_COMMENT_MARKS = re.compile(r"%{2,}")


def open_uri(vault_name: str, path: str, heading_path: Sequence[str] = ()) -> str:
    """The URI that opens a note in Obsidian, at a heading when one is given.

    Obsidian's own URIs know no line numbers, and Obsidian asks before it follows a URI from outside.
    """
    file = without_md(path) + _subpath(heading_path)
    return f"obsidian://open?vault={quote(vault_name, safe='')}&file={quote(file, safe='')}"


def wikilink(path: str, title: str, heading_path: Sequence[str] = (), *, shown: Sequence[str] | None = None) -> str:
    """`[[path#H1#H2|title › H2]]`; a Markdown link where no wikilink can hold the path (`#`, `|`, …).

    `heading_path` is as the file has it, `shown` as a reader sees it, where the two differ.
    """
    display = _display(title, heading_path if shown is None else shown)
    target = without_md(path)
    if not _NOT_IN_A_WIKILINK.search(target):
        return f"[[{target}{_subpath(heading_path)}|{display}]]"
    subpath = "".join("#" + quote(text, safe="") for text in _link_headings(heading_path))
    return f"[{display}]({quote(path)}{subpath})"


def _subpath(heading_path: Sequence[str]) -> str:
    return "".join("#" + text for text in _link_headings(heading_path))


def _link_headings(heading_path: Sequence[str]) -> list[str]:
    # A parent of nothing but marks cannot be written; the link works without it.
    return [text for text in map(link_heading, heading_path) if text]


def _display(title: str, heading_path: Sequence[str]) -> str:
    shown = f"{title} › {heading_path[-1]}" if heading_path else title
    return _BLANKS.sub(" ", _COMMENT_MARKS.sub("%", shown.translate(_NOT_IN_A_DISPLAY))).strip()
