"""The copies that sync programs make of a note that was changed in two places at once."""

from __future__ import annotations

import re

#: How Obsidian Sync, Dropbox, Nextcloud, Syncthing and Google Drive call such a copy.
_CONFLICT = re.compile(
    r"[ _-]\((?:[^()]{0,80} )?conflicted copy[^()]{0,80}\)"
    r"| \((?:case )?conflict(?:[ _-]*[0-9][^()]{0,80})?\)|\.sync-conflict-[0-9A-Z-]{8,60}|\[conflict\]",
    re.IGNORECASE,
)


def original_of(path: str) -> str | None:
    """The path of the note that a copy was made of, by its name; None for what is no such copy."""
    folder, slash, name = path.rpartition("/")
    found = _CONFLICT.search(name)
    return f"{folder}{slash}{name[: found.start()]}{name[found.end() :]}" if found else None
