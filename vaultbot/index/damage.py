"""Damage of the catalog: told from other errors, and kept for the next start.

A damaged catalog is not mended in place. Who meets the damage while vaultbot runs leaves a file beside the catalog; the
next start sets the catalog aside, reads the vault anew and takes over the vectors that are whole (salvage.py).
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vaultbot.errors import DataDamaged, VaultbotError, kind_and_place
from vaultbot.paths import StatePaths

log = logging.getLogger("vaultbot.index")

#: What people are told from the moment it was met until the next start.
MET = (
    "the catalog was found to be damaged; run: vaultbot stop, vaultbot start. The vault is read anew then, and no text "
    "is embedded again whose vector is whole"
)
_UNDECODABLE = "Could not decode to UTF-8"
_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class CatalogDamaged(DataDamaged):
    """The file is no longer a catalog. It can be set aside: the vault tells everything again."""


def says_damaged(error: BaseException) -> bool:
    """Whether it is the error of a database that cannot be read back."""
    if not isinstance(error, sqlite3.Error):
        return isinstance(error, CatalogDamaged)
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # Python's own.
        return _UNDECODABLE in str(error)
    # What no rule of the tables allows is never written: so the tables no longer say what was written.
    return isinstance(error, sqlite3.IntegrityError) or code & 0xFF in _CODES


def in_words(error: Exception) -> str:
    """What an error says; its kind alone where that may quote a note."""
    if isinstance(error, (VaultbotError, OSError, sqlite3.Error)) and _UNDECODABLE not in str(error):
        return str(error)
    return type(error).__name__


def suspect(catalog: Path, why: str) -> None:
    """Have the next start replace this catalog."""
    with suppress(OSError):  # As on a full disk: it is met again.
        StatePaths(catalog.parent).suspect.write_text(f"{why}\n", encoding="utf-8")


def told(error: Exception, catalog: Path) -> Exception:
    """The error as people are told of it: damage of the catalog is made known to the next start."""
    if not says_damaged(error):
        return error
    if not StatePaths(catalog.parent).suspect.exists():
        log.error("the catalog is damaged: %s", kind_and_place(error))
        suspect(catalog, kind_and_place(error))
    return CatalogDamaged(MET)


@contextmanager
def telling_damage(catalog: Path) -> Iterator[None]:
    """What the block cannot read of the catalog is raised as CatalogDamaged, and made known to the next start."""
    try:
        yield
    except (sqlite3.Error, CatalogDamaged) as error:
        met = told(error, catalog)
        if met is error:
            raise
        raise met from error
    except json.JSONDecodeError as error:  # All JSON there was written by vaultbot.
        raise told(CatalogDamaged(MET), catalog) from error
