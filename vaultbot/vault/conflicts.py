"""The copies that sync programs make of a note that was changed in two places at once."""

from __future__ import annotations

import re
from collections.abc import Callable

#: How Obsidian Sync, Dropbox, Nextcloud, Syncthing and Google Drive call such a copy.
_CONFLICT = re.compile(
    r"[ _-]\((?:[^()]{0,80} )?conflicted copy[^()]{0,80}\)"
    r"| \((?:case )?conflict(?:[ _-]*[0-9][^()]{0,80})?\)|\.sync-conflict-[0-9A-Z-]{8,60}|\[conflict\]",
    re.IGNORECASE,
)


#: OneDrive's, with the name that Windows gave to a computer, and what other programs leave. A person may call a note
#: so, too, and hardly beside a note without it.
_PERHAPS = re.compile(r"(?:-(?:DESKTOP|LAPTOP|WIN)-[A-Z0-9]{4,12}(?:-[0-9]{1,2})?|\.conflict)(?=\.[^.]+$)")


def original_of(path: str, *, is_there: Callable[[str], bool]) -> str | None:
    """The path of the note that a copy was made of, by its name; None for what is no such copy.

    Some names are those of a copy only where that note `is_there`.
    """
    folder, slash, name = path.rpartition("/")
    for names in (_CONFLICT, _PERHAPS):
        if found := names.search(name):
            original = f"{folder}{slash}{name[: found.start()]}{name[found.end() :]}"
            return original if names is _CONFLICT or is_there(original) else None
    return None
