"""Bandwidth allocation, Algorithm 1: shares with which all uploads finish together, and earliest.

    min E   s.t.   G_k / r_k(delta_k) <= E,   sum_k delta_k = 1                         (13), (16)

More band is never worse (18), so at the optimum all finish at E and the whole band is used (Theorem
2). Newton's method in x = log delta and rho = -log E, on

    log r_k(x_k) = log G_k + rho,   log sum_k exp(x_k) = 0.

log r_k is increasing and concave in x_k (see `uplinks.py`), so its tangents lie above it, and an
iterate that solves the tangents has x_k at or below the root x_k(rho). From the second step on rho
falls to its root monotonically, at the end quadratically; no bracket is needed and no share can
turn negative. The paper's two-tier bisection is in `two_tier.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from netsim.allocation.uplinks import (
    MAX_STEPS,
    ROUNDING,
    STEP,
    Uplinks,
    log_term_and_elasticity,
    log_term_of_empty_band,
)
from netsim.errors import RunError
from netsim.units import BoolArray, FloatArray

# entries: temporaries stay in the cache, and below malloc's threshold for fresh pages
_BLOCK = 8192


@dataclass(frozen=True)
class Allocation:
    """Shares of one gNB's band over its K active uploads."""

    shares: FloatArray  # [K] in [0, 1], sum 1 (at most 1 from `two_tier`); 0 where infeasible
    finish_s: float  # of the last upload; 0 without uploads, infinity if one is infeasible
    upload_s: FloatArray  # [K] of each upload: equal for all that have something to send
    infeasible: BoolArray  # [K] without signal: no share lets it finish
    outer_iterations: int  # steps of the common finish time
    inner_iterations: int  # solutions of one share for one finish time, over all uploads
    converged: bool = True


def allocate_bandwidth(
    signal_w: ArrayLike,
    interference_w: ArrayLike,
    payload_bits: ArrayLike,
    *,
    bandwidth_hz: float,
    noise_psd_w_hz: ArrayLike,
) -> Allocation:
    """Algorithm 1 over the active uploads; arrays broadcast to one entry per upload, shape [K].

    signal_w: received power S, W. interference_w: received power I, W, the same whatever the share.
    payload_bits: G; without payload an upload gets no share and takes no time. noise_psd_w_hz: N0,
    or N0 + i_k per UE where interference grows with the band (docs/model/bandwidth.md). Every
    finite finish time is allowed; admission is `admission.py`.

    Raises InputError for a negative, infinite or NaN entry, or where there is neither noise nor
    interference.
    """
    links = Uplinks.of(
        signal_w,
        interference_w,
        payload_bits,
        bandwidth_hz=bandwidth_hz,
        noise_psd_w_hz=noise_psd_w_hz,
    )
    return spread(links, _solve)


Solution = tuple[FloatArray, int, bool]
"""Shares [k] of the uploads that can be heard, steps of the finish time, and convergence."""


def spread(links: Uplinks, solve: Callable[[Uplinks], Solution]) -> Allocation:
    """The allocation in which `solve` finds the shares of the uploads that can be heard.

    Uploads without payload take no share and no time; those without signal never finish.
    """
    infeasible = (links.payload_bits > 0) & ~links.audible
    active = (links.payload_bits > 0) & ~infeasible
    shares = np.zeros(links.shape)
    upload_s = np.where(infeasible, np.inf, 0.0)
    steps = 0
    converged = True
    count = int(np.count_nonzero(active))
    if count:
        part = links.select(active)
        found, steps, converged = solve(part)
        shares[active] = found
        upload_s[active] = part.upload_s(found)
    return Allocation(
        shares=shares,
        finish_s=float(upload_s.max(initial=0.0)),
        upload_s=upload_s,
        infeasible=infeasible,
        outer_iterations=steps,
        inner_iterations=steps * count,
        converged=converged,
    )


def _solve(links: Uplinks) -> Solution:
    """Shares that finish together and the number of steps; every signal and payload positive.

    Works in place: at 1e5 uploads, fresh temporaries cost more than the logarithms.
    """
    floor = links.interference_w / links.signal_w
    slope = links.noise_w / links.signal_w
    load = links.payload_bits / links.bandwidth_hz
    share = np.full(load.size, 1.0 / load.size)
    elasticity, miss, move = np.empty((3, load.size))
    _tangents(
        share,
        floor,
        slope,
        load,
        elasticity,
        miss,
    )
    share *= np.exp(miss)  # as if the SINR were that of equal shares
    finish = share.sum()  # in s / ln 2
    share /= finish
    x = np.log(share)
    for step in range(1, MAX_STEPS + 1):
        _tangents(
            share,
            floor,
            slope,
            load,
            elasticity,
            miss,
        )
        miss -= np.log(finish)  # log of wanted rate over present rate
        change = _change_of_rho(share, elasticity, miss, work=move)
        miss += change
        np.multiply(elasticity, miss, out=move)  # of x
        x += move
        settled = _largest(move) <= STEP or _largest(miss) <= ROUNDING
        if x.max() > 1.0:
            change += _restrain(x, elasticity)
        finish *= np.exp(-change)
        if x.min() < -50.0:
            _raise_to_least(x, load / finish, floor)
        np.exp(x, out=share)
        if settled:
            return _summing_to_one(share, elasticity), step, True
    raise RunError(f"allocate_bandwidth: no convergence in {MAX_STEPS} steps")


def _change_of_rho(
    share: FloatArray,
    elasticity: FloatArray,
    miss: FloatArray,
    *,
    work: FloatArray,
) -> float:
    """Newton's step of rho = -log E, after which the shares sum to at least 1."""
    weight = np.multiply(share, elasticity, out=work)
    excess = 1.0 - share.sum() - weight @ miss
    return float(excess / weight.sum())


def _raise_to_least(
    x: FloatArray,
    wanted: FloatArray,
    floor: FloatArray,
) -> None:
    """Far off: a share needs at least the band that it would need at an empty band's SINR."""
    least = wanted / log_term_of_empty_band(floor)
    np.maximum(x, np.log(least), out=x)


def _largest(values: FloatArray) -> float:
    """Largest magnitude, without a temporary."""
    return max(float(values.max()), -float(values.min()))


def _summing_to_one(share: FloatArray, elasticity: FloatArray) -> FloatArray:
    """The shares of the last step without what rounding left of their sum."""
    missing = (1.0 - share.sum()) / (share @ elasticity)
    share *= 1.0 + elasticity * missing
    return np.asarray(share / share.sum())


def _tangents(
    share: FloatArray,
    floor: FloatArray,
    slope: FloatArray,
    load: FloatArray,
    elasticity: FloatArray,
    miss: FloatArray,
) -> None:
    """Writes the elasticity of each share and log(wanted rate at finish time 1 / present rate)."""
    for at in range(0, load.size, _BLOCK):
        block = slice(at, at + _BLOCK)
        log_term, elasticity[block] = log_term_and_elasticity(
            share[block],
            floor[block],
            slope[block],
        )
        miss[block] = np.log(load[block] / (share[block] * log_term))


def _restrain(x: FloatArray, elasticity: FloatArray) -> float:
    """Moves x to x + elasticity * change so that exp(x) sums to at least 1 without huge entries.

    Newton's method on the convex log-sum-exp, for a start so far off that a linear sum would
    overflow. Returns the change.
    """
    change = 0.0
    moved = x
    for _ in range(MAX_STEPS):
        top = moved.max()
        weight = np.exp(moved - top)
        total = weight.sum()
        slope = weight @ elasticity / total
        change -= (top + np.log(total)) / slope
        moved = x + elasticity * change
        if moved.max() <= 1.0:
            break
    x += elasticity * change
    return float(change)
