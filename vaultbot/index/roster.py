"""Which notes an index holds, as seen from outside: by a process that does not own it."""

from __future__ import annotations

from pathlib import Path

from vaultbot.database import rows_in


def roster(catalog: Path) -> list[str] | None:
    """The vault-relative paths of the notes that can be found by a catalog, those that `vaultbot status` counts; None
    when it is not there or cannot be read."""
    rows = rows_in(catalog, "SELECT path FROM note WHERE searched")
    if rows is None:  # An older vaultbot searched all that it knew.
        rows = rows_in(catalog, "SELECT path FROM note")
    return None if rows is None else [str(path) for (path,) in rows]


def is_indexed(catalog: Path) -> bool:
    """Whether it holds notes, so that it can be searched while the vault is away."""
    return bool(roster(catalog))


def count_of(catalog: Path) -> int | None:
    """How many these are; None as above."""
    notes = roster(catalog)
    return None if notes is None else len(notes)
