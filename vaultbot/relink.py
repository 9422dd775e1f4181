"""The index of a vault whose folder was moved: found again, and taken along. Nothing is read or embedded anew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vaultbot.database import rows_in
from vaultbot.errors import InvalidRequest, VaultbotError
from vaultbot.index.roster import roster
from vaultbot.paths import StatePaths, state_paths
from vaultbot.runtime import is_locked
from vaultbot.states import all_states, dropped, owner_of, remember_owner


@dataclass(frozen=True, slots=True)
class Moved:
    """An index whose vault seems to be in another folder now."""

    state: StatePaths
    vault: Path | None  #: where its vault was, as far as it is known
    root: Path  #: where it is now
    known: int  #: notes in the index
    here: int  #: so many of them are in `root`

    @property
    def target(self) -> StatePaths:
        """What its state is going to be."""
        return state_paths(self.root)


def moved_to(root: Path) -> list[Moved]:
    """The indexes that at least half of this folder's notes speak for, and whose own folder has lost them; the best
    first."""
    found = [one for state in all_states() if (one := _looked_at(state, root)) and _speaks_for(one)]
    return sorted(found, key=lambda one: -one.here)


def moved_from(state: StatePaths, root: Path) -> Moved:
    """The same of one index that was named. Raises InvalidRequest, with the reason, when it is not this folder's."""
    found = _looked_at(state, root)
    if found is None:
        raise InvalidRequest(f"there is no index in {state.root} that could be taken along; see: vaultbot vaults")
    if not _speaks_for(found):
        where = f" in {found.vault}" if found.vault else ""
        raise InvalidRequest(
            f"{root} holds {found.here} of the {found.known} notes that were indexed{where}, or they are still there "
            "as well, so it is another vault; index it on its own with: vaultbot start"
        )
    return found


def take_along(moved: Moved) -> None:
    """Make the index that of the vault's present folder. An index that was made there meanwhile is dropped.

    Raises VaultbotError when a daemon uses one of the two, when the one there holds decisions or edits of its own, and
    when the folders cannot be renamed.
    """
    for state, vault in ((moved.state, moved.vault or moved.state.root), (moved.target, moved.root)):
        if is_locked(state):
            raise VaultbotError(f"a daemon uses {state.root}; end it first with: vaultbot stop --vault {vault}")
    if work := _work_of(moved.target):
        raise VaultbotError(
            f"{moved.root} has an index of its own that holds {work}; if you can do without them, delete "
            f"{moved.target.root} and try again"
        )
    former = dropped(moved.target)
    try:
        shutil.rmtree(former, ignore_errors=True)
        if moved.target.root.exists():
            moved.target.root.rename(former)
        moved.state.root.rename(moved.target.root)
        remember_owner(moved.target, moved.root)
        shutil.rmtree(former, ignore_errors=True)
    except OSError as error:
        raise VaultbotError(
            f"cannot rename {moved.state.root} to {moved.target.root}: {error.strerror}; check its permissions"
        ) from error


def _looked_at(state: StatePaths, root: Path) -> Moved | None:
    if state == state_paths(root):
        return None
    notes = roster(state.catalog)
    if not notes:
        return None
    owner = owner_of(state)
    return Moved(state, owner.vault if owner else None, root, len(notes), _count(notes, root))


def _speaks_for(moved: Moved) -> bool:
    still = _count(roster(moved.state.catalog) or [], moved.vault) if moved.vault else 0
    return moved.here * 2 >= moved.known and still * 2 < moved.known


def _count(notes: list[str], root: Path) -> int:
    return sum(1 for note in notes if os.path.lexists(root / note))


def _work_of(state: StatePaths) -> str:
    """What of a state cannot be read from the vault again: "decisions and edits"; "" when there is nothing."""
    return " and ".join(_kinds_of_work(state))


def _kinds_of_work(state: StatePaths) -> Iterator[str]:
    if rows_in(state.decisions, "SELECT 1 FROM decision LIMIT 1"):
        yield "decisions on suggestions"
    if rows_in(state.edits / "journal.db", "SELECT 1 FROM entry LIMIT 1"):
        yield "edits that can be undone"
