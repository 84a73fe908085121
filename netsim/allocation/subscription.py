"""Model switching (8)-(12): which UE subscribes to which module in the next round.

Per UE, (12) is a linear program over {0 <= beta <= 1, sum_n beta_n <= s}; its constraint matrix is
totally unimodular, so for integer s a vertex is integral and the optimum is: the (at most) s
smallest costs that are negative. The cost is the gradient of Q minus the dual variable of the
participation constraint (7d), which a dual ascent (11) drives. K UEs, N modules, arrays [K, N].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import InputError
from netsim.theory.risk_bound import RiskConstants, arrival_weight
from netsim.units import BoolArray, FloatArray

SWITCH_GAPS = ("none", "bound", "affinity")


def solve_subscription(
    cost: ArrayLike,
    max_modules: int,
    *,
    rng: np.random.Generator | None = None,
) -> BoolArray:
    """Exact solution of (12): per UE the at most `max_modules` smallest negative costs.

    cost: gradient of Q minus dual, [K, N]; infinity for a module that cannot be had. A cost of 0 is
    not worth a subscription. Equal costs go to the lower module index, or to chance with `rng`,
    which draws one number per (UE, module) in index order. Returns subscribed, [K, N]. Raises
    InputError for a number of modules that is not whole.
    """
    if int(max_modules) != max_modules:
        rule = "max_modules must be whole here; solve_fractional_subscription takes any number"
        raise InputError(rule, value=max_modules)
    return (
        solve_fractional_subscription(
            cost,
            max_modules,
            rng=rng,
        )
        > 0.5
    )


def solve_fractional_subscription(
    cost: ArrayLike,
    max_modules: float,
    *,
    rng: np.random.Generator | None = None,
) -> FloatArray:
    """Solution of (12) for any s, [K, N]: beta in [0, 1], s - floor(s) on the next best module."""
    costs = np.asarray(cost, dtype=np.float64)
    if costs.ndim != 2 or np.isnan(costs).any():
        raise InputError("cost must be a [UE, module] array without NaN", value=costs.shape)
    if not max_modules >= 0:
        raise InputError("max_modules must be at least 0", value=max_modules)
    tie = np.zeros_like(costs) if rng is None else rng.random(costs.shape)
    order = np.lexsort((tie, costs), axis=-1)
    rank = np.argsort(order, axis=-1)
    room = np.clip(max_modules - rank, 0.0, 1.0)
    return np.where(costs < 0, room, 0.0)


def risk_gradient(
    success: ArrayLike,
    previous_floor: ArrayLike,
    energy_j: ArrayLike,
    *,
    constants: RiskConstants,
    energy_price_per_j: float,
    formulas: str = "corrected",
    gap: ArrayLike = 0.0,
    switch_gap: str = "none",
) -> FloatArray:
    """dQ/dbeta of (9), [K, N]: - c lambda + mu C, or - c (1 - lambda) + mu C as printed.

    See docs/model/risk-bound.md. success: lambda of UE k on module n. previous_floor: B_{n,k} of
    the round before. energy_j: C of subscribing, from `module_energy_j`. energy_price_per_j: mu,
    1/J. gap: local loss of module n at UE k minus the best over modules, [K, N]. `switch_gap` says
    how the gap counts: `none`, not at all, as in (8a); `bound`, by the first term of (6), which
    draws a UE to modules where it has most to gain; `affinity`, a heuristic that draws it to the
    modules that fit it best.
    """
    if switch_gap not in SWITCH_GAPS:
        raise InputError(f"switch_gap must be one of {', '.join(SWITCH_GAPS)}", value=switch_gap)
    lam = np.asarray(success, dtype=np.float64)
    weight = arrival_weight(previous_floor, constants, formulas)
    energy_cost = energy_price_per_j * np.asarray(energy_j, dtype=np.float64)
    gain = (1.0 - lam) if formulas == "paper" else lam
    gradient = energy_cost - weight * gain
    if switch_gap == "bound":
        slope = 4.0 * constants.convexity * constants.dispersion_slope / constants.smoothness
        gradient = gradient - slope * lam * np.asarray(gap)
    elif switch_gap == "affinity":
        gradient = gradient + np.asarray(gap)
    return np.asarray(gradient)


def module_energy_j(
    compute_j: FloatArray,
    power_w: FloatArray,
    payload_bits: FloatArray,
    rate_bps: FloatArray | None,
    finish_s: FloatArray | float,
    switch_energy: str = "own",
) -> FloatArray:
    """C_{n,k} of subscribing to each module, J, shape [K, N] (docs/model/switching.md).

    compute_j, power_w: [K]. payload_bits: [N]. `own`: (4) to the letter at rate_bps [K], the rate
    in a reference share of 1 / (active UEs), so that energy grows with the payload. `common`: (14)
    with the computing put back, P E with the common finish time ([K] or one), the same for all
    modules. A UE that sends without a rate has infinite energy.
    """
    if switch_energy == "common":
        shape = (compute_j.size, payload_bits.size)
        airtime = np.broadcast_to(np.reshape(finish_s, (-1, 1)), shape)
    elif switch_energy == "own" and rate_bps is not None:
        with np.errstate(divide="ignore"):
            airtime = payload_bits[np.newaxis, :] / rate_bps[:, np.newaxis]
    else:
        raise InputError("switch_energy must be own (with rates) or common", value=switch_energy)
    power = power_w[:, np.newaxis]
    # zero where nothing is sent, even at rate 0
    sending = np.zeros_like(airtime, dtype=np.float64)
    np.multiply(
        power,
        airtime,
        out=sending,
        where=power > 0,
    )
    return np.asarray(compute_j[:, np.newaxis] + sending)
