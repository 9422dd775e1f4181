"""Vectors that nothing needs any more, and for how long they are kept all the same."""

from __future__ import annotations

import sqlite3

UNUSED_KEPT_S = 7 * 24 * 3600.0


def sweep(db: sqlite3.Connection, fingerprint: str | None, *, now: float) -> None:
    """Drop the vectors that no chunk has used with this embedder for a week. Within a transaction."""
    used = "(fingerprint = ? AND text_hash IN (SELECT text_hash FROM chunk))"
    wanted = fingerprint or ""
    db.execute(f"UPDATE vector SET unused_since = NULL WHERE unused_since NOTNULL AND {used}", (wanted,))
    db.execute(f"UPDATE vector SET unused_since = ? WHERE unused_since IS NULL AND NOT {used}", (now, wanted))
    db.execute("DELETE FROM vector WHERE unused_since < ?", (now - UNUSED_KEPT_S,))
