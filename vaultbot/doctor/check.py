"""What a check finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from vaultbot.errors import VaultbotError

State: TypeAlias = Literal["ok", "advice", "problem"]
_ORDER: tuple[State, ...] = ("ok", "advice", "problem")
#: What `vaultbot doctor --repair` can do about it; see repair.py.
RepairKind: TypeAlias = Literal["permissions", "catalog", "words", "vectors", "index"]
REPAIR = "vaultbot doctor --repair"
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str  #: "graphics card"
    state: State  #: advice: it works, and could work better
    says: str  #: a sentence
    do: str = ""  #: the next step, often a command
    repair: RepairKind | None = None  #: what --repair does about it; None when it can do nothing


def worst(checks: Iterable[Check]) -> State:
    """Of all of them."""
    return max((check.state for check in checks), key=_ORDER.index, default="ok")


def failed(name: str, error: VaultbotError) -> Check:
    """The check that an error is: a fact, and then the next step."""
    fact, _, step = str(error).rpartition("; ")
    return Check(name, "problem", fact or step, step if fact else "")


def counted(count: int, noun: str) -> str:
    """ "1 note", "12 notes"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
