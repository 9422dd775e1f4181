"""Where links point, as their authors wrote it: linkpath, subpath, and what leads out of the vault."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|//")
_ANGLE = re.compile(r"<((?:[^<>\n\\]|\\.)*+)>")
_BARE = re.compile(r"(?:[^\s()\\\x00-\x1f]|\\.)*+")
_TITLE = re.compile(
    r"[ \t]+(?:\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'|\((?:[^()\\\n]|\\.)*+\))",
)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_MAX_PARENTHESES = 8
_WEB_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,31}://")


class Target(NamedTuple):
    """Where a link points, as its author wrote it."""

    linkpath: str
    subpath: str


def split_target(target: str) -> Target:
    """Split at the first "#"; a "#" with nothing behind it says nothing."""
    linkpath, mark, subpath = target.partition("#")
    subpath = subpath.strip()
    return Target(linkpath.strip(), mark + subpath if subpath else "")


def is_internal(target: str) -> bool:
    """Whether a wikilink's target can be a note: no web address, and no template's placeholder."""
    return not (_WEB_ADDRESS.match(target) or "<%" in target or "{{" in target)


def read_destination(text: str, at: int, end: int) -> tuple[str, int] | None:
    """The destination that starts behind `(`, and the offset behind its `)`."""
    while at < end and text[at] in " \t":
        at += 1
    if angle := _ANGLE.match(text, at, end):
        template = text.startswith("<%", at)  # a placeholder keeps its brackets, to be known by
        destination, at = angle.group(0 if template else 1), angle.end()
    else:
        start, depth = at, 0
        while True:
            bare = _BARE.match(text, at, end)
            at = bare.end() if bare else at
            if at < end and text[at] == "(" and depth < _MAX_PARENTHESES:
                depth += 1
            elif at < end and text[at] == ")" and depth:
                depth -= 1
            else:
                break
            at += 1
        if depth:
            return None
        destination = text[start:at]
    if title := _TITLE.match(text, at, end):
        at = title.end()
    while at < end and text[at] in " \t":
        at += 1
    return (destination, at + 1) if at < end and text[at] == ")" else None


def markdown_target(destination: str) -> Target | None:
    """Where an internal Markdown link points; None for the web, for a template and for nothing at all."""
    if _SCHEME.match(destination) or not is_internal(destination):
        return None
    linkpath, subpath = split_target(_ESCAPED.sub(r"\1", destination))
    # Split first: in `a%231.md` the "#" is part of the name.
    target = Target(unquote(linkpath), unquote(subpath))
    return target if any(target) else None
