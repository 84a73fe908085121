"""Random maps over the plane with exponential autocorrelation, for shadowing and line of sight.

A map is a sum of plane waves with random directions and phases (Cai and Giannakis, "A
two-dimensional channel simulation model for shadowing processes", IEEE Trans. Veh. Technol. 52(6),
2003). It is a
function of place: any number of UEs may ask anywhere, in any order, now or after moving, and two
UEs at one place get one value.
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
    positions_m: FloatArray, *, correlation_m: float, seed: int, name: str, site: int
) -> FloatArray:
    """Standard normal map of `site` at `positions_m`, [K, 2] -> [K].

    E[z(x) z(y)] = exp(-|x - y| / correlation_m). In the plane that has the spectral density
    (1 + k² d²)^-3/2, so wave numbers follow the law 1 - (1 + k² d²)^-1/2, here one per stratum.
    """
    draws = rng.stream(seed, name, site).random((3, WAVES))
    stratum = (np.arange(WAVES) + draws[0]) / WAVES  # in [0, 1)
    turns_per_m = np.sqrt((1.0 - stratum) ** -2 - 1.0) / (2 * np.pi * correlation_m)
    angle, phase = 2 * np.pi * draws[1], draws[2]
    along_x, along_y = turns_per_m * np.cos(angle), turns_per_m * np.sin(angle)
    values = np.empty(len(positions_m))
    for start in range(0, len(positions_m), _CHUNK):
        x, y = positions_m[start : start + _CHUNK].T
        turns = x[:, None] * along_x  # no matrix product: it may round by the number of rows
        turns += y[:, None] * along_y
        turns += phase
        turns -= np.rint(turns)  # [-1/2, 1/2]; single precision then errs by 1e-7
        radians = turns.astype(np.float32) * np.float32(2 * np.pi)
        values[start : start + _CHUNK] = np.cos(radians).sum(axis=1, dtype=np.float64)
    return np.asarray(np.sqrt(2.0 / WAVES) * values)
