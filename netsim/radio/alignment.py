"""The receive power at which uploads that add up on the air are aligned.

The gNB knows mean gains and what disturbs it, and announces rho; whether a UE can reach it depends
on the UE's fading, which the UE alone knows. A high rho stands out of the noise, but more UEs are
silent ("SNR-truncation trade-off": Zhu, Wang, Huang, IEEE Trans. Wireless Commun. 19(1), 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netsim.units import FloatArray, IntArray

LEAST, MOST = 1e-6, 30.0
"""rho over what the weakest and the strongest UE reach at their mean gains: the range searched."""

COARSE, FINE = 64, 32
"""Steps over the range, and over the two steps around the best of them."""

HALVINGS = 60


@dataclass(frozen=True)
class Sums:
    """M uploads that go into S sums."""

    number: IntArray  # [M] of the sum
    part: FloatArray  # [M] a_k, size of the upload's numbers over that of the largest
    reach_w: FloatArray  # [M] rho down to which the UE comes at its mean gain: P_k gain / a_k^2
    disturbance_w: FloatArray  # [M] noise and interference in the band of its sum

    def add_up(self, values: FloatArray) -> FloatArray:
        """Of each sum. [S]."""
        return np.bincount(self.number, weights=values).astype(np.float64)

    @cached_property
    def disturbed_w(self) -> FloatArray:
        """Noise and interference of each sum. [S]."""
        count = self.add_up(np.ones(len(self.number)))
        return self.add_up(self.disturbance_w) / count

    @cached_property
    def range_w(self) -> tuple[FloatArray, FloatArray]:
        """Least and greatest rho that come into question. [S] each."""
        weakest = np.full(len(self.disturbed_w), np.inf)
        strongest = np.zeros(len(self.disturbed_w))
        np.minimum.at(weakest, self.number, self.reach_w)
        finite = np.where(np.isfinite(self.reach_w), self.reach_w, 0.0)
        np.maximum.at(strongest, self.number, finite)
        return LEAST * weakest, MOST * strongest

    def reached(self, rho_w: FloatArray) -> FloatArray:
        """Probability, over Rayleigh fading, that a UE reaches the rho of its sum. [M]."""
        return np.exp(-rho_w[self.number] / self.reach_w)

    def error(self, rho_w: FloatArray) -> FloatArray:
        """Expected squared error of the means, in units of the largest numbers squared. [S].

        Of who is missing, if UEs' numbers vary independently around their common mean, and of the
        noise: (sum a_k^2 p_k + disturbance / rho) / (sum a_k p_k)^2.
        """
        reached = self.reached(rho_w)
        total = self.add_up(self.part * reached)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            missing = self.add_up(self.part**2 * reached)
            error = (missing + self.disturbed_w / rho_w) / total**2
        return np.where(total > 0, error, np.inf)


def receive_power_w(sums: Sums, truncation: float | None) -> FloatArray:
    """rho of each sum, W. [S].

    truncation: part of the UEs that are expected to be silent; None: that with the least `error`.
    """
    if truncation is None:
        return _best(sums)
    return _at_truncation(sums, truncation)


def _at_truncation(sums: Sums, truncation: float) -> FloatArray:
    """By bisection of its logarithm."""
    count = sums.add_up(np.ones(len(sums.number)))
    low, high = (np.log(edge) for edge in sums.range_w)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        silent = 1.0 - sums.add_up(sums.reached(np.exp(middle))) / count
        low = np.where(silent < truncation, middle, low)
        high = np.where(silent < truncation, high, middle)
    return np.asarray(np.exp(low))


def _best(sums: Sums) -> FloatArray:
    """The best of a grid over the range, then of a finer one around it."""
    low, high = (np.log(edge) for edge in sums.range_w)
    step = (high - low) / COARSE
    found = _best_of_grid(sums, low, step, COARSE)
    around = 2 * step / FINE
    return np.asarray(np.exp(_best_of_grid(sums, found - step, around, FINE)))


def _best_of_grid(sums: Sums, start: FloatArray, step: FloatArray, count: int) -> FloatArray:
    """The logarithm of rho with the least error, of start, start + step, ... [S]."""
    best, least = start, np.full(len(start), np.inf)
    for number in range(count + 1):
        here = start + number * step
        error = sums.error(np.exp(here))
        best = np.where(error < least, here, best)
        least = np.minimum(error, least)
    return np.asarray(best)


@dataclass(frozen=True)
class Reachable:
    """A SuccessModel: the probability that a UE is not silent.

    As if all UEs of a gNB went into one sum at P_max, against the interference that is expected.
    """

    gain: FloatArray  # [K] mean
    gnb: IntArray  # [K]
    disturbance_w: FloatArray  # [K] expected, of noise and interference in the gNB's band
    max_power_w: float
    truncation: float | None

    @cached_property
    def aim_w(self) -> FloatArray:
        """Receive power of the gNB of each UE. [K]."""
        _, number = np.unique(self.gnb, return_inverse=True)
        sums = Sums(
            number=number,
            part=np.ones(len(number)),
            reach_w=self.max_power_w * self.gain,
            disturbance_w=self.disturbance_w,
        )
        return receive_power_w(sums, self.truncation)[number]

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        """As `SuccessModel`; whatever the band."""
        with np.errstate(divide="ignore"):
            least_fading = self.aim_w[ue] / (self.gain[ue] * power_w)
        return np.where(np.isfinite(bandwidth_hz), np.exp(-least_fading), 0.0)
