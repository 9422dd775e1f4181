"""Which chat model suits this machine, and about how fast it would write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from vaultbot.models.chat_registry import Choice, KnownChatModel
from vaultbot.models.languages import CODES, WORTH_A_MODEL
from vaultbot.models.machine import Machine
from vaultbot.models.memory import needed_bytes_of

_SHARE = 0.6  # of the memory's speed; measured 0.52 to 0.68, from half a billion weights on
_SLOWEST = 6.0  #: tokens per second: a sentence in five seconds
_OWN_SHARE = 0.75  #: of the free memory; the rest is for everything else
_VRAM_RESERVE = 1 << 30  # bytes: the driver's own, buffers, and the desktop


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model and a machine get on."""

    choice: Choice
    needed_bytes: int  #: memory, with the settings' context
    where: Literal["graphics card", "memory", "tight", "no", "unknown"]
    tokens_per_s: float | None  #: roughly, on the processor; None where it does not fit, or for a graphics card

    @property
    def fits(self) -> bool:
        """Whether it can be loaded now."""
        return self.where != "no"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One model and the reason."""

    fit: Fit
    reason: str


def fit(choice: Choice, machine: Machine, *, context_tokens: int) -> Fit:
    """Whether a model fits the machine now."""
    needed = needed_bytes_of(choice.model.shape, choice.quantization, min(context_tokens, choice.model.context))
    if needed + _VRAM_RESERVE <= machine.free_vram:
        return Fit(choice, needed, "graphics card", None)
    speed = machine.bytes_per_s * _SHARE / choice.weight_bytes
    if machine.free_memory is None:
        return Fit(choice, needed, "unknown", speed)
    if needed > machine.free_memory:
        return Fit(choice, needed, "no", None)
    return Fit(choice, needed, "memory" if needed <= machine.free_memory * _OWN_SHARE else "tight", speed)


def recommend(
    models: Iterable[KnownChatModel], machine: Machine, languages: Collection[str], *, context_tokens: int
) -> Recommendation | None:
    """The best that speaks these languages, fits with room to spare and writes fast enough; else the fastest of them.

    None when nothing fits.
    """
    fits = [
        fit(Choice(model, model.quantizations[0]), machine, context_tokens=context_tokens)
        for model in models
        if model.recommend and model.speaks_all(languages)
    ]
    roomy = [one for one in fits if one.where in ("graphics card", "memory", "unknown")]
    quick = [one for one in roomy if one.tokens_per_s is None or one.tokens_per_s >= _SLOWEST]
    if quick:
        best = max(quick, key=lambda one: one.choice.model.recommend)
        return Recommendation(best, _reason(best, fits))
    if possible := roomy or [one for one in fits if one.fits]:
        smallest = min(possible, key=lambda one: one.needed_bytes)
        return Recommendation(smallest, "the smallest that is worth a try; this machine is slow or nearly full")
    return None


def languages_of(shares: Mapping[str, float]) -> set[str]:
    """What a model must speak for notes in these languages; English where nothing is known."""
    return {CODES.get(name, name) for name, share in shares.items() if share >= WORTH_A_MODEL} or {"en"}


def _reason(best: Fit, fits: list[Fit]) -> str:
    if best.where == "graphics card":
        reason = "fits the graphics card whole"
    else:
        reason = f"fits the free memory and writes about {best.tokens_per_s:.0f} tokens a second"
    better = [one for one in fits if one.choice.model.recommend > best.choice.model.recommend]
    if not better:
        return f"{reason}; it is the best of those that are known"
    following = min(better, key=lambda one: one.choice.model.recommend)
    lacks = (
        f"writes about {following.tokens_per_s:.0f}"
        if following.tokens_per_s is not None and following.where == "memory"
        else f"needs {following.needed_bytes / 1e9:.1f} GB"
    )
    return f"{reason}; {following.choice.model.id}, the next better one, {lacks}"
