"""Out-of-cell interference: one co-channel UE per other cell, as a thinned Poisson field.

Eq. (2) with `aligned` interferers: each is at full power in the band of the interfered UE. Seen from
the serving gNB, the interferers of a UE at distance d form a Poisson process of intensity
phi (1 - exp(-c(u) pi phi r^2)), u = d sqrt(phi) (sampler L1): near the gNB there are none, because
those places belong to its own cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netsim import rng
from netsim.radio.coverage import interferer_constant
from netsim.radio.fading import CHUNK_BLOCKS
from netsim.radio.pathloss import PowerLaw
from netsim.units import FloatArray, IntArray

FIELD_RADIUS = 8.0
"""Radius of the sampled field in units of phi^-1/2; what lies beyond counts by its mean."""


@dataclass(frozen=True)
class FieldDraw:
    """The interferers of every UE in one round."""

    seed: int
    round: int
    victim: IntArray  # [L] index of the UE interfered with, ascending
    received_w: FloatArray  # [L] mean received power
    tail_w: FloatArray  # [K] mean power from beyond the sampled radius

    def upload_power_w(self) -> FloatArray:
        """Interference in one upload, W: a fading draw for each interferer. Shape [K]."""
        h = rng.stream(self.seed, "interferer_fading", self.round).standard_exponential(len(self.victim))
        total = np.bincount(self.victim, weights=h * self.received_w, minlength=len(self.tail_w))
        return total + self.tail_w

    def block_power_w(self, chunk: int) -> FloatArray:
        """Interference in each coherence block of a chunk, W. Shape [K, block]."""
        generator = rng.stream(self.seed, "interferer_block_fading", self.round, chunk)
        h = generator.standard_exponential((len(self.victim), CHUNK_BLOCKS))
        powers = h * self.received_w[:, None]
        total = np.zeros((len(self.tail_w), CHUNK_BLOCKS))
        has_any = np.flatnonzero(self._per_ue)
        if len(has_any):
            total[has_any] = np.add.reduceat(powers, self._first[has_any], axis=0)
        return total + self.tail_w[:, None]

    @cached_property
    def _per_ue(self) -> IntArray:
        return np.bincount(self.victim, minlength=len(self.tail_w))

    @cached_property
    def _first(self) -> IntArray:
        return np.cumsum(self._per_ue) - self._per_ue


@dataclass(frozen=True)
class PoissonField:
    """The interferers around one gNB, drawn anew for every (round, UE)."""

    density_per_m2: float
    law: str
    pathloss: PowerLaw
    power_w: float  # transmit power of an interferer

    def draw(self, seed: int, round: int, distance_m: FloatArray) -> FieldDraw:
        """Interferers of UEs at `distance_m` [K] from the gNB in `round`."""
        count = len(distance_m)
        c = interferer_constant(distance_m * np.sqrt(self.density_per_m2), self.law)
        area = np.pi * FIELD_RADIUS**2  # in units of 1/phi, so the mean number of points
        per_ue = rng.stream(seed, "interferer_count", round).poisson(area, count)
        victim = np.repeat(np.arange(count), per_ue)
        # two numbers for each point, UE after UE: adding UEs leaves the others' points in place
        u = rng.stream(seed, "interferer_place", round).random((len(victim), 2))
        x = u[:, 0] * area  # pi phi r^2, uniform
        kept = u[:, 1] < -np.expm1(-c[victim] * x)
        victim, x = victim[kept], x[kept]
        radius_m = np.sqrt(x / (np.pi * self.density_per_m2))
        return FieldDraw(
            seed, round, victim, self.power_w * self.pathloss.gain(radius_m), np.full(count, self.tail_w)
        )

    @property
    def tail_w(self) -> float:
        """Mean power from beyond the sampled radius R: 2 pi phi P g0 R^(2-alpha) / (alpha-2), W."""
        radius_m = FIELD_RADIUS / np.sqrt(self.density_per_m2)
        alpha = self.pathloss.exponent
        edge_gain = float(self.pathloss.gain(np.array(radius_m)))
        return float(2 * np.pi * self.density_per_m2 * self.power_w * edge_gain * radius_m**2 / (alpha - 2))
