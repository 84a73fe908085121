"""Bandwidth for uploads that start at different times: the shares with which they all finish
together.

    min T   s.t.   s_k + G_k / r_k(delta_k) <= T,   sum_k delta_k = 1

More band is never worse (18), so at the optimum all finish at T and the whole band is used: who
starts late gets more of it (Shi et al. 2021, Theorem 2). Each share is kept from its upload's start
to its end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from netsim.allocation.bandwidth import Allocation, allocate_bandwidth
from netsim.allocation.uplinks import Uplinks, checked, required_shares
from netsim.units import FloatArray


def allocate_staggered(
    signal_w: ArrayLike,
    interference_w: ArrayLike,
    payload_bits: ArrayLike,
    start_s: ArrayLike,
    *,
    bandwidth_hz: float,
    noise_psd_w_hz: ArrayLike,
) -> Allocation:
    """Shares of K uploads that start at start_s, s, at least 0; `finish_s` counts from time 0.

    Equal starts are Algorithm 1. The other arguments, units and errors are those of
    `allocate_bandwidth`; every upload must have a signal, or nobody finishes.
    """
    start = checked(start_s, "start_s")
    band = {"bandwidth_hz": bandwidth_hz, "noise_psd_w_hz": noise_psd_w_hz}
    links = Uplinks.of(
        signal_w,
        interference_w,
        np.broadcast_arrays(payload_bits, start)[0],
        bandwidth_hz=bandwidth_hz,
        noise_psd_w_hz=noise_psd_w_hz,
    )
    start = np.broadcast_to(start, links.shape)
    # type: ignore[arg-type]
    together = allocate_bandwidth(signal_w, interference_w, links.payload_bits, **band)
    if not start.size or start.min() == start.max() or not np.isfinite(together.finish_s):
        first = float(start.max(initial=0.0))
        return Allocation(
            together.shares,
            first + together.finish_s,
            together.upload_s,
            together.infeasible,
            together.outer_iterations,
            together.inner_iterations,
            together.converged,
        )

    def shares_at(finish_s: float) -> FloatArray:
        left = np.maximum(finish_s - start, 0.0)
        # type: ignore[arg-type]
        return required_shares(signal_w, interference_w, links.payload_bits, left, **band)

    def excess(finish_s: float) -> float:
        return float(np.minimum(shares_at(finish_s), 2.0).sum() - 1.0)  # falls as finish_s grows

    low, high = (
        float(start.min()),
        float(start.max() + together.finish_s),
    )  # high: all wait for the last
    finish, steps = high, 0
    if excess(high) < 0:
        finish, report = brentq(excess, low, high, xtol=1e-13 * high, rtol=1e-14, full_output=True)
        steps = int(report.iterations)
        finish = finish if np.isfinite(shares_at(finish)).all() else np.nextafter(finish, high)
    shares = shares_at(finish)
    shares = shares / shares.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        upload_s = np.where(
            links.payload_bits > 0, links.payload_bits / links.rate_bps(shares), 0.0
        )
    last = float((start + upload_s)[links.payload_bits > 0].max(initial=0.0))
    return Allocation(shares, last, upload_s, together.infeasible, steps, steps * start.size)
