"""Who hears whom in a network: the bands of all uploads side by side, and their overlaps.

Two ways to the same sums. Of a few thousand UEs each pair of uploads with an overlap is on a list.
In a large network the list would be longer than all gains to all sites: there each site adds up
what it hears over its band, from edge to edge of all transmitters' bands, which takes a step for
each transmitter, not for each pair. Nothing is left out, however far away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from netsim.radio.background import Background
from netsim.radio.bands import overlaps, stacked_bands
from netsim.radio.site_gains import Gains, are_many, by_site
from netsim.units import FloatArray, IntArray


class BandPlan(Protocol):
    """Bands of R uploads and B background UEs, for given gNBs and bandwidths."""

    site: IntArray  # [R] that it was made for
    hz: FloatArray  # [R]

    def fits(
        self,
        site: IntArray,
        hz: FloatArray,
    ) -> bool:
        """It holds for these gNBs and bandwidths."""
        return np.array_equal(site, self.site) and np.array_equal(hz, self.hz)

    def interference_w(
        self,
        gain: Gains,
        part: FloatArray,
    ) -> FloatArray:
        """What each upload hears, W. [R]. Of those that do not send, any number.

        gain: of all transmitters, R + B. part: of the time for which each transmits, [R + B].
        """
        ...


@dataclass(frozen=True)
class ListedOverlaps(BandPlan):
    """Pair by pair."""

    site: IntArray
    hz: FloatArray
    victim: IntArray  # [L] upload that is interfered with
    heard: IntArray  # [L] index of (source, victim's site) in [R + B, S], flat
    overlap_hz: FloatArray  # [L]
    density: FloatArray  # [R + B] transmit power over the band, W/Hz

    def interference_w(
        self,
        gain: Gains,
        part: FloatArray,
    ) -> FloatArray:
        """As `BandPlan`."""
        density = gain.matrix * (self.density * part)[:, None]  # W/Hz at each site
        heard_w = density.ravel()[self.heard] * self.overlap_hz
        summed = np.bincount(self.victim, weights=heard_w, minlength=len(self.site))
        return np.asarray(summed, dtype=np.float64)


@dataclass(frozen=True)
class SummedBands(BandPlan):
    """Site by site: the power density between E edges of bands, in order, and its sum up to each.

    Rounding errs by at most some 1e-11 of what a site hears in its whole band.
    """

    site: IntArray
    hz: FloatArray
    cell: IntArray  # [R + B]
    density: FloatArray  # [R + B] transmit power over the band, W/Hz
    transmitter: IntArray  # [E] whose band begins or ends there
    sign: FloatArray  # [E] 1: it begins, -1: it ends
    edge_hz: FloatArray  # [E] where
    low_at: IntArray  # [R] edge at which the upload's band begins
    high_at: IntArray  # [R] and ends

    @classmethod
    def of(
        cls,
        hz: FloatArray,
        cell: IntArray,
        low_hz: FloatArray,
        high_hz: FloatArray,
        density: FloatArray,
    ) -> SummedBands:
        """Of the bands of all transmitters, the first of which are the uploads, of `hz` [R]."""
        transmitters, uploads = len(cell), len(hz)
        edge_hz = np.concatenate([low_hz, high_hz])
        order = np.argsort(edge_hz, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return cls(
            site=cell[:uploads],
            hz=hz,
            cell=cell,
            density=density,
            transmitter=order % transmitters,
            sign=np.where(order < transmitters, 1.0, -1.0),
            edge_hz=edge_hz[order],
            low_at=place[:uploads],
            high_at=place[transmitters : transmitters + uploads],
        )

    def interference_w(
        self,
        gain: Gains,
        part: FloatArray,
    ) -> FloatArray:
        """As `BandPlan`."""
        sends = part > 0
        kept = sends[self.transmitter]  # edges
        place = np.cumsum(kept) - 1
        edges = _Edges(
            those=np.flatnonzero(sends),
            transmitter=(np.cumsum(sends) - 1)[self.transmitter[kept]],
            sign=self.sign[kept],
            width_hz=np.diff(self.edge_hz[kept]),
        )
        power_w_hz = (self.density * part)[edges.those]
        cell = self.cell[edges.those]
        heard_w = np.zeros(len(self.site))
        for site, mine in by_site(self.site, sends[: len(self.site)]):
            density = gain.to(site, edges.those) * power_w_hz
            density[cell == site] = 0.0  # bands of one cell do not overlap
            low, high = place[self.low_at[mine]], place[self.high_at[mine]]
            heard_w[mine] = edges.heard_w(density, low, high)
        return heard_w


@dataclass(frozen=True)
class _Edges:
    """E edges of the bands of A transmitters that send, in order."""

    those: IntArray  # [A]
    transmitter: IntArray  # [E] among those
    sign: FloatArray  # [E] 1: its band begins, -1: it ends
    width_hz: FloatArray  # [E - 1] between edges

    def heard_w(self, density: FloatArray, low: IntArray, high: IntArray) -> FloatArray:
        """Power between edges [V] and [V], of densities [A], W/Hz. [V]."""
        level = np.cumsum(density[self.transmitter] * self.sign)
        np.maximum(level, 0.0, out=level)
        summed = np.zeros(len(level))
        np.cumsum(level[:-1] * self.width_hz, out=summed[1:])
        return np.asarray(summed[high] - summed[low])


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
    low = np.concatenate([low, background.low_hz])
    high = np.concatenate([high, background.low_hz + background.width_hz])
    cell = np.concatenate([site, background.cell])
    own = np.divide(power_w, hz, out=np.zeros(len(site)), where=hz > 0)
    others = np.full(len(background), background.power_w / background.width_hz)
    density = np.concatenate([own, others])
    if are_many(len(cell), sites):
        return SummedBands.of(hz, cell, low, high, density)
    # a cell is loaded either by its own UEs or by the others, so the two never overlap in time
    pairs = overlaps(
        np.concatenate([site, background.cell + sites]),
        low,
        high,
        len(site),
    )
    foreign = cell[pairs.source] != site[pairs.victim]
    victim, source = pairs.victim[foreign], pairs.source[foreign]
    return ListedOverlaps(
        site=site,
        hz=hz,
        victim=victim,
        heard=source * sites + site[victim],
        overlap_hz=pairs.hz[foreign],
        density=density,
    )
