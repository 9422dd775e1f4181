"""The delete rule: when a note that is missing may be taken out of the index.

A missing file is not yet a deletion: editors save by deleting and writing anew, disks are unmounted, and another folder
may stand where the vault was. A note is gone when this is the vault that was indexed, the folders it was in were listed
without an error, and it was missing in two looks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping

from vaultbot import faults
from vaultbot.errors import VaultMissing
from vaultbot.index.catalog import Catalog, Recorded
from vaultbot.vault.listing import Listing
from vaultbot.vault.vault import Vault

#: The two looks are this far apart.
SETTLE_S = 2.0


class Removals:
    """Decides what is gone. Remembers between two runs what was missing in the first look."""

    def __init__(self, vault: Vault, catalog: Catalog) -> None:
        self._vault = vault
        self._catalog = catalog
        self._missing_since: dict[str, float] = {}

    @property
    def awaited(self) -> Collection[str]:
        """The notes that were missing once, and wait for the second look."""
        return self._missing_since.keys()

    def check_same_vault(self, listing: Listing, recorded: Mapping[str, Recorded], *, relink: bool = False) -> None:
        """Nothing may be removed because a disk was not mounted or another folder took the vault's place.

        The folder is known by its device and inode. One with others is the same vault, moved or copied, when it holds
        at least half of the notes. With `relink` it is the vault whatever it holds. Raises VaultMissing.
        """
        before, now = self._catalog.meta("identity"), self._identity()
        here = sum(path in listing.notes for path in recorded)
        gone = sum(listing.is_gone(path) for path in recorded)
        empty = not listing.notes and not listing.files
        if gone and not relink and ((empty and not here) or (before not in (None, now) and here < gone)):
            what = "is empty" if empty else f"holds {here or 'none'} of the {len(recorded)} notes known from there"
            raise VaultMissing(
                f"the vault {self._vault.root} {what}: is its disk mounted, and is it the same vault? Nothing was "
                "removed from the index. If this is the vault from now on, run: vaultbot index --relink"
            )
        if before != now and (before is None or here or not recorded or relink):
            self._catalog.set_meta("identity", now)

    def sure(self, missing: Collection[str], *, settle: bool, stopping: threading.Event) -> list[str]:
        """Those of the missing notes that are gone; the others wait for another call.

        With `settle` it waits until all of them were looked for twice.
        """
        now = time.monotonic()
        self._missing_since = {path: self._missing_since.get(path, now) for path in missing}
        if settle and self._missing_since:
            stopping.wait(max(self._missing_since.values()) + SETTLE_S - now)
            now = time.monotonic()
        if stopping.is_set():
            return []  # Not everything was read, so some of them may only have been renamed.
        due = [path for path, since in self._missing_since.items() if now - since >= SETTLE_S - 0.01]
        gone = self._still_gone(due) if due else []
        for path in gone:
            del self._missing_since[path]
        return gone

    def _still_gone(self, paths: list[str]) -> list[str]:
        """The second look: those that are missing again, in the same vault."""
        faults.point("removals.second-look")
        listing = self._vault.scan()
        if self._identity() != self._catalog.meta("identity"):
            return []
        return [path for path in paths if listing.is_gone(path)]

    def _identity(self) -> str:
        return "{}:{}".format(*self._vault.identity())
