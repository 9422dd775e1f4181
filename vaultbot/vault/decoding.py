"""Bytes of a note to text. Obsidian writes UTF-8; other programs leave all sorts of things in `.md` files."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from vaultbot.types import Problem

_HEAD = 64 * 1024
_BINARY_HEAD = 8 * 1024
_MOJIBAKE = 0.3
_REPLACED = "\ufffd"

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_LONE_RETURN = re.compile(r"\r(?!\n)")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text without its byte order mark, line ends as they were."""

    text: str
    problems: tuple[Problem, ...] = ()
    skip_reason: str | None = None  #: why this is no text at all; `text` is "" then


def decode(data: bytes, *, truncated: bool = False) -> Decoded:
    """Decode a note. A truncated one ends at its last whole line, and says so."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data[:_BINARY_HEAD]:
        return Decoded("", skip_reason="binary")

    problems: list[Problem] = []
    text, whole = _decode(data, encoding or "utf-8", truncated=truncated)
    if not whole:
        if encoding is None and _share_unreadable(data[:_HEAD]) > _MOJIBAKE:
            return Decoded("", skip_reason="binary or unknown encoding")
        name = "UTF-8" if encoding in (None, "utf-8-sig") else str(encoding).upper()
        problems.append(Problem("encoding", f"not valid {name}: unreadable bytes are shown as {_REPLACED}"))
    text = _LONE_RETURN.sub("\n", text)  # Line ends of the first Macintosh, which Obsidian's editor breaks lines at.
    if truncated:
        text = text[: text.rfind("\n") + 1] or text
        problems.append(Problem("truncated", f"only the first {len(data):,} bytes are read"))
    return Decoded(text, tuple(problems))


def _decode(data: bytes, encoding: str, *, truncated: bool) -> tuple[str, bool]:
    """The text, and whether every byte could be read; a truncated file may be cut within a character."""
    decoder = codecs.getincrementaldecoder(encoding)
    try:
        return decoder("strict").decode(data, not truncated), True
    except UnicodeDecodeError:
        return decoder("replace").decode(data, not truncated), False


def _share_unreadable(head: bytes) -> float:
    text = head.decode("utf-8", "replace")
    meant = head.count(_REPLACED.encode())
    return (text.count(_REPLACED) - meant) / len(text)
