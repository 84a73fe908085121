"""Who hears whom in a network: the bands of all uploads side by side, and their overlaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.radio.background import Background
from netsim.radio.bands import overlaps, stacked_bands
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class BandPlan:
    """Overlaps of R uploads and B background UEs, for given gNBs and bandwidths."""

    site: IntArray  # [R] that it was made for
    hz: FloatArray  # [R]
    victim: IntArray  # [L] upload that is interfered with
    heard: IntArray  # [L] index of (source, victim's site) in [R + B, S], flat
    overlap_hz: FloatArray  # [L]
    density: FloatArray  # [R + B] transmit power over the band, W/Hz

    def fits(self, site: IntArray, hz: FloatArray) -> bool:
        """It holds for these gNBs and bandwidths."""
        return np.array_equal(site, self.site) and np.array_equal(hz, self.hz)

    def interference_w(self, gain: FloatArray, part: FloatArray) -> FloatArray:
        """What each upload hears, W. [R].

        gain: of every transmitter to every site, fading included, [R + B, S]. part: of the time for
        which each transmits, [R + B].
        """
        density = gain * (self.density * part)[:, None]  # W/Hz at each site
        heard_w = density.ravel()[self.heard] * self.overlap_hz
        summed = np.bincount(self.victim, weights=heard_w, minlength=len(self.site))
        return np.asarray(summed, dtype=np.float64)


def band_plan(
    site: IntArray,
    hz: FloatArray,
    order: FloatArray,
    power_w: FloatArray,
    *,
    background: Background,
    sites: int,
) -> BandPlan:
    """Uploads [R] of `hz` at `site` lie side by side by `order`; a UE spreads its power evenly."""
    low, high = stacked_bands(site, hz, order)
    # a cell is loaded either by its own UEs or by the others, so the two never overlap in time
    pairs = overlaps(
        np.concatenate([site, background.cell + sites]),
        np.concatenate([low, background.low_hz]),
        np.concatenate([high, background.low_hz + background.width_hz]),
        len(site),
    )
    cell = np.concatenate([site, background.cell])
    foreign = cell[pairs.source] != site[pairs.victim]
    victim, source = pairs.victim[foreign], pairs.source[foreign]
    own = np.divide(power_w, hz, out=np.zeros(len(site)), where=hz > 0)
    others = np.full(len(background), background.power_w / background.width_hz)
    return BandPlan(
        site=site,
        hz=hz,
        victim=victim,
        heard=source * sites + site[victim],
        overlap_hz=pairs.hz[foreign],
        density=np.concatenate([own, others]),
    )
