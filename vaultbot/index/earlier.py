"""The catalog as an older vaultbot left it: kept for a week after it was made over, for whoever goes back."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from vaultbot import faults
from vaultbot.paths import LEAST_ROOM, room

log = logging.getLogger("vaultbot")

KEPT_DAYS = 7


def copy_of(file: Path, *, version: int) -> Path:
    """Where the catalog of before is kept when it becomes one of this version."""
    return file.with_name(f"{file.name}.before-v{version}")


def keep_earlier(connection: sqlite3.Connection, file: Path, *, version: int) -> None:
    """Copy the catalog before it becomes one of this `version`, unless the disk has no room for that.

    Without a copy nothing is lost that the vault does not tell again, so that no failure here is an error.
    """
    copy = copy_of(file, version=version)
    part = copy.with_name(f"{copy.name}.part")
    needed = sum(one.stat().st_size for one in (file, file.with_name(f"{file.name}-wal")) if one.exists())
    # Once for the copy, and once more for what making it over writes.
    if room(file.parent) < 2 * needed + LEAST_ROOM:
        log.warning("no copy of the older %s is kept: the disk has no room for %d MB", file.name, needed // 1024**2 + 1)
        return
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(part)) as target:
            connection.backup(target)
        faults.point("schema.copying")
        part.replace(copy)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        log.warning("no copy of the older %s is kept: %s", file.name, error)
        return
    log.info("the older %s is kept for %d days as %s", file.name, KEPT_DAYS, copy.name)


def forget_earlier(file: Path) -> None:
    """Delete the copies whose days are over, and what a kill left of one that was being made."""
    for copy in file.parent.glob(f"{file.name}.before-v*"):
        with suppress(OSError):
            # Of a clock that was set back the days are over as well.
            if ".part" in copy.name or abs(time.time() - copy.stat().st_mtime) > KEPT_DAYS * 24 * 3600:
                copy.unlink()
