"""What `vaultbot doctor --repair` does: little, each thing said before, and nothing in the vault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vaultbot.doctor.check import Check, counted
from vaultbot.doctor.storage import exposed_files
from vaultbot.index.damage import suspect
from vaultbot.paths import StatePaths, remove_whole


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing to be done."""

    says: str  #: what will be done, in words that follow "this will"
    do: Callable[[], None]
    alone: bool = False  #: no daemon may run meanwhile: it is ended first
    reindexes: bool = False  #: afterwards a daemon is started, and what is missing is made again


def repairs(checks: Iterable[Check], state: StatePaths) -> list[Repair]:
    """What can be done about what was found, in the order in which it is to be done."""
    kinds = {check.repair for check in checks}
    todo: list[Repair] = []
    if "permissions" in kinds:
        count = len(exposed_files(state.root)[0])
        todo.append(
            Repair(f"take from others the right to read {counted(count, 'file')} of {state.root}", lambda: shut(state))
        )
    if kinds & {"catalog", "words"}:
        says = f"move {state.catalog.name} aside, read the vault anew, and keep every vector that is whole"
        # The start does that.
        todo.append(Repair(says, lambda: suspect(state.catalog, "doctor --repair"), alone=True, reindexes=True))
    if "vectors" in kinds and not kinds & {"catalog", "words"}:
        says = "delete the vector index, and fill it from the catalog, without the embedding model"
        todo.append(Repair(says, lambda: _drop_vectors(state), alone=True, reindexes=True))
    if "index" in kinds and not any(one.reindexes for one in todo):
        says = "start the daemon and look through the vault: what is unfinished is finished then"
        todo.append(Repair(says, lambda: None, alone=True, reindexes=True))
    return todo


def shut(state: StatePaths) -> None:
    """Leave every file of the state to its owner alone."""
    for one in exposed_files(state.root)[0]:
        one.path.chmod(one.wanted)


def _drop_vectors(state: StatePaths) -> None:
    for folder in (state.vectors, state.next_vectors):
        remove_whole(folder)
