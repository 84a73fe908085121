"""Downlink of the modules: mean SINR with every gNB at full power, no fading.

The paper gives no downlink model. Broadcasts are multicast at the rate of the worst receiver.
"""

from __future__ import annotations

import numpy as np

from netsim.radio.pathloss import PowerLaw
from netsim.units import FloatArray


def downlink_sinr(
    ues_m: FloatArray,
    sites_m: FloatArray,
    serving_site: int,
    *,
    pathloss: PowerLaw,
    power_w: float,
    noise_w: float,
    signal_factor: FloatArray,
) -> FloatArray:
    """Mean SINR of each UE. Shapes [K, 2], [S, 2] -> [K]. `signal_factor` [K] is its shadowing."""
    signal = np.zeros(len(ues_m))
    interference = np.zeros(len(ues_m))
    for index, site in enumerate(sites_m):
        received = power_w * pathloss.gain(np.sqrt(((ues_m - site) ** 2).sum(axis=1)))
        if index == serving_site:
            signal = received * signal_factor
        else:
            interference += received
    return signal / (interference + noise_w)
