"""Which notes an index holds, as seen from outside: by a process that does not own it."""

from __future__ import annotations

from pathlib import Path

from vaultbot.database import rows_in


def roster(catalog: Path) -> list[str] | None:
    """The vault-relative paths of the notes recorded in a catalog; None when it is not there or cannot be read."""
    rows = rows_in(catalog, "SELECT path FROM note")
    return None if rows is None else [str(path) for (path,) in rows]


def count_of(catalog: Path) -> int | None:
    """How many notes can be found by it, as `vaultbot status` counts them; None as above."""
    rows = rows_in(catalog, "SELECT count(*) FROM note WHERE searched")
    return None if rows is None else int(rows[0][0])
