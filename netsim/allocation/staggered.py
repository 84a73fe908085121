"""Bandwidth for uploads that start at different times: shares with which all finish together.

    min T   s.t.   s_k + G_k / r_k(delta_k) <= T,   sum_k delta_k = 1

More band is never worse (18), so at the optimum all finish at T and the whole band is used: who
starts late gets more of it (Shi et al. 2021, Theorem 2). Each share is kept from its upload's start
to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

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
    links = Uplinks.of(
        signal_w,
        interference_w,
        np.broadcast_arrays(payload_bits, start)[0],
        bandwidth_hz=bandwidth_hz,
        noise_psd_w_hz=noise_psd_w_hz,
    )
    start = np.broadcast_to(start, links.shape)
    together = allocate_bandwidth(
        signal_w,
        interference_w,
        links.payload_bits,
        bandwidth_hz=bandwidth_hz,
        noise_psd_w_hz=noise_psd_w_hz,
    )
    one_start = not start.size or start.min() == start.max()
    if one_start or not np.isfinite(together.finish_s):
        first = float(start.max(initial=0.0))
        return replace(together, finish_s=first + together.finish_s)

    def shares_at(finish_s: float) -> FloatArray:
        return required_shares(
            signal_w,
            interference_w,
            links.payload_bits,
            np.maximum(finish_s - start, 0.0),
            bandwidth_hz=bandwidth_hz,
            noise_psd_w_hz=noise_psd_w_hz,
        )

    first_start_s = float(start.min())
    all_wait_s = float(start.max() + together.finish_s)  # nobody sends before the last start
    finish_s, steps = _root(shares_at, first_start_s, all_wait_s)
    shares = shares_at(finish_s)
    shares = shares / shares.sum()
    upload_s = links.upload_s(shares)
    ends_s = (start + upload_s)[links.payload_bits > 0]
    return Allocation(
        shares=shares,
        finish_s=float(ends_s.max(initial=0.0)),
        upload_s=upload_s,
        infeasible=together.infeasible,
        outer_iterations=steps,
        inner_iterations=steps * start.size,
    )


def _root(
    shares_at: Callable[[float], FloatArray],
    low_s: float,
    high_s: float,
) -> tuple[float, int]:
    """Finish time at which the shares sum to 1, with every share finite, and the steps taken."""

    from scipy.optimize import brentq  # loads long; few schemes need it

    def excess(finish_s: float) -> float:
        """Falls as finish_s grows."""
        shares = np.minimum(shares_at(finish_s), 2.0)
        return float(shares.sum() - 1.0)

    if excess(high_s) >= 0:
        return high_s, 0
    finish_s, report = brentq(
        excess,
        low_s,
        high_s,
        xtol=1e-13 * high_s,
        rtol=1e-14,
        full_output=True,
    )
    if not np.isfinite(shares_at(finish_s)).all():
        finish_s = float(np.nextafter(finish_s, high_s))
    return finish_s, int(report.iterations)
