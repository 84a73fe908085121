"""Open-loop power control of the uplink: each UE compensates a fraction of its path loss."""

from __future__ import annotations

import numpy as np

from netsim.errors import InputError
from netsim.units import FloatArray, dbm_to_w

RESOURCE_BLOCK_HZ = 12 * 15e3
"""Of 15 kHz subcarriers; 2^mu M_RB of TS 38.213 is the bandwidth in these."""


def open_loop_power_w(
    gain: FloatArray,
    bandwidth_hz: FloatArray,
    *,
    p0_dbm: float,
    alpha: float,
    max_power_w: float,
    min_power_w: float = 0.0,
) -> FloatArray:
    """Transmit power, 3GPP TS 38.213 clause 7.1.1 without its closed-loop and format terms, W.

        P = min(P_max, P0 + 10 log10(2^mu M_RB) + alpha PL)   [dBm],   at least P_min

    gain: linear large-scale gain, 1 / PL. bandwidth_hz: of the upload. p0_dbm: receive power aimed
    at in a 180 kHz resource block at alpha = 1. alpha in 0..1: fraction of the loss that is
    compensated; 0 gives everybody the same power. Arrays broadcast.
    """
    if not 0 <= alpha <= 1:
        raise InputError(
            "must lie in 0..1",
            where="power control: alpha",
            value=alpha,
        )
    blocks = np.asarray(bandwidth_hz) / RESOURCE_BLOCK_HZ
    compensation = np.asarray(gain) ** -alpha
    wanted_w = dbm_to_w(p0_dbm) * blocks * compensation
    return np.clip(wanted_w, min_power_w, max_power_w)
