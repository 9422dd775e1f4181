"""Many notes that went at once, which nobody may have intended: told for as long as they come back for free.

The notes themselves are out of the index at once. Their vectors stay in the catalog for a week, as any that are not
used, so notes that are restored within it are embedded by nobody.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Collection

from vaultbot.index.catalog import Catalog
from vaultbot.index.sweep import UNUSED_KEPT_S

_MANY = 20
_SHARE = 0.25
_AT_ONCE_S = 600.0  #: a sync program takes its time
_META = "disappeared"  #: JSON: {"at": seconds since 1970, "paths": […]}


class Disappearances:
    """Remembers them in the catalog. Used by the thread that writes it."""

    def __init__(self, catalog: Catalog, *, clock: Callable[[], float] = time.time) -> None:
        self._catalog = catalog
        self._clock = clock
        self._lately: deque[tuple[float, str]] = deque()

    def removed(self, paths: Collection[str], *, left: int) -> None:
        """These notes are out of the index, and so many are left in it."""
        now = self._clock()
        self._lately.extend((now, path) for path in paths)
        while self._lately and abs(now - self._lately[0][0]) > _AT_ONCE_S:
            self._lately.popleft()
        many = len(self._lately)
        if many > _MANY and many > _SHARE * (many + left):
            self._keep(now, {path for _, path in self._lately}.union(self._known()[1]))

    def notice(self, present: Collection[str]) -> str | None:
        """What a person should know, given the notes that are there; None for nothing any more."""
        at, paths = self._known()
        if not paths:
            return None
        missing = paths.difference(present)
        if not missing or abs(self._clock() - at) > UNUSED_KEPT_S:
            self._keep(0.0, set())
            return None
        if missing != paths:
            self._keep(at, missing)
        when, until = time.localtime(at), time.localtime(at + UNUSED_KEPT_S)
        return (
            f"{len(missing):,} notes disappeared at {time.strftime('%H:%M on %Y-%m-%d', when)}; if that was not "
            f"intended, put them back by {time.strftime('%Y-%m-%d', until)}, and nothing has to be embedded again"
        )

    def _known(self) -> tuple[float, set[str]]:
        kept = self._catalog.kept(_META, {})
        return float(kept.get("at", 0.0)), set(kept.get("paths", ()))

    def _keep(self, at: float, paths: set[str]) -> None:
        self._catalog.set_meta(_META, json.dumps({"at": at, "paths": sorted(paths)} if paths else {}))
