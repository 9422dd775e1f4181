"""What a document is called: its file's name without the extension."""

from __future__ import annotations


def title_of(path: str) -> str:
    """ "Board" for "Maps/Board.canvas"."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name
