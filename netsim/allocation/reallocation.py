"""A band that is divided anew, so that nobody loses (docs/model/events.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.units import BoolArray, FloatArray, IntArray

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


@dataclass(frozen=True)
class Division:
    """Divides a gNB's band so that all uploads in it end together, in the channel as planned."""

    bandwidth_hz: float  # of a gNB
    one_rate: bool  # the rate is that of a code, whatever the SINR
    max_power_w: float
    interferers_follow: bool
    gain: FloatArray  # [K] of the UEs
    interference_w: FloatArray  # [K]
    noise_psd_w_hz: FloatArray  # [K]

    def parts(
        self,
        ue: IntArray,
        power_w: FloatArray,
        bits: FloatArray,
        band: float,
    ) -> FloatArray:
        """Parts of `band` (a share of the gNB's) for uploads [R] of one gNB; they sum to 1. [R]."""
        if self.one_rate:
            return np.asarray(bits / bits.sum())
        level = power_w / self.max_power_w if self.interferers_follow else 1.0
        allocation = allocate_bandwidth(
            power_w * self.gain[ue],
            self.interference_w[ue] * level,
            bits,
            bandwidth_hz=self.bandwidth_hz * band,
            noise_psd_w_hz=self.noise_psd_w_hz[ue],
        )
        return allocation.shares

    def raised(
        self,
        now: FloatArray,
        ue: IntArray,
        power_w: FloatArray,
        bits: FloatArray,
        band: float,
    ) -> FloatArray:
        """Shares of uploads [R] that sum to `band`, none below what it has now. [R]."""

        def parts(which: BoolArray, share: float) -> FloatArray:
            return self.parts(ue[which], power_w[which], bits[which], share)

        return raised_shares(now, band, parts)
