"""A band that is divided anew, so that nobody loses (docs/model/events.md)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netsim.units import BoolArray, FloatArray

PartsOf = Callable[[BoolArray, float], FloatArray]
"""(some of R uploads, a share of the band) -> the parts of it for them, summing to 1."""


def raised_shares(held: FloatArray, band: float, parts_of: PartsOf) -> FloatArray:
    """Shares that sum to `band`, a share itself, none below what is held, [R].

    `parts_of` says how a share would be divided. Uploads that it would take something from keep
    what they hold, and the others share the rest.
    """
    shares = held.copy()
    rising = np.ones(len(held), dtype=bool)
    while rising.any():
        free = band - float(shares[~rising].sum())
        wanted = free * parts_of(rising, free)
        too_small = wanted < held[rising]
        if not too_small.any():
            shares[rising] = wanted
            break
        rising[np.flatnonzero(rising)[too_small]] = False
    return shares
