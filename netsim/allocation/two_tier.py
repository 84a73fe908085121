"""Algorithm 1 as the paper prints it: two tiers of bisection, and counts of what they cost.

Kept beside `bandwidth.py` to be read next to the paper and to redraw its Fig. 3. Two departures:
tier 1 bisects on the share itself, because (19)-(20) need the other branch of Lambert's W above
SINR e - 1 and (20) has the root 0 for every input; and the default bracket is one that holds the
root. With the printed bracket (E_min = 5 ms, E_input not given) the search may never meet its
stopping rule: then `converged` is False.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from netsim.allocation.bandwidth import Allocation, Solution, spread
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
    other arguments, shapes and errors as `allocate_bandwidth`. Without convergence the result has
    the earliest finish time found whose shares fit into the band; if there is none, shares 0 and
    finish time infinity.
    """
    links = Uplinks.of(
        signal_w,
        interference_w,
        payload_bits,
        bandwidth_hz=bandwidth_hz,
        noise_psd_w_hz=noise_psd_w_hz,
    )
    return spread(
        links,
        lambda part: _bisect(
            part,
            finish_bracket_s or _bracket(part),
            precision=precision,
            max_iterations=max_iterations,
        ),
    )


def _bisect(
    links: Uplinks,
    finish_bracket_s: tuple[float, float],
    *,
    precision: float,
    max_iterations: int,
) -> Solution:
    """Tier 2: bisection on E between its bounds, s."""
    down, up = finish_bracket_s
    finish = (down + up) / 2
    best = np.zeros(links.shape)
    for iteration in range(1, max_iterations + 1):
        shares = _tier_one(links, finish)
        total = shares.sum()  # delta_A of the paper; infinite if one share does not exist
        if total <= 1.0:
            best = shares
        if total > 1.0:
            down = finish
            finish = (finish + up) / 2
        elif total < 1.0 - precision:
            up = finish
            finish = (finish + down) / 2
        else:
            return best, iteration, True
    return best, max_iterations, False


def _bracket(links: Uplinks) -> tuple[float, float]:
    """E between every UE alone in the whole band and all UEs with equal shares, s."""
    alone = links.upload_s(1.0)
    equal = links.upload_s(1.0 / alone.size)
    # With one UE, or several that are alike, the root is an end of this bracket: widen it.
    return float(alone.max()) / 2, float(equal.max()) * 2


def _tier_one(links: Uplinks, finish_s: float) -> FloatArray:
    """Share of each UE for this finish time, (19)-(20); infinite where no share is enough."""
    target = links.payload_bits / finish_s
    low = np.zeros(links.shape)
    high = np.ones(links.shape)
    for _ in range(_INNER_STEPS):
        middle = (low + high) / 2
        enough = links.rate_bps(middle) >= target
        low = np.where(enough, low, middle)
        high = np.where(enough, middle, high)
    return np.where(links.rate_bps(1.0) >= target, high, np.inf)
