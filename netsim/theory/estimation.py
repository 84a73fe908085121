"""Constants of Theorem 1 from what a run has seen (docs/model/risk-bound.md).

Each is a lower bound of the constant it estimates where the definition is a supremum: a run visits
few points. T rounds, K UEs, P parameters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import InputError
from netsim.units import FloatArray


def estimate_smoothness(parameters: ArrayLike, gradients: ArrayLike) -> float:
    """eps: the largest |g(w') - g(w)| / |w' - w| over consecutive rounds.

    parameters, gradients: [T, P], the full gradient at each point. NaN without two different
    points.
    """
    w, g = _same_shape(parameters, gradients)
    steps = np.diff(w, axis=0)
    turns = np.diff(g, axis=0)
    moved = np.linalg.norm(steps, axis=1)
    turned = np.linalg.norm(turns, axis=1)
    if not moved.any():
        return np.nan
    ratio = turned[moved > 0] / moved[moved > 0]
    return float(np.max(ratio, initial=-np.inf))


def estimate_convexity(
    gradient_norm_sq: ArrayLike,
    loss: ArrayLike,
    *,
    least_gap: float = 1e-3,
) -> float:
    """xi in the Polyak-Lojasiewicz sense (30): the smallest |grad F|^2 / (2 (F - F_min)).

    gradient_norm_sq, loss: [T]. F_min is the lowest loss seen, which biases xi up; rounds within
    least_gap of it are left out. NaN if none is left.
    """
    norm_sq, f = _same_shape(gradient_norm_sq, loss)
    gap = f - f.min() if f.size else f
    usable = gap > least_gap
    if not usable.any():
        return np.nan
    ratio = norm_sq[usable] / (2.0 * gap[usable])
    return float(np.min(ratio))


def estimate_dispersion(
    ue_gradient_norm_sq: ArrayLike,
    gradient_norm_sq: ArrayLike,
    *,
    slope: float = 0.1,
) -> float:
    """zeta_1 for a given zeta_2: the largest |grad F_k|^2 - slope |grad F|^2, at least 0.

    ue_gradient_norm_sq: [T, K], NaN where a UE was not seen. gradient_norm_sq: [T]. Fitting the
    slope as well explodes near the optimum, where |grad F| vanishes and |grad F_k| does not.
    """
    ue = np.asarray(ue_gradient_norm_sq, dtype=np.float64)
    whole = np.asarray(gradient_norm_sq)
    if ue.ndim != 2 or whole.shape != ue.shape[:1]:
        rule = "ue_gradient_norm_sq must be [T, K] and gradient_norm_sq [T]"
        raise InputError(rule, value=(ue.shape, whole.shape))
    excess = ue - slope * whole[:, np.newaxis]
    seen = excess[~np.isnan(excess)]
    if not seen.size:
        return np.nan
    return float(max(seen.max(), 0.0))


def _same_shape(first: ArrayLike, second: ArrayLike) -> tuple[FloatArray, FloatArray]:
    a = np.asarray(first, dtype=np.float64)
    b = np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise InputError("both arrays must have one shape", value=(a.shape, b.shape))
    return a, b
