"""Transmit power control (21)-(22): the power that balances arrival against energy, UE by UE.

    Q(P) = - sum_n w_n lambda_n(P) + L P,      P_floor <= P <= P_max

with w the weight of an arrival, lambda_n the success probability (15) and L = mu E the price of
power. Q is not unimodal: with one term w exp(-b - a / P) it rises, falls to a minimum at

    P = -a / (2 W_0(-sqrt(a L / (w e^-b)) / 2))

and rises again; or it only rises, where L >= 4 w e^-b / (a e^2), and the least power is best. (22)
as printed leaves out e^-b. K UEs, N modules.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from netsim.units import BoolArray, FloatArray

Success = Callable[[FloatArray], FloatArray]
"""lambda as a function of power: [..., K, 1] -> [..., K, N], elementwise along the leading axes."""

_GRID = 48  # powers of the first grid
_ZOOM = 12  # powers of each finer one
_ZOOMS = 4
_AFFINE = 1e-9  # deviation of log lambda from b + a / P below which it is of that form


def closed_form_power(
    weight: ArrayLike,
    noise_w: ArrayLike,
    price_per_w: ArrayLike,
    *,
    floor_w: ArrayLike,
    max_power_w: ArrayLike,
) -> FloatArray:
    """Minimum of - weight exp(-noise / P) + price P over [floor, max]; arrays broadcast.

    weight: w e^-b, at least 0. noise_w: a = W delta N0 theta d^alpha, W. price_per_w: L, 1/W.
    """
    from scipy.special import lambertw  # loads long; few schemes need it

    given = (weight, noise_w, price_per_w, floor_w, max_power_w)
    arrays = [np.asarray(values, dtype=np.float64) for values in given]
    w, a, price, floor, most = np.broadcast_arrays(*arrays)
    branch_point = np.exp(-1.0)  # beyond it Q only rises
    with np.errstate(
        divide="ignore",
        invalid="ignore",
        over="ignore",
    ):
        argument = 0.5 * np.sqrt(a * price / w)
        branch = lambertw(-np.minimum(argument, branch_point)).real
        minimum = -a / (2.0 * branch)
    # NaN (w = 0 or a = 0): nothing to gain
    minimum = np.where(argument < branch_point, minimum, floor)
    free = (price == 0) & (w > 0) & (a > 0)
    minimum = np.where(free, most, minimum)
    inside = np.clip(minimum, floor, most)

    def cost(power: FloatArray) -> FloatArray:
        arrivals = w * np.exp(-a / power)
        return np.asarray(price * power - arrivals)

    better = cost(inside) < cost(floor)
    return np.where(better, inside, floor)


def optimal_power(
    success: Success,
    weight: FloatArray,
    price_per_w: FloatArray,
    *,
    floor_w: FloatArray,
    max_power_w: float,
) -> FloatArray:
    """Minimum of Q over [floor, max] for any success probability. Shape [K].

    weight: w_n, [K, N]. price_per_w: L, 1/W, [K]. floor_w: W, [K], positive.

    Closed form where a UE's only term is exp(-b - a / P), as with interferers that follow its
    power (seen from lambda at three powers). Otherwise a logarithmic grid, refined four times
    around its best point.
    """
    if np.all(np.count_nonzero(weight, axis=1) <= 1):
        term = _one_term(success, weight, floor_w, max_power_w)
        if term is not None:
            net_weight, noise_w = term
            return closed_form_power(
                net_weight,
                noise_w,
                price_per_w,
                floor_w=floor_w,
                max_power_w=max_power_w,
            )
    return _search(
        success,
        weight,
        price_per_w,
        floor_w,
        max_power_w,
    )


def power_cost(
    success: Success,
    weight: FloatArray,
    price_per_w: FloatArray,
    power_w: FloatArray,
) -> FloatArray:
    """Q(P) without its constants, [..., K] for power_w [..., K]; no transmission costs 0."""
    lam = success(power_w[..., np.newaxis])
    arrivals = (weight * lam).sum(axis=-1)
    return np.asarray(price_per_w * power_w - arrivals)


def gives_up(
    power_w: FloatArray,
    floor_w: FloatArray,
    cost: FloatArray,
) -> BoolArray:
    """Who should not transmit at all: the optimum is the floor, and no better than silence. [K]."""
    at_floor = power_w <= floor_w
    return np.asarray(at_floor & (cost >= 0.0))


def power_floor(
    gain: FloatArray,
    interference_w: FloatArray,
    payload_bits: FloatArray,
    shares: FloatArray,
    finish_s: FloatArray | float,
    *,
    bandwidth_hz: float,
    noise_psd_w_hz: FloatArray | float,
    min_power_w: float,
    max_power_w: float,
    interferers_follow: bool = False,
) -> FloatArray:
    """Power with which each UE finishes by finish_s in its share, within [min, max]. Shape [K].

    With the shares of Algorithm 1 at P_max and finish_s = E_cap, every power at or above the floor
    keeps these shares feasible, hence E <= E_cap for the allocation at those powers
    (docs/model/power.md). gain: linear, [K]. interference_w: at P_max if interferers_follow (then
    in proportion to P).
    """
    noise_w = bandwidth_hz * noise_psd_w_hz * shares
    band_time = bandwidth_hz * shares * finish_s
    with np.errstate(
        divide="ignore",
        invalid="ignore",
        over="ignore",
    ):
        sinr = np.expm1(np.log(2.0) * payload_bits / band_time)  # needed
        if interferers_follow:
            left = gain - sinr * interference_w / max_power_w
            floor = np.where(left > 0, sinr * noise_w / left, np.inf)
        else:
            floor = sinr * (interference_w + noise_w) / gain
    floor = np.where(payload_bits > 0, floor, min_power_w)
    floor = np.nan_to_num(
        floor,
        nan=max_power_w,
        posinf=max_power_w,
    )
    return np.asarray(np.clip(floor, min_power_w, max_power_w))


def damp(old_w: FloatArray, new_w: FloatArray) -> FloatArray:
    """Half of the way, in dB: without damping the outer loop of Algorithm 2 oscillates."""
    return np.asarray(np.sqrt(old_w * new_w))


def _one_term(
    success: Success,
    weight: FloatArray,
    floor_w: FloatArray,
    max_power_w: float,
) -> tuple[FloatArray, FloatArray] | None:
    """(w e^-b [K], a [K]) if every UE's term is w exp(-b - a / P), else None.

    Found from lambda at three powers: the floor, the maximum and their geometric mean.
    """
    ue = np.arange(len(floor_w))
    term = np.argmax(weight, axis=1)
    own_weight = weight[ue, term]
    middle_w = np.sqrt(floor_w * max_power_w)
    power = np.stack([floor_w, middle_w, np.full_like(floor_w, max_power_w)])
    lam = success(power[..., np.newaxis])[:, ue, term]
    lam = np.where(own_weight > 0, lam, 1.0)
    if not np.all(lam > 0):
        return None
    exponent = -np.log(lam)
    inverse = 1.0 / power
    span = inverse[0] - inverse[2]
    slope = (exponent[0] - exponent[2]) / np.where(span > 0, span, 1.0)
    noise_w = np.where(span > 0, slope, 0.0)
    rest = exponent[2] - noise_w * inverse[2]
    miss = np.abs(exponent[1] - rest - noise_w * inverse[1])
    straight = miss <= _AFFINE * (1.0 + exponent[1])
    if not np.all(straight & (noise_w >= 0)):
        return None
    return own_weight * np.exp(-rest), noise_w


def _search(
    success: Success,
    weight: FloatArray,
    price_per_w: FloatArray,
    floor_w: FloatArray,
    max_power_w: float,
) -> FloatArray:
    """The best power of a logarithmic grid, and of ever finer ones around it. Shape [K]."""
    ue = np.arange(len(floor_w))
    low = floor_w
    high = np.full_like(floor_w, max_power_w)
    count = _GRID
    best = floor_w
    best_cost = np.full_like(floor_w, np.inf)
    for _ in range(1 + _ZOOMS):
        steps = np.linspace(0.0, 1.0, count)[:, np.newaxis]
        grid = np.minimum(low * (high / low) ** steps, high)  # [grid, K]; the first is `low` itself
        cost = power_cost(success, weight, price_per_w, grid)
        at = np.argmin(cost, axis=0)
        lowest = cost[at, ue]
        better = lowest < best_cost
        best = np.where(better, grid[at, ue], best)
        best_cost = np.where(better, lowest, best_cost)
        low = grid[np.maximum(at - 1, 0), ue]
        high = grid[np.minimum(at + 1, count - 1), ue]
        count = _ZOOM
    return best
