"""Out-of-cell interference in field mode: one co-channel UE in every other cell.

Eq. (2) with interferers that occupy the whole band of the UE they disturb. They are drawn anew for
each upload, or persist: then they stay where they are for a round, with the same fading for all
UEs of a gNB. An upload by itself sees the same law. Two laws of where they are:

* `PoissonField` (the paper): seen from the serving gNB, the interferers of a UE at distance d form
  a Poisson process of intensity phi (1 - exp(-c(u) pi phi r^2)), u = d sqrt(phi) (sampler L1). Near
  the gNB there are none, because those places belong to its own cell;
* `SiteField`: each interferer is somewhere in the cell of its own, real site.

Interferers send at P_max, or follow the power control of all UEs: each by the channel to its own
gNB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from netsim import rng
from netsim.radio.coverage import interferer_constant, mean_interference_w
from netsim.radio.field_draw import FieldDraw, Heard
from netsim.radio.field_points import (
    FIELD_RADIUS,
    Points,
    own_points,
    rounds_at_once,
    shared_points,
    slices_of,
)
from netsim.radio.pathloss import PowerLaw
from netsim.radio.places import CellPlaces
from netsim.radio.rounds_ahead import RoundsAhead
from netsim.units import FloatArray, IntArray, from_db

NEAR_RADIUS = 2.0
"""In the same units. Under block fading, interferers beyond it count by their mean over fading; its
standard deviation is 0.15 P phi^(alpha/2)."""


class InterfererField(Protocol):
    """Draws the interferers of uploads, one set for each (round, attempt, UE)."""

    @property
    def power_w(self) -> float:
        """Transmit power of an interferer, W."""
        ...

    def draw(
        self,
        seed: int,
        round: int,
        attempt: int,
        distance_m: FloatArray,
        gnb: IntArray,
    ) -> FieldDraw:
        """Interferers of K UEs, `distance_m` [K] from their serving `gnb` [K]."""
        ...

    def mean_w(self, distance_m: FloatArray, gnb: IntArray) -> FloatArray:
        """Expected interference of each UE, W. [K]."""
        ...


PowerOfGain = Callable[[FloatArray], FloatArray]
"""Transmit power of UEs, W, from the mean gains to their own gNBs, in the band of an interferer."""

CELL_DENSITY = 1.25
"""A UE uniform in the typical Poisson-Voronoi cell is about as far from its gNB as the typical user
of a network of this density times phi (M. Haenggi, "User point processes in cellular networks",
IEEE Wireless Commun. Lett. 6(2), 2017)."""


@dataclass(frozen=True)
class PoissonField:
    """Interferers around a gNB of a Poisson network."""

    density_per_m2: float
    law: str
    pathloss: PowerLaw
    power_w: float
    antenna_gain: float = 1.0  # of both ends, linear
    power_of: PowerOfGain | None = None  # None: all at power_w
    persistent: bool = False
    _ahead: RoundsAhead[Heard] = field(default_factory=RoundsAhead, init=False, compare=False)

    def draw(
        self,
        seed: int,
        round: int,
        attempt: int,
        distance_m: FloatArray,
        gnb: IntArray,
    ) -> FieldDraw:
        """As `InterfererField`; only the distance matters, and whose UEs share interferers."""
        count = len(distance_m)

        def constant() -> FloatArray:
            return interferer_constant(distance_m * np.sqrt(self.density_per_m2), self.law)

        def heard() -> Iterable[Heard]:
            if self.persistent:
                return [self._heard(shared_points(seed, round, gnb), constant())]
            at_once = rounds_at_once(count)
            if attempt == 1 and at_once > 1:
                return [self._ahead.of((seed, distance_m), round, at_once, of_rounds)]
            points, c = own_points(seed, [round], attempt, count), constant()
            return (self._heard(some, c) for some in points)

        def of_rounds(rounds: Sequence[int]) -> list[Heard]:
            (points,) = own_points(seed, rounds, attempt, count)
            c = np.tile(constant(), len(rounds))
            return self._heard(points, c).by_round(count, len(rounds))

        return FieldDraw(
            seed=seed,
            key=(round, attempt),
            heard=heard,
            tail_w=np.full(count, self.tail_w),
        )

    def _heard(
        self,
        points: Points,
        c: FloatArray,
    ) -> Heard:
        """The points that are interferers. c: of UEs, [K]."""
        # a UE far away sees fewer of the points, so that the law is its own
        exponent = (-c)[points.victim]
        exponent *= points.x
        (kept,) = np.nonzero(points.mark < -np.expm1(exponent, out=exponent))
        x = points.x[kept]
        radius_m = np.sqrt(x / (np.pi * self.density_per_m2))
        power_w: FloatArray | float = self.power_w
        if self.power_of is not None:
            power_w = self.power_at(points.own_quantile()[kept], x)
        return Heard(
            victim=points.victim[kept],
            received_w=power_w * self.antenna_gain * self.pathloss.gain(radius_m),
            near=x < np.pi * NEAR_RADIUS**2,
            shared=None if points.number is None else points.number[kept],
        )

    def mean_w(self, distance_m: FloatArray, gnb: IntArray) -> FloatArray:
        """As `InterfererField`, in closed form."""
        return mean_interference_w(
            np.maximum(distance_m, self.pathloss.min_distance_m),
            density_per_m2=self.density_per_m2,
            interferer_power_w=self.mean_power_w * self.antenna_gain,
            pathloss_exponent=self.pathloss.exponent,
            law=self.law,
            min_distance_m=self.pathloss.min_distance_m,
            reference_gain=from_db(-self.pathloss.reference_loss_db),
            capped=True,  # as the path loss, which takes shorter distances as min_distance_m
        )

    @cached_property
    def mean_power_w(self) -> float:
        """Mean power of an interferer far away, W."""
        quantile = (np.arange(1000) + 0.5) / 1000
        return float(self.power_at(quantile, np.full(1000, np.inf)).mean())

    def power_at(self, quantile: FloatArray, x: FloatArray) -> FloatArray:
        """Power of interferers, W, by quantile of the distance to their own gNB. [L].

        x: pi phi r^2 of the distance r to the gNB that is disturbed, beyond which the own gNB
        cannot be.
        """
        if self.power_of is None:
            return np.full(len(x), self.power_w)
        within = -np.expm1(-CELL_DENSITY * x)
        area = -np.log1p(-quantile * within) / CELL_DENSITY  # pi phi d^2
        distance_m = np.sqrt(area / (np.pi * self.density_per_m2))
        return self.power_of(self.antenna_gain * self.pathloss.gain(distance_m))

    @cached_property
    def tail_w(self) -> float:
        """Mean power from beyond the sampled radius R: 2 pi phi P g0 R^(2-alpha) / (alpha-2), W."""
        radius_m = FIELD_RADIUS / np.sqrt(self.density_per_m2)
        edge_gain = self.antenna_gain * float(self.pathloss.gain(np.array(radius_m)))
        density_w = 2 * np.pi * self.density_per_m2 * self.mean_power_w
        return float(density_w * edge_gain * radius_m**2 / (self.pathloss.exponent - 2))


@dataclass(frozen=True)
class SiteField:
    """Interferers in the cells of the real sites, whatever their layout and path loss."""

    places: CellPlaces
    power_w: float
    power_of: PowerOfGain | None = None  # None: all at power_w
    persistent: bool = False

    @cached_property
    def received_w(self) -> FloatArray:
        """Mean power that each site hears of an interferer at each place. [site, cell, place]."""
        return np.asarray(self._sent_w * self.places.gain)

    @cached_property
    def _sent_w(self) -> FloatArray:
        """Power of an interferer at each place. [cell, place]."""
        if self.power_of is None:
            return np.full((self.places.sites, self.places.per_cell), self.power_w)
        return self.power_of(self.places.own_gain)

    def draw(
        self,
        seed: int,
        round: int,
        attempt: int,
        distance_m: FloatArray,
        gnb: IntArray,
    ) -> FieldDraw:
        """As `InterfererField`; only the serving gNB matters."""
        sites = self.places.sites

        def heard() -> Iterator[Heard]:
            if self.persistent:
                u = rng.stream(seed, "persistent_site_place", round).random(sites)[None]
                yield self._heard(u, gnb, 0)
                return
            places = rng.stream(seed, "interferer_site_place", round, attempt)
            for some in slices_of(len(gnb)):
                mine = gnb[some]
                yield self._heard(places.random((len(mine), sites)), mine, some.start)

        return FieldDraw(
            seed=seed,
            key=(round, attempt),
            heard=heard,
            tail_w=np.zeros(len(gnb)),
        )

    def _heard(
        self,
        u: FloatArray,
        gnb: IntArray,
        first: int,
    ) -> Heard:
        """Of UEs from `first` on, at gNBs [R], by uniform numbers, [R, S] or the same for all."""
        every_site = np.arange(self.places.sites)
        place = (u * self.places.per_cell).astype(np.int64)
        received = self.places.gain_at(gnb[:, None], every_site, place)
        received *= self.power_w if self.power_of is None else self._sent_w[every_site, place]
        foreign = every_site != gnb[:, None]
        victim = np.nonzero(foreign)[0]
        received = received[foreign]
        total = np.bincount(victim, received, minlength=len(gnb))
        shared = None
        if self.persistent:
            shared = (gnb[:, None] * self.places.sites + every_site)[foreign]
        return Heard(
            victim=first + victim,
            received_w=received,
            near=received > 1e-3 * total[victim],
            shared=shared,
        )

    def mean_w(self, distance_m: FloatArray, gnb: IntArray) -> FloatArray:
        """As `InterfererField`, over the places."""
        sites, row = np.unique(gnb, return_inverse=True)
        heard_w = (self._sent_w * self.places.gains_to(sites)).mean(axis=2)  # [site, cell]
        heard_w[np.arange(len(sites)), sites] = 0.0
        return np.asarray(heard_w.sum(axis=1)[row])
