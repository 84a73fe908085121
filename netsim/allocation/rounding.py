"""The optional proximal step for (12), and rounding of fractional subscriptions (model-spec 4.3).

Without a proximal term the solution of (12) jumps between vertices; with one it moves gradually and
is fractional, and a draw turns it into whole subscriptions. K UEs, N modules, arrays [K, N].
"""

from __future__ import annotations

import numpy as np

from netsim.units import BoolArray, FloatArray

_BISECTIONS = 60


def proximal_step(
    fraction: FloatArray, cost: FloatArray, step: float, max_modules: float
) -> FloatArray:
    """Proj(fraction - step cost) onto {0 <= beta <= 1, sum_n beta <= s}. cost: gradient minus
    dual.
    """
    return project(fraction - step * cost, max_modules)


def project(point: FloatArray, max_modules: float) -> FloatArray:
    """Euclidean projection onto {0 <= beta <= 1, sum_n beta <= s}, row by row. [K, N].

    clip(y - w, 0, 1) with the smallest w >= 0 for which the sum is at most s, by bisection.
    """
    low = np.zeros((*point.shape[:-1], 1))
    high = np.maximum(point.max(axis=-1, keepdims=True, initial=0.0), 0.0)
    fits = np.clip(point, 0.0, 1.0).sum(axis=-1, keepdims=True) <= max_modules
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = np.clip(point - middle, 0.0, 1.0).sum(axis=-1, keepdims=True) <= max_modules
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.clip(point - np.where(fits, 0.0, high), 0.0, 1.0)


def systematic_rounding(fraction: FloatArray, rng: np.random.Generator) -> BoolArray:
    """Whole subscriptions with the fractions as exact marginals; row sums are floor or ceil of
    theirs.

    Systematic sampling on a random permutation: module j is taken iff a point u + integer falls
    into its interval of the cumulated fractions. So sum_n beta <= s always, which independent
    rounding breaks. Draws N + 1 numbers per UE in index order.
    """
    count, modules = fraction.shape
    draws = rng.random((count, modules + 1))
    order = np.argsort(draws[:, 1:], axis=1)
    total = np.cumsum(np.take_along_axis(fraction, order, axis=1), axis=1)
    total = np.where(np.abs(total - np.rint(total)) < 1e-9, np.rint(total), total)
    points = np.floor(
        total - (1.0 - draws[:, :1])
    )  # offset in (0, 1]: points up to each cumulated fraction
    before = np.concatenate([np.full((count, 1), -1.0), points[:, :-1]], axis=1)
    taken = np.zeros(fraction.shape, dtype=np.bool_)
    np.put_along_axis(taken, order, points > before, axis=1)
    return taken
