"""Names of notes that are to be made: what Obsidian and every file system take, and what is not there already."""

from __future__ import annotations

import re
from pathlib import Path

from vaultbot.errors import EditRefused, InvalidRequest
from vaultbot.vault.listing import is_note
from vaultbot.vault.resolver import path_key

#: Obsidian keeps these out of names because links could not hold them, or because some file system cannot.
_NOT_IN_A_NAME = re.compile(r"[#^\[\]|\\:*\"<>?\x00-\x1f\x7f]|%%")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_MOST_BYTES = 255


def check_new_name(path: str) -> None:
    """Raises InvalidRequest unless a note may be called so. `path` is vault-relative, with "/"."""
    if not is_note(path):
        raise InvalidRequest("a note's name ends in .md: Folder/Note.md")
    for part in path.split("/"):
        stem = part[:-3] if part[-3:].lower() == ".md" else part
        if found := _NOT_IN_A_NAME.search(part):
            raise InvalidRequest(f"a note's path cannot hold {found.group()!r}, which links and some disks do not take")
        if not stem or stem != stem.strip() or stem.endswith(".") or part.startswith("."):
            raise InvalidRequest("the parts of a note's path begin with no dot or blank and end with none")
        if _DEVICES.fullmatch(stem):
            raise InvalidRequest(f"{stem!r} is the name of a device on Windows; choose another one")
        if len(part.encode()) > _MOST_BYTES:
            raise InvalidRequest(f"a name is at most {_MOST_BYTES} bytes long")


def folders_to_make(root: Path, path: str) -> list[str]:
    """The folders on the way to `path` that are not there yet, outermost first.

    Raises EditRefused when something is there that the path would be mixed up with: names in other letters.
    """
    parts = path.split("/")
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        there = [entry.name for entry in Path(root, *parts[:depth]).iterdir()]
        if part in there and not last:
            continue
        if taken := next((name for name in there if path_key(name) == path_key(part)), None):
            taken_path = "/".join((*parts[:depth], taken))
            raise EditRefused(f"there is {taken_path} already" + ("" if last else "; write the folder's name so"))
        if not last:
            return ["/".join(parts[:end]) for end in range(depth + 1, len(parts))]
    return []
