"""Which vaultbot made a catalog: told to whoever comes with an older one."""

from __future__ import annotations

import re
import sqlite3

from vaultbot import __version__

_KEY = "made_by"


def remember_maker(connection: sqlite3.Connection) -> None:
    """Write into a catalog that is being made who makes it."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_KEY, __version__))


def maker_of(connection: sqlite3.Connection) -> str:
    """Who made a catalog that is newer than this vaultbot knows, in words: whatever else it holds."""
    try:
        row = connection.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    except sqlite3.Error:
        row = None
    version = str(row[0]) if row else ""
    # One under development may say the same of both.
    if version == __version__ or not re.fullmatch(r"\d[\w.+!-]{0,39}", version, re.ASCII):
        return "a newer vaultbot"
    return f"vaultbot {version}, you run {__version__}"
