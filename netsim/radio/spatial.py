"""Random maps over the plane with exponential autocorrelation, for shadowing and line of sight.

A map is a sum of plane waves with random directions and phases (Cai and Giannakis, "A
two-dimensional channel simulation model for shadowing processes", IEEE Trans. Veh. Technol. 52(6),
2003). It is a function of place: any number of UEs may ask anywhere, in any order, now or after
moving, and two UEs at one place get the same value.
"""

from __future__ import annotations

import numpy as np

from netsim import rng
from netsim.units import FloatArray

WAVES = 64
"""Plane waves in a map. Variance and autocorrelation are exact for any number; the distribution at
a point is normal up to a kurtosis of 3 - 1.5 / WAVES."""

_CHUNK = 512  # positions at a time, so that the work stays in cache


def gaussian_map(
    positions_m: FloatArray,
    *,
    correlation_m: float,
    seed: int,
    name: str,
    site: int,
) -> FloatArray:
    """Standard normal map of `site` at `positions_m`, [K, 2] -> [K].

    E[z(x) z(y)] = exp(-|x - y| / correlation_m). In the plane that has the spectral density
    (1 + k² d²)^-3/2, so wave numbers follow the law 1 - (1 + k² d²)^-1/2, here one per stratum.
    """
    draws = rng.stream(seed, name, site).random((3, WAVES))
    stratum = (np.arange(WAVES) + draws[0]) / WAVES  # in [0, 1)
    angle = 2 * np.pi * draws[1]
    phase = draws[2]
    wave_number = np.sqrt((1.0 - stratum) ** -2 - 1.0)
    turns_per_m = wave_number / (2 * np.pi * correlation_m)
    east = turns_per_m * np.cos(angle)
    north = turns_per_m * np.sin(angle)
    values = np.empty(len(positions_m))
    for start in range(0, len(positions_m), _CHUNK):
        x, y = positions_m[start : start + _CHUNK].T
        # no matrix product: its rounding may depend on the number of rows
        turns = x[:, None] * east
        turns += y[:, None] * north
        turns += phase
        turns -= np.rint(turns)  # to [-1/2, 1/2], where single precision errs by 1e-7
        radians = turns.astype(np.float32) * np.float32(2 * np.pi)
        waves = np.cos(radians)
        values[start : start + _CHUNK] = waves.sum(axis=1, dtype=np.float64)
    return np.asarray(np.sqrt(2.0 / WAVES) * values)
