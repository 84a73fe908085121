"""Bandwidth allocation, Algorithm 1: the shares with which all uploads finish together, as early as
possible.

    min E   s.t.   G_k / r_k(delta_k) <= E,   sum_k delta_k = 1                                (13),
    (16)

More band is never worse (18), so at the optimum all finish at E and the whole band is used (Theorem
2). Newton's method in x = log delta and rho = -log E, on

    log r_k(x_k) = log G_k + rho,   log sum_k exp(x_k) = 0.

log r_k is increasing and concave in x_k (see `uplinks.py`): a tangent lies above it, so an iterate
that solves the tangents has x_k at or below the root x_k(rho). From the second step on rho comes
down to its root monotonically, and quadratically at the end; no bracket is needed and no share can
turn negative. The paper's two-tier bisection is in `two_tier.py`.
"""

from __future__ import annotations

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
from netsim.units import BoolArray, FloatArray, IntArray

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
    or N0 + i_k per UE where interference grows with the band (model-spec 10.5). Every finite finish
    time is allowed; admission is `admission.py`.

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
    infeasible = (links.payload_bits > 0) & ~links.audible
    active = (links.payload_bits > 0) & ~infeasible
    shares, upload_s, steps = np.zeros(links.shape), np.where(infeasible, np.inf, 0.0), 0
    count = int(np.count_nonzero(active))
    if count:
        part = links.select(active)
        part_shares, steps = _solve(part)
        shares[active], upload_s[active] = (
            part_shares,
            part.payload_bits / part.rate_bps(part_shares),
        )
    return Allocation(
        shares, float(upload_s.max(initial=0.0)), upload_s, infeasible, steps, steps * count
    )


def allocate_modules(
    ue: IntArray,
    signal_w: ArrayLike,
    interference_w: ArrayLike,
    payload_bits: ArrayLike,
    *,
    bandwidth_hz: float,
    noise_psd_w_hz: ArrayLike,
) -> Allocation:
    """Algorithm 1 for UEs that upload several modules at once (s > 1), rows ordered by UE, shape
    [M].

    A UE spreads its power evenly over its own band, so its modules have one SINR and their bits add
    up: the UE is allocated the sum, and each module its part by payload. signal_w, interference_w
    and noise_psd_w_hz are the UE's (with all its power), repeated on its rows.
    """
    _, first, row = np.unique(ue, return_index=True, return_inverse=True)
    payload = np.broadcast_to(np.asarray(payload_bits, dtype=np.float64), row.shape)
    total = np.bincount(row, weights=payload)
    per_ue = [
        np.broadcast_to(a, row.shape)[first] for a in (signal_w, interference_w, noise_psd_w_hz)
    ]
    whole = allocate_bandwidth(
        per_ue[0], per_ue[1], total, bandwidth_hz=bandwidth_hz, noise_psd_w_hz=per_ue[2]
    )
    part = np.divide(payload, total[row], out=np.zeros(row.shape), where=total[row] > 0)
    upload_s = np.where(payload > 0, whole.upload_s[row], 0.0)
    return Allocation(
        whole.shares[row] * part,
        whole.finish_s,
        upload_s,
        whole.infeasible[row] & (payload > 0),
        whole.outer_iterations,
        whole.inner_iterations,
    )


def _solve(links: Uplinks) -> tuple[FloatArray, int]:
    """Shares that finish together and the number of steps; every signal and payload positive.

    Works in place: at 1e5 uploads, fresh temporaries cost more than the logarithms.
    """
    floor = links.interference_w / links.signal_w
    slope = links.noise_w / links.signal_w
    load = links.payload_bits / links.bandwidth_hz
    share, elasticity, miss, move = (np.empty(load.size) for _ in range(4))
    share.fill(1.0 / load.size)
    _tangents(share, floor, slope, load, elasticity, miss)
    share *= np.exp(miss)  # as if the SINR were that of equal shares
    finish = share.sum()  # in s / ln 2
    share /= finish
    x = np.log(share)
    for step in range(1, MAX_STEPS + 1):
        _tangents(share, floor, slope, load, elasticity, miss)
        miss -= np.log(finish)  # log of wanted rate over present rate
        weight = np.multiply(share, elasticity, out=move)
        change = (
            1.0 - share.sum() - weight @ miss
        ) / weight.sum()  # of rho; then the shares sum to >= 1
        miss += change
        np.multiply(elasticity, miss, out=move)  # of x
        x += move
        done = max(move.max(), -move.min()) <= STEP or max(miss.max(), -miss.min()) <= ROUNDING
        if x.max() > 1.0:
            more = _restrain(x, elasticity)
            x += elasticity * more
            change += more
        finish *= np.exp(-change)
        if (
            x.min() < -50.0
        ):  # far off: a share needs at least the band it would at an empty band's SINR
            np.maximum(x, np.log(load / finish / log_term_of_empty_band(floor)), out=x)
        np.exp(x, out=share)
        if done:
            share *= 1.0 + elasticity * (
                (1.0 - share.sum()) / (share @ elasticity)
            )  # what rounding left
            return share / share.sum(), step
    raise RunError(f"allocate_bandwidth: no convergence in {MAX_STEPS} steps (change {change!r})")


def _tangents(
    share: FloatArray,
    floor: FloatArray,
    slope: FloatArray,
    load: FloatArray,
    elasticity: FloatArray,
    miss: FloatArray,
) -> None:
    """Writes the elasticity of each share and log(wanted rate at finish 1 / present rate), block by
    block.
    """
    for at in range(0, load.size, _BLOCK):
        b = slice(at, at + _BLOCK)
        log_term, elasticity[b] = log_term_and_elasticity(share[b], floor[b], slope[b])
        miss[b] = np.log(load[b] / (share[b] * log_term))


def _restrain(x: FloatArray, elasticity: FloatArray) -> float:
    """A change for which exp(x + elasticity * change) sums to at least 1 and has no entry far
    above.

    Newton's method on the convex log-sum-exp, for a start so far off that a linear sum would
    overflow.
    """
    change, moved = 0.0, x
    for _ in range(MAX_STEPS):
        top = moved.max()
        weight = np.exp(moved - top)
        total = weight.sum()
        change -= (top + np.log(total)) / (weight @ elasticity / total)
        moved = x + elasticity * change
        if moved.max() <= 1.0:
            break
    return float(change)
