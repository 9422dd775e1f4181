"""Notes that are saved while a long run goes on, as the first one of a large vault: they do not wait for its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Set
from typing import NamedTuple

from vaultbot.errors import VaultMissing
from vaultbot.vault.listing import Listing
from vaultbot.vault.vault import Vault

_EVERY_S = 10.0
#: The share of the time that may go into looking, as one in so many.
_SHARE = 10


class Due(NamedTuple):
    """A note to be read."""

    path: str
    kept_out: str  #: why the vault's settings keep it out of search; "" when they do not
    at_once: bool = False  #: whether it, with those before it, is to be recorded before another one is read


class Latecomers:
    """Looks again, now and then, at a vault that was listed when the run began, where `is_told` that it changed.

    Nothing is taken for removed; a new note that came when another one went is left to the next run, which tells
    whether it was renamed. `on_caught_up` is told of a look of which all is recorded: of when the vault was listed
    first, and when the look began, by the monotonic clock. What changed before the first is among the notes of the run.
    """

    def __init__(
        self,
        vault: Vault,
        listing: Listing,
        *,
        is_told: Callable[[], bool],
        on_caught_up: Callable[[float, float], None],
    ) -> None:
        self._vault = vault
        self._settings = listing.settings
        self._unsearched = listing.unsearched
        self._identity = vault.identity()
        self._seen = dict(listing.notes)
        self._missing: Set[str] = frozenset()
        self._left: set[str] = set()  #: for the next run
        self._is_told = is_told
        self._on_caught_up = on_caught_up
        self._listed = time.monotonic()
        self._next_look = self._listed + _EVERY_S

    def among(self, paths: Iterable[str]) -> Iterator[Due]:
        """These notes in their order, and before each those that were saved meanwhile."""
        early: set[str] = set()
        for path in paths:
            began = time.monotonic()
            if (late := self._saved_meanwhile()) is not None:
                yield from late
                self._on_caught_up(self._listed, began)
                early.update(one.path for one in late)
            if path not in early:
                yield Due(path, self._unsearched.get(path, ""))

    def _saved_meanwhile(self) -> list[Due] | None:
        """None when it is not time to look, or what was found is for the next run."""
        began = time.monotonic()
        if began < self._next_look or not self._is_told():
            return None
        try:
            listing = self._vault.scan()
            is_another = self._vault.identity() != self._identity
        except VaultMissing:
            is_another = True
        self._next_look = time.monotonic() + max(_EVERY_S, _SHARE * (time.monotonic() - began))
        if is_another or listing.settings != self._settings:
            return None
        missing, missed = self._seen.keys() - listing.notes.keys(), self._missing
        self._missing = missing
        if missing - missed:
            self._left.update(listing.notes.keys() - self._seen.keys())
        saved = [
            path for path, stamp in listing.notes.items() if self._seen.get(path) != stamp and path not in self._left
        ]
        self._seen.update((path, listing.notes[path]) for path in saved)
        return [
            # What was out stays out, also while the settings cannot be read.
            Due(path, self._unsearched.get(path) or listing.unsearched.get(path, ""), at_once=number == len(saved))
            for number, path in enumerate(saved, start=1)
        ]
