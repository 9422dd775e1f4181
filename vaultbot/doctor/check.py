"""What a check finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from vaultbot.errors import VaultbotError

State: TypeAlias = Literal["ok", "advice", "problem"]
_ORDER: tuple[State, ...] = ("ok", "advice", "problem")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str  #: "graphics card"
    state: State  #: advice: it works, and could work better
    says: str  #: a sentence
    do: str = ""  #: the next step, often a command


def worst(checks: Iterable[Check]) -> State:
    """Of all of them."""
    return max((check.state for check in checks), key=_ORDER.index, default="ok")


def failed(name: str, error: VaultbotError) -> Check:
    """The check that an error is: a fact, and then the next step."""
    fact, _, step = str(error).rpartition("; ")
    return Check(name, "problem", fact or step, step if fact else "")
