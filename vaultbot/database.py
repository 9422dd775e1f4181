"""The small SQLite files that hold what cannot be read from the vault again: edits made, decisions taken.

One connection each, for one process. A commit is on the disk when it returns.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from vaultbot import faults
from vaultbot.errors import DataDamaged

log = logging.getLogger("vaultbot")


def open_database(file: Path, tables: str, *, version: int) -> sqlite3.Connection:
    """The file with these `tables`, made when it is not there. Safe to use by several threads, one at a time.

    A damaged file is kept beside the new one, and the log tells. Raises DataDamaged for one of another version.
    """
    try:
        return _opened(file, tables, version)
    except sqlite3.OperationalError:
        raise  # A full disk, no permission: the file itself may be well.
    except sqlite3.DatabaseError:
        aside = file.with_name(f"{file.name}.damaged-{time.time_ns()}")
        file.rename(aside)
        faults.point("database.set-aside")
        file.with_name(f"{file.name}-journal").unlink(missing_ok=True)
        log.warning("%s is damaged; it is kept as %s, and a new one is begun", file.name, aside.name)
        return _opened(file, tables, version)


def _opened(file: Path, tables: str, version: int) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > version:
            raise DataDamaged(f"{file} was made by a newer vaultbot; install that version again, or move the file away")
        holds = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if found not in (0, version) or (holds and not found):
            raise DataDamaged(
                f"{file} is of a version that this vaultbot does not know ({found}); install the one that made it, or "
                "move the file away"
            )
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check")
        # EXTRA also syncs the folder, so that a commit outlives a loss of power.
        for pragma in ("synchronous = EXTRA", "foreign_keys = ON", "trusted_schema = OFF", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {pragma}")
        if not found:
            connection.executescript(f"BEGIN IMMEDIATE; {tables}; PRAGMA user_version = {version}; COMMIT;")
        return connection
    except BaseException:
        connection.close()
        raise


def rows_in(file: Path, query: str) -> list[tuple[Any, ...]] | None:
    """What a query finds in a file that another process may own; None when it is not there or cannot be read."""
    try:
        # Read only: the last connection to close would else carry the log over, which is the owner's to do.
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error:
        return None
