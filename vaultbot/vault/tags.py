"""When two tags are the same, and which tags stand above a tag."""

from __future__ import annotations

from vaultbot.vault.resolver import path_key


def tag_key(name: str) -> str:
    """What tags are compared by: `#Recipe` and `#recipe` are one tag. `name` comes without "#"."""
    return path_key(name)


def tag_covers(wanted: str, name: str) -> bool:
    """Whether a search for the tag `wanted` finds a note tagged `name`: "a" covers "a" and "a/b", not "ab"."""
    return f"{tag_key(name)}/".startswith(f"{tag_key(wanted)}/")
