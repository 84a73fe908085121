"""Log-normal shadowing of a UE's link to its serving gNB, constant over a run."""

from __future__ import annotations

import numpy as np

from netsim import rng
from netsim.units import FloatArray, from_db


def shadowing_gain(count: int, *, std_db: float, seed: int) -> FloatArray:
    """Linear gain factor of each of `count` UEs, median 1. Shape [K]. `std_db` = 0 turns it off."""
    if std_db == 0:
        return np.ones(count)
    return from_db(std_db * rng.stream(seed, "shadowing").standard_normal(count))
