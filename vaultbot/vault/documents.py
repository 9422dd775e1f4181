"""The documents of a vault: notes, and whatever else has words. Each is read as a `Note`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vaultbot.types import Note
from vaultbot.vault.bases import parse_base
from vaultbot.vault.canvas import parse_canvas
from vaultbot.vault.drawing import parse_drawing
from vaultbot.vault.markdown import parse_note
from vaultbot.vault.pdf import parse_pdf

_PARSERS: Mapping[str, Callable[[str, str], Note]] = {
    "md": parse_note,
    "canvas": parse_canvas,
    "base": parse_base,
    "excalidraw": parse_drawing,
    "pdf": parse_pdf,
}


def is_document(path: str) -> bool:
    """Whether the name is that of a file with words to index, in any case of its letters."""
    return _extension(path) in _PARSERS


def is_pdf(path: str) -> bool:
    """Whether the name is that of a PDF, whose text a `PageReader` must get first."""
    return _extension(path) == "pdf"


def parse_document(path: str, text: str) -> Note:
    """Read a document by its extension; never raises on any text. What is broken in it stands in `problems`.

    `text` is that of `Vault.read`: the file's own, and of a PDF its pages, each with a form feed behind it.
    """
    return _PARSERS.get(_extension(path), parse_note)(path, text)


def _extension(path: str) -> str:
    _, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot else ""
