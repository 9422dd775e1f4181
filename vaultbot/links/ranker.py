"""How likely a link is, from its signals: a logistic model that begins with shipped weights and learns from the vault.

The weights that come with vaultbot are a prior: those of a vault are the most probable ones given the prior and the
vault's own links, so the more links there are to learn from, the further they may go. Most of what is asked of them
is that each pair's probability is right, a quarter that the right note stands first in its list.

They are cross-fitted. Notes are dealt into a few parts, and a note is scored with weights that were learned from the
other parts alone: what was seen in a note would be remembered there, and not learned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import sparse

from vaultbot.links.features import SIGNALS
from vaultbot.protocols import FloatArray

Doubles = npt.NDArray[np.float64]

PARTS = 10
_HELD = 200.0  #: how firmly a vault's weights are held to the shipped ones, in pairs
_CLIP = 5.0  #: standard deviations
_STEPS = 24  #: at most
_LEAST_GAIN = 1e-5  #: share of the loss; with less it is found
_SLOW = 0.1  #: of what the step before gained
_ROWS_AT_ONCE = 16_384
_ENOUGH_LINKS = 100.0  #: with so many a vault is half way from one without links to one that has many
_LISTS_SHARE = 0.25  #: of the objective that is about the order within lists


@dataclass(frozen=True, slots=True)
class Rows:
    """Candidates with what became of them, list by list."""

    signals: FloatArray  #: (n, signals)
    linked: npt.NDArray[np.bool_]  #: (n,)
    lists: npt.NDArray[np.int32]  #: (n,) number of the list, ascending
    parts: npt.NDArray[np.int32]  #: (n,) part of the note


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the standardised signals, and of none."""

    signals: Doubles  #: (signals,)
    bias: float

    def towards(self, other: Weights, share: float) -> Weights:
        """Those a part of the way to others."""
        return Weights(
            self.signals + share * (other.signals - self.signals), self.bias + share * (other.bias - self.bias)
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """What the signals are measured by: means and standard deviations of the vaults that the weights come from."""

    mean: Doubles
    deviation: Doubles

    def __call__(self, signals: FloatArray) -> FloatArray:
        found = signals - self.mean.astype(np.float32)
        found /= self.deviation.astype(np.float32)
        return np.clip(found, -_CLIP, _CLIP, out=found)


@dataclass(frozen=True, slots=True)
class Shipped:
    """What comes with vaultbot: weights for vaults with many links, and for those with none."""

    scale: Scale
    many: Weights
    none: Weights
    #: slope and offset that make a probability of a score: with many links, and without
    calibration: tuple[float, float]
    none_calibration: tuple[float, float]

    def prior(self, links: int) -> Weights:
        """The weights to begin with in a vault that has so many links."""
        return self.none.towards(self.many, self._share(links))

    def calibrated(self, links: int) -> tuple[float, float]:
        """The calibration of those."""
        share = self._share(links)
        slope, offset = (
            none + share * (many - none) for none, many in zip(self.none_calibration, self.calibration, strict=True)
        )
        return slope, offset

    @staticmethod
    def _share(links: int) -> float:
        return links / (links + _ENOUGH_LINKS)


class Ranker:
    """Scores candidates, each note's with the weights of its part."""

    def __init__(
        self, scale: Scale, by_part: Sequence[Weights], calibration: tuple[float, float], *, learned_from: int = 0
    ) -> None:
        self._scale = scale
        self.by_part = tuple(by_part)
        self.calibration = calibration
        self.learned_from = learned_from  #: links of the vault

    def scores(self, path: str, signals: FloatArray) -> Doubles:
        """(n,) probabilities, about, that these candidates of the note are links its owner would make."""
        weights = self.by_part[part_of(path)]
        slope, offset = self.calibration
        found: Doubles = _sigmoid(slope * _score(weights, self._scale(signals)) + offset)
        return found

    def shares(self, path: str, signals: FloatArray) -> Doubles:
        """(n, signals) what each signal adds to the score, against an ordinary candidate."""
        found: Doubles = self._scale(signals) * self.by_part[part_of(path)].signals
        return found

    def to_json(self) -> dict[str, Any]:
        """For keeping; `ranker_from` reads it."""
        return {
            "signals": list(SIGNALS),
            "learned_from": self.learned_from,
            "calibration": list(self.calibration),
            "weights": [[*map(float, one.signals), one.bias] for one in self.by_part],
        }


def ranker_from(kept: Mapping[str, Any], shipped: Shipped) -> Ranker | None:
    """The ranker that was kept; None for one of other signals, or for what is none."""
    try:
        if list(kept["signals"]) != list(SIGNALS) or len(kept["weights"]) != PARTS:
            return None
        table = np.array(kept["weights"], np.float64)
        slope, offset = map(float, kept["calibration"])
        if table.shape != (PARTS, len(SIGNALS) + 1) or not np.isfinite([*table.ravel(), slope, offset]).all():
            return None
        by_part = [Weights(row[:-1], float(row[-1])) for row in table]
        return Ranker(shipped.scale, by_part, (slope, offset), learned_from=int(kept["learned_from"]))
    except (KeyError, TypeError, ValueError):
        return None


def untaught(shipped: Shipped, links: int) -> Ranker:
    """The shipped weights alone."""
    return Ranker(shipped.scale, [shipped.prior(links)] * PARTS, shipped.calibrated(links))


def taught(shipped: Shipped, rows: Rows, links: int) -> Ranker:
    """Weights learned from the vault's own links, beginning with the shipped ones."""
    prior = shipped.prior(links)
    signals = shipped.scale(rows.signals)
    by_part, held_out = [], np.zeros(len(signals))

    def fitted(of: npt.NDArray[np.bool_], near: Weights) -> Weights:
        return fit(signals[of], rows.linked[of], rows.lists[of], prior, held=_HELD, near=near)

    # What the other half of the parts ask for is a few steps from what all others ask for.
    near = [fitted(rows.parts % 2 != half, prior) for half in (0, 1)]
    for part in range(PARTS):
        others = rows.parts != part
        weights = fitted(others, near[part % 2])
        by_part.append(weights)
        held_out[~others] = _score(weights, signals[~others])
    return Ranker(shipped.scale, by_part, calibrate(held_out, rows.linked), learned_from=links)


def part_of(path: str) -> int:
    """Which part a note is dealt into."""
    return crc32(path.encode("utf-8", "replace")) % PARTS


def fit(
    signals: FloatArray | Doubles,
    linked: npt.NDArray[np.bool_],
    lists: npt.NDArray[np.int32],
    prior: Weights,
    *,
    held: float,
    lists_share: float = _LISTS_SHARE,
    near: Weights | None = None,
) -> Weights:
    """The most probable weights, by Newton's method; `signals` are standardised, `held` is the prior's precision.

    They are looked for from `near` on, else from the prior: that decides how soon they are found, not what is found.
    """
    if not len(signals):
        return prior
    # In single precision, which is finer than what is asked of the weights, and twice as fast.
    design = np.ones((len(signals), signals.shape[1] + 1), np.float32)
    design[:, :-1] = signals
    start = np.append(prior.signals, prior.bias)
    firmness = np.append(np.full(signals.shape[1], held), 1e-3)
    first = np.flatnonzero(np.concatenate(([True], lists[1:] != lists[:-1])))
    group = np.cumsum(np.concatenate(([True], lists[1:] != lists[:-1]))) - 1
    label = linked.astype(np.float64)
    right = np.add.reduceat(label, first)
    list_ends, rows = np.append(first, len(design)), np.arange(len(design))
    bent_rows = np.empty_like(design[:_ROWS_AT_ONCE])

    def loss(weights: Doubles) -> tuple[float, Doubles, Doubles]:
        """The loss, and every row's probability alone and among its list."""
        score = (design @ weights.astype(np.float32)).astype(np.float64)
        top = np.maximum.reduceat(score, first)
        powers = np.exp(score - top[group])
        sums = np.add.reduceat(powers, first)
        alone = float((np.logaddexp(0, score) - label * score).sum())
        among = float((right * (np.log(sums) + top)).sum() - label @ score)
        away = float((firmness * (weights - start) ** 2).sum()) / 2
        return (1 - lists_share) * alone + lists_share * among + away, _sigmoid(score), powers / sums[group]

    def curvature(alone: Doubles, among: Doubles) -> Doubles:
        """The second derivatives of the loss where the rows have these probabilities."""
        bend = ((1 - lists_share) * alone * (1 - alone) + lists_share * right[group] * among).astype(np.float32)
        found = np.diag(firmness + 1e-6)
        for at in range(0, len(design), _ROWS_AT_ONCE):
            some = design[at : at + _ROWS_AT_ONCE]
            found += some.T @ np.multiply(some, bend[at : at + _ROWS_AT_ONCE, None], out=bent_rows[: len(some)])
        means = sparse.csr_array((among.astype(np.float32), rows, list_ends), shape=(len(first), len(design))) @ design
        found -= (means * (lists_share * right)[:, None]).T @ means
        return found

    weights = np.append((near or prior).signals, (near or prior).bias)
    value, alone, among = loss(weights)
    bent, before = None, 0.0
    for _ in range(_STEPS):
        is_fresh = bent is None
        if bent is None:
            bent = curvature(alone, among)
        pull = (1 - lists_share) * (alone - label) + lists_share * (right[group] * among - label)
        step = np.linalg.solve(bent, design.T @ pull.astype(np.float32) + firmness * (weights - start))
        size = 1.0
        tried, *probabilities = loss(weights - step)
        while not tried < value and is_fresh and size > 1e-3:
            size /= 2
            tried, *probabilities = loss(weights - size * step)
        if not tried < value:  # Nor where it is no number.
            if is_fresh:
                break
            bent = None
            continue
        weights = weights - size * step
        alone, among = probabilities
        gained, value = value - tried, tried
        if gained < _LEAST_GAIN * abs(value):
            break
        # It is worked out anew, which takes most of the time, only where the one of before leads there too slowly.
        if size < 1 or (gained > _SLOW * before and not is_fresh):
            bent = None
        before = gained
    return Weights(weights[:-1], float(weights[-1]))


def calibrate(scores: Doubles, linked: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset that make probabilities of the scores."""
    everything = np.zeros(len(scores), np.int32)
    found = fit(scores[:, None], linked, everything, Weights(np.ones(1), 0.0), held=1.0, lists_share=0.0)
    return max(0.1, float(found.signals[0])), found.bias


@cache
def shipped() -> Shipped:
    """The weights that come with vaultbot; docs/suggest-links.md says what they were fitted on."""
    return shipped_from(json.loads(files("vaultbot.links").joinpath("weights.json").read_text("utf-8")))


def shipped_from(kept: Mapping[str, Any]) -> Shipped:
    """What `shipped_json` made. A signal that it does not know weighs nothing."""
    places = {name: place for place, name in enumerate(kept["signals"])}

    def column(name: str, default: float) -> Doubles:
        values = kept[name]
        return np.array([values[places[one]] if one in places else default for one in SIGNALS], np.float64)

    return Shipped(
        Scale(column("mean", 0.0), column("deviation", 1.0)),
        Weights(column("many", 0.0), float(kept["many_bias"])),
        Weights(column("none", 0.0), float(kept["none_bias"])),
        (float(kept["calibration"][0]), float(kept["calibration"][1])),
        (float(kept["none_calibration"][0]), float(kept["none_calibration"][1])),
    )


def shipped_json(one: Shipped, recipe: str) -> dict[str, Any]:
    """For the file of the shipped weights."""

    def rounded(values: Doubles) -> list[float]:
        return [round(float(value), 5) for value in values]

    return {
        "recipe": recipe,
        "signals": list(SIGNALS),
        "mean": rounded(one.scale.mean),
        "deviation": rounded(one.scale.deviation),
        "many": rounded(one.many.signals),
        "many_bias": round(one.many.bias, 5),
        "none": rounded(one.none.signals),
        "none_bias": round(one.none.bias, 5),
        "calibration": [round(value, 5) for value in one.calibration],
        "none_calibration": [round(value, 5) for value in one.none_calibration],
    }


def _score(weights: Weights, standardised: FloatArray) -> Doubles:
    found: Doubles = standardised @ weights.signals + weights.bias
    return found


def _sigmoid(values: Doubles) -> Doubles:
    found: Doubles = 1 / (1 + np.exp(-np.clip(values, -40, 40)))
    return found
