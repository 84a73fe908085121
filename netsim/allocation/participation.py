"""The long-term participation constraint (7d) by dual ascent (11), and what it guarantees.

Every UE shall subscribe to module n in a fraction v_n of the rounds in which it was admissible. The
dual nu_{n,k} is its debt so far, in units of the cost, and is subtracted from the cost of (12). K
UEs, N modules.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import InputError
from netsim.units import BoolArray, FloatArray


def check_participation(
    participation: ArrayLike,
    max_modules: float,
    module_count: int,
) -> FloatArray:
    """v_n as an array [N]; InputError unless 0 <= v_n <= 1, sum v_n <= s and s >= 1."""
    v = np.asarray(participation, dtype=np.float64)
    if v.ndim > 1 or (v.ndim == 1 and v.size != module_count):
        raise InputError(f"participation must be one number or {module_count}", value=v.tolist())
    v = np.broadcast_to(v, (module_count,)).copy()
    if not np.all((v >= 0) & (v <= 1)):
        raise InputError("every participation rate must be in [0, 1]", value=v.tolist())
    if not max_modules >= 1:
        raise InputError("max_modules must be at least 1", value=max_modules)
    if v.sum() > max_modules * (1 + 1e-12):
        rule = f"scheme.participation must sum to at most scheme.max_modules = {max_modules}"
        raise InputError(rule, value=v.tolist())
    return v


def dual_ascent(
    dual: FloatArray,
    subscribed: ArrayLike,
    participation: ArrayLike,
    step: float | FloatArray,
    *,
    admissible: BoolArray | None = None,
) -> FloatArray:
    """(11): nu <- max(0, nu + step (v - beta)), with the beta that was realised. [K, N].

    subscribed: [K, N]. participation: v, [N]. step: varsigma, a number or [K, 1]. admissible: [K];
    the dual of a UE that was refused or not ready in this round does not move
    (docs/model/bandwidth.md). A UE without a module counts as admissible: with a fixed dual it
    would never get one again.
    """
    debt = np.asarray(participation) - np.asarray(subscribed, dtype=np.float64)
    if admissible is not None:
        debt = np.where(
            np.asarray(admissible)[:, np.newaxis],
            debt,
            0.0,
        )
    return np.asarray(np.maximum(0.0, dual + step * debt))


def cost_range(gradient: FloatArray, so_far: ArrayLike = 0.0) -> FloatArray:
    """M per UE: the largest value so far of dQ/dbeta and of its spread over the modules. [K].

    A dual above M outweighs any cost. Where every module costs more than it brings, the dual must
    first climb there. Infinite costs, of UEs too far away for any rate, say nothing of M.
    """
    is_finite = np.isfinite(gradient)
    highest = gradient.max(axis=1, initial=-np.inf, where=is_finite)
    spread = highest - gradient.min(axis=1, initial=np.inf, where=is_finite)
    return np.asarray(np.maximum(so_far, np.maximum(spread, highest)))


def dual_step(spread: ArrayLike, horizon: float) -> FloatArray:
    """The default varsigma = M / sqrt(T): balances the climb of the dual against its overshoot."""
    largest = np.asarray(spread, dtype=np.float64)
    return np.asarray(largest / np.sqrt(horizon))
