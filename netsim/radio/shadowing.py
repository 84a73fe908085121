"""Log-normal shadowing of links as one map over the plane for each site (see `spatial`)."""

from __future__ import annotations

import numpy as np

from netsim.radio.spatial import gaussian_map
from netsim.units import FloatArray, IntArray


def shadowing_db(
    ues_m: FloatArray,
    site_ids: IntArray,
    *,
    std_db: float,
    correlation_m: float,
    seed: int,
    name: str,
) -> FloatArray:
    """Excess loss of every link by shadowing, dB, [K, 2], [S] -> [K, S].

    Autocorrelation exp(-x / correlation_m).

    All zero if `std_db` is 0. `name` keeps the maps of different path-loss models apart.
    """
    if std_db == 0:
        return np.zeros((len(ues_m), len(site_ids)))
    maps = [
        gaussian_map(
            ues_m,
            correlation_m=correlation_m,
            seed=seed,
            name=name,
            site=site,
        )
        for site in site_ids.tolist()
    ]
    return std_db * np.column_stack(maps)
