"""Transmit powers of uploads: the plan's, or open-loop power control, by which each UE compensates
a fraction of its path loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from netsim.errors import InputError
from netsim.protocols import RoundPlan
from netsim.units import FloatArray, IntArray, dbm_to_w

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


TransmitPower = Callable[[FloatArray, FloatArray], FloatArray]
"""Transmit power, W, from channel gain and bandwidth, Hz."""


@dataclass(frozen=True)
class Powers:
    """Limits of the UEs' transmit power, and what sets it."""

    min_w: float
    max_w: float
    controlled_w: TransmitPower | None = None  # None: the plan's

    def of(
        self,
        plan: RoundPlan,
        gain: FloatArray,
        bandwidth_hz: float,
    ) -> RoundPlan:
        """The plan with the powers that are used. gain: of the UEs to their gNBs, [K].

        Power control acts on a UE's whole band, and divides by share (docs/model/algorithm2.md).
        """
        if self.controlled_w is None or not len(plan.ue):
            return plan
        share = np.bincount(plan.ue, weights=plan.share)[plan.ue].astype(np.float64)
        power_w = self.controlled_w(gain[plan.ue], bandwidth_hz * share)
        return replace(plan, power_w=power_w * plan.share / share)

    def in_equal_shares(
        self,
        gain: FloatArray,
        gnb: IntArray,
        bandwidth_hz: float,
    ) -> FloatArray | None:
        """What power control sets where the UEs of a gNB share its band equally. [K]."""
        if self.controlled_w is None:
            return None
        ues = np.bincount(gnb)[gnb]
        return self.controlled_w(gain, bandwidth_hz / ues)
