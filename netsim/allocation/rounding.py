"""The optional proximal step for (12), and rounding of fractional subscriptions.

See docs/model/switching.md.

Without a proximal term the solution of (12) jumps between vertices; with one it moves gradually and
is fractional, and a draw turns it into whole subscriptions. K UEs, N modules, arrays [K, N].
"""

from __future__ import annotations

import numpy as np

from netsim.units import BoolArray, FloatArray

_BISECTIONS = 60


def proximal_step(
    fraction: FloatArray,
    cost: FloatArray,
    step: float,
    max_modules: float,
) -> FloatArray:
    """Proj(fraction - step cost) onto {0 <= beta <= 1, sum_n beta <= s}; cost: gradient - dual."""
    return project(fraction - step * cost, max_modules)


def project(point: FloatArray, max_modules: float) -> FloatArray:
    """Euclidean projection onto {0 <= beta <= 1, sum_n beta <= s}, row by row. [K, N].

    clip(y - w, 0, 1) with the smallest w >= 0 for which the sum is at most s, by bisection.
    """

    def fits(offset: FloatArray | float) -> BoolArray:
        total = np.clip(point - offset, 0.0, 1.0).sum(axis=-1, keepdims=True)
        return np.asarray(total <= max_modules)

    low = np.zeros((*point.shape[:-1], 1))
    high = np.maximum(point.max(axis=-1, keepdims=True, initial=0.0), 0.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = fits(middle)
        low = np.where(enough, low, middle)
        high = np.where(enough, middle, high)
    offset = np.where(fits(0.0), 0.0, high)
    return np.clip(point - offset, 0.0, 1.0)


def systematic_rounding(fraction: FloatArray, rng: np.random.Generator) -> BoolArray:
    """Whole subscriptions whose probabilities are exactly the fractions. [K, N].

    Systematic sampling on a random permutation: module j is taken iff a point u + integer falls
    into its interval of the cumulated fractions. The number of a UE's modules is then the floor or
    the ceiling of the sum of its fractions, so never above s as with independent rounding. Draws
    N + 1 numbers per UE in index order.
    """
    count, modules = fraction.shape
    draws = rng.random((count, modules + 1))
    order = np.argsort(draws[:, 1:], axis=1)
    in_order = np.take_along_axis(fraction, order, axis=1)
    total = np.cumsum(in_order, axis=1)
    whole = np.rint(total)
    total = np.where(np.abs(total - whole) < 1e-9, whole, total)
    first_point = 1.0 - draws[:, :1]  # in (0, 1]
    points = np.floor(total - first_point)  # up to each cumulated fraction
    before = np.concatenate([np.full((count, 1), -1.0), points[:, :-1]], axis=1)
    taken = np.zeros(fraction.shape, dtype=np.bool_)
    np.put_along_axis(
        taken,
        order,
        points > before,
        axis=1,
    )
    return taken
