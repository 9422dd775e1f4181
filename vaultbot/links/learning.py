"""Weighs what speaks for a suggestion: weights that hold for any vault, drawn towards what this vault itself shows."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

#: In double precision: a fit needs it.
Weights: TypeAlias = npt.NDArray[np.float64]

#: How far the vault must speak against the weights it began with: about as much as ten examples each way.
_TRUST = 0.5


def fitted(start: Weights, figures: Weights, right: Weights, *, trust: float = _TRUST) -> Weights:
    """The weights that tell best which lines of `figures` are `right` (1) or not (0), and stay near `start`.

    A logistic regression whose prior is `start`: with few examples it keeps those weights, with many it leaves them.
    The last weight is the constant. Figures are taken as they come, each about 0 to 1.
    """
    lines = with_constant(figures)
    begin = np.asarray(start, np.float64)

    def loss(weights: Weights) -> tuple[float, Weights]:
        sums = lines @ weights
        away = weights - begin
        wrong = _chance(sums) - right
        value = float(np.logaddexp(0, sums).sum() - right @ sums + trust * away @ away)
        return value, lines.T @ wrong + 2 * trust * away

    return np.asarray(minimize(loss, begin, jac=True, method="L-BFGS-B").x, np.float64)


def chances(weights: Weights, figures: Weights) -> Weights:
    """How likely each line is right, 0 to 1."""
    return _chance(with_constant(figures) @ weights)


def with_constant(figures: Weights) -> Weights:
    return np.hstack([np.asarray(figures, np.float64), np.ones((len(figures), 1))])


def _chance(sums: Weights) -> Weights:
    return np.asarray(1 / (1 + np.exp(-np.clip(sums, -30, 30))), np.float64)
