"""Algorithm 1 as the paper prints it: two tiers of bisection, and counts of what they cost.

Kept beside `bandwidth.py` to be read next to the paper and to redraw its Fig. 3. Two departures:
tier 1 bisects on the share itself, because (19)-(20) need the other branch of Lambert's W above
SINR e - 1 and (20) has the root 0 for every input; and the default bracket is one that holds the
root. With the printed bracket (E_min = 5 ms, E_input not given) the loop may never meet its
stopping rule: then `converged` is False.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from netsim.allocation.bandwidth import Allocation
from netsim.allocation.uplinks import Uplinks
from netsim.units import FloatArray

_INNER_STEPS = 60


def two_tier_search(
    signal_w: ArrayLike,
    interference_w: ArrayLike,
    payload_bits: ArrayLike,
    *,
    bandwidth_hz: float,
    noise_psd_w_hz: ArrayLike,
    precision: float = 1e-3,
    finish_bracket_s: tuple[float, float] | None = None,
    max_iterations: int = 100,
) -> Allocation:
    """Algorithm 1 by bisection on E, stopped when the shares sum to [1 - precision, 1].

    finish_bracket_s: the paper's (E_min, E_input), s; None for one that always holds the root, from
    the whole band for each to equal shares for all. precision: omega. max_iterations: j_max. The
    other arguments, shapes and errors as `allocate_bandwidth`. Without convergence the answer is
    the
    earliest finish time found whose shares fit into the band: shares 0 and infinity if there is
    none.
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
    shares = np.zeros(links.shape)
    upload_s = np.where(infeasible, np.inf, 0.0)
    count = int(np.count_nonzero(active))
    if not count:
        return Allocation(shares, float(upload_s.max(initial=0.0)), upload_s, infeasible, 0, 0)
    part = links.select(active)
    down, up = finish_bracket_s or _bracket(part)
    finish, best, converged, iteration = (down + up) / 2, None, False, 0
    while not converged and iteration < max_iterations:
        iteration += 1
        delta = _tier_one(part, finish)
        delta_sum = delta.sum()  # tier 2: delta_A, infinite if one share does not exist
        if delta_sum <= 1.0:
            best = delta
        if delta_sum > 1.0:
            down, finish = finish, (finish + up) / 2
        elif delta_sum < 1.0 - precision:
            up, finish = finish, (finish + down) / 2
        else:
            converged = True
    upload_s[active] = np.inf
    if best is not None:
        shares[active], upload_s[active] = best, part.payload_bits / part.rate_bps(best)
    return Allocation(
        shares, float(upload_s.max()), upload_s, infeasible, iteration, iteration * count, converged
    )


def _bracket(links: Uplinks) -> tuple[float, float]:
    """E between every UE alone in the whole band and all UEs with equal shares, s."""
    alone = links.payload_bits / links.rate_bps(1.0)
    equal = links.payload_bits / links.rate_bps(1.0 / alone.size)
    # With one UE, or several that are alike, the root is an end of this bracket: widen it.
    return float(alone.max()) / 2, float(equal.max()) * 2


def _tier_one(links: Uplinks, finish_s: float) -> FloatArray:
    """The share of each UE for this finish time, (19)-(20); infinity where the whole band is not
    enough.
    """
    target = links.payload_bits / finish_s
    low, high = np.zeros(links.shape), np.ones(links.shape)
    for _ in range(_INNER_STEPS):
        middle = (low + high) / 2
        enough = links.rate_bps(middle) >= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(links.rate_bps(1.0) >= target, high, np.inf)
