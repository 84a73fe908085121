"""From where UEs are to what their links are worth: association, path loss, downlink."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from netsim.protocols import Pathloss
from netsim.topology.association import nearest_site
from netsim.topology.deployment import Deployment
from netsim.units import FloatArray, IntArray


class Survey(NamedTuple):
    """K UEs at one time."""

    distance_m: FloatArray  # [K] to the serving gNB, at least the path loss' least distance
    gain: FloatArray  # [K] mean channel gain to it
    downlink_efficiency: FloatArray  # [K] bit/s/Hz
    site_gain: FloatArray | None  # [K, S] to all sites, if they are kept


@dataclass(frozen=True)
class Landscape:
    """S sites and the path loss around them."""

    deployment: Deployment
    pathloss: Pathloss
    seed: int
    antenna_gain: float  # linear, of both ends
    min_distance_m: float
    association: str  # nearest | strongest
    downlink_power_w: float
    downlink_noise_w: float

    def serving(self, positions_m: FloatArray) -> IntArray:
        """The gNB of UEs at `positions_m` [K, 2]: nearest, or with the best mean gain (lowest
        index). [K].
        """
        if self.association == "nearest":
            sites = self.deployment
            return nearest_site(
                positions_m, sites.positions_m, sites.window_m if sites.torus else None
            )
        best, gain = np.zeros(len(positions_m), dtype=np.int64), np.zeros(len(positions_m))
        for site, column in self.columns(positions_m):
            better = column > gain
            best[better], gain[better] = site, column[better]
        return best

    def level(self, positions_m: FloatArray, site: IntArray) -> FloatArray:
        """What serving gNBs are chosen by, larger is better, of one `site` [R] for each position
        [R, 2].
        """
        if self.association == "strongest":
            return self.link_gain(positions_m, site)
        return np.asarray(self.pathloss.gain(self.distance_m(positions_m, site)))

    def distance_m(self, positions_m: FloatArray, site: IntArray) -> FloatArray:
        """From positions [R, 2] to one `site` [R] each, at least the path loss' least distance.
        [R].
        """
        place = self.deployment.positions_m[site]
        offset = self.deployment.seen_from(positions_m, place) - place
        return np.asarray(np.maximum(np.sqrt((offset**2).sum(axis=1)), self.min_distance_m))

    def link_gain(self, positions_m: FloatArray, site: IntArray) -> FloatArray:
        """Mean channel gain of positions [R, 2] to one `site` [R] each. [R]."""
        gain = np.empty(len(site))
        for one in np.unique(site).tolist():
            mine = site == one
            gain[mine] = self.column(positions_m[mine], one)
        return gain

    def columns(self, positions_m: FloatArray) -> Iterator[tuple[int, FloatArray]]:
        """(site, mean channel gain of each UE to it [K]) for all sites."""
        for site in range(len(self.deployment.positions_m)):
            yield site, self.column(positions_m, site)

    def column(self, positions_m: FloatArray, site: int) -> FloatArray:
        """Mean channel gain of each UE to one site. [K, 2] -> [K]."""
        place = self.deployment.positions_m[site]
        near = self.deployment.seen_from(positions_m, place)
        gain = self.pathloss.link_gain(
            near, place[None, :], seed=self.seed, site_ids=np.array([site])
        )
        return np.asarray(gain[:, 0] * self.antenna_gain)

    def survey(
        self,
        positions_m: FloatArray,
        gnb: IntArray,
        *,
        keep: bool,
    ) -> Survey:
        """What links from positions [K, 2] to serving gNBs [K] are worth; `keep` the gains to all.

        The downlink has the mean SINR with every gNB at full power, without fading: the paper gives
        none.
        """
        count, sites_m = len(positions_m), self.deployment.positions_m
        gain, total = np.empty(count), np.zeros(count)
        every = np.empty((count, len(sites_m))) if keep else None
        for site, column in self.columns(positions_m):
            mine = gnb == site
            gain[mine] = column[mine]
            total += column
            if every is not None:
                every[:, site] = column

        signal_w = self.downlink_power_w * gain
        interference_w = self.downlink_power_w * np.maximum(total - gain, 0.0)
        ratio = signal_w / (interference_w + self.downlink_noise_w)
        return Survey(
            distance_m=self.distance_m(positions_m, gnb),
            gain=gain,
            downlink_efficiency=np.log1p(ratio) / np.log(2.0),  # a weak one is not none
            site_gain=every,
        )
