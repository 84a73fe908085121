"""Success models: lambda of a UE's upload, as schemes ask for it (eq. 15 behind one interface).

`ClosedForm` is eq. (15) over a Poisson field. `SiteLaplace` is the product form over the cells of
real sites: exact over the fading, averaged over where in its cell each interferer is. `arrival` has
the model for block fading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netsim.protocols import SuccessModel
from netsim.radio.coverage import success_probability
from netsim.radio.pathloss import PowerLaw
from netsim.units import BoolArray, FloatArray, IntArray, from_db

_NODES_PER_E_FOLD = 6


def scaled_threshold(
    threshold: float,
    power_w: FloatArray,
    gain: FloatArray,
    bandwidth_hz: FloatArray,
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """(which uploads [M] send at all, their bands, s = theta / (P gain)).

    Those that do not (no power, no channel, no finite band) get 0 Hz and s = theta.
    """
    sends = (power_w > 0) & (gain > 0) & np.isfinite(bandwidth_hz)
    band_hz = np.where(sends, bandwidth_hz, 0.0)
    return sends, band_hz, threshold / np.where(sends, power_w * gain, 1.0)


@dataclass
class Deferred:
    """A success model that is made when it is first asked: some schemes never do."""

    make: Callable[[], SuccessModel]

    @cached_property
    def made(self) -> SuccessModel:
        """The model."""
        return self.make()

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        """As `protocols.SuccessModel`."""
        return self.made.probability(
            ue,
            bandwidth_hz,
            power_w,
            payload_bits,
            airtime_s,
        )


@dataclass(frozen=True)
class ClosedForm:
    """Eq. (15) over a Poisson field of interferers and power-law path loss without shadowing.

    `form` is ppp (exact for its law) or paper (as printed). `interferer_power_w` is the power of
    every interferer, or None where it follows the UE's own (the paper's reading).
    """

    distance_m: FloatArray  # [K]
    density_per_m2: float
    threshold: float  # linear
    pathloss: PowerLaw
    antenna_gain: float
    noise_psd_w_hz: float
    interferer_power_w: float | None
    law: str
    form: str

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        """As `protocols.SuccessModel`; payload and time do not matter."""
        power = np.asarray(power_w, dtype=np.float64)
        band = np.asarray(bandwidth_hz, dtype=np.float64)
        distance = np.maximum(self.distance_m[ue], self.pathloss.min_distance_m)
        has_power, has_band = power > 0, np.isfinite(band)
        # Not broadcast here: of (15) only the noise depends on the band; the integral takes long.
        used_w = np.where(has_power, power, 1.0)
        noise_w = np.where(has_band, band, 0.0) * self.noise_psd_w_hz
        # P g0 stands for P; it cancels in the interference
        g0 = from_db(-self.pathloss.reference_loss_db) * self.antenna_gain
        found = success_probability(
            distance,
            density_per_m2=self.density_per_m2,
            sinr_threshold=self.threshold,
            pathloss_exponent=self.pathloss.exponent,
            noise_to_power=noise_w / (used_w * g0),
            form=self.form,
            law=self.law,
            interferer_power_ratio=self._interferer_power_ratio(used_w),
        )
        return np.where(has_power & has_band, found, 0.0)

    def _interferer_power_ratio(self, power_w: FloatArray) -> FloatArray | float:
        """P_interferer / P."""
        if self.interferer_power_w is None:
            return 1.0
        return self.interferer_power_w / power_w


@dataclass(frozen=True)
class LaplaceTable:
    """log E[exp(-s I_g)] of the interference I_g at some gNBs, tabulated over log s."""

    log_s: FloatArray  # [node]
    log_exponent: FloatArray  # [G, node] log(-log L)
    gnb: IntArray  # [G] ascending

    @classmethod
    def of(cls, cells: list[FloatArray], gnb: IntArray) -> LaplaceTable:
        """The table for Rayleigh fading and one interferer in each cell h:

            L_g(s) = prod_h mean_m 1 / (1 + s received[g, h, m])

        `cells` holds one array [S, M_h] per cell: the mean power received at each of S gNBs from
        each place at which the cell's interferer may be, W (or W/Hz); 0 at its own gNB. The table
        is of the gNBs in `gnb` [K]: of those that serve nobody, nobody asks.
        """
        means = [received.mean(axis=1) for received in cells if received.size]
        heard = np.concatenate(means or [np.zeros(1)])
        heard = heard[heard > 0]
        asked = np.unique(gnb)
        if not len(heard):
            return cls(np.zeros(1), np.empty((0, 1)), asked)
        low = np.log(1e-6 / heard.max())
        high = np.log(1e6 / np.median(heard))
        nodes = int((high - low) * _NODES_PER_E_FOLD)
        log_s = np.linspace(low, high, nodes)
        exponent = np.zeros((len(asked), nodes))
        for received in cells:
            own = received[asked]
            for node, value in enumerate(np.exp(log_s)):
                faded = 1.0 / (1.0 + value * own)
                exponent[:, node] -= np.log(faded.mean(axis=1))
        return cls(log_s, np.log(np.maximum(exponent, 1e-300)), asked)

    def transform(self, gnb: IntArray, s: FloatArray) -> FloatArray:
        """L_g(s), arrays of one shape; linear in s below the table, the last exponent above it.

        `gnb` must be among those of the table.
        """
        if not self.log_exponent.size:
            return np.ones(s.shape)
        row = np.searchsorted(self.gnb, gnb)
        first = self.log_s[0]
        step = self.log_s[1] - first
        with np.errstate(divide="ignore"):
            at = (np.log(s) - first) / step
        node = np.clip(np.floor(at), 0, len(self.log_s) - 2).astype(np.int64)
        left = self.log_exponent[row, node]
        right = self.log_exponent[row, node + 1]
        inside = left + (right - left) * np.clip(at - node, 0.0, 1.0)
        below = self.log_exponent[row, 0] + step * at
        log_exponent = np.where(at < 0, below, inside)
        return np.asarray(np.exp(-np.exp(log_exponent)))


@dataclass(frozen=True)
class SiteLaplace:
    """lambda = exp(-s noise) L_g(s) at the gNB that serves the UE.

    Field mode (`density` False): interference is a power and s = theta / (P gain). Network mode:
    interference is a density over the band and a UE spreads its power over its own part of it, so
    s = theta W delta / (P gain).
    """

    gnb: IntArray  # [K]
    gain: FloatArray  # [K] mean channel gain to it
    threshold: float
    noise_psd_w_hz: float
    table: LaplaceTable  # of interferers at max_power_w
    density: bool
    follow_w: float | None  # field mode: interferers at the UE's own power instead of this one

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        """As `protocols.SuccessModel`; payload and time do not matter."""
        gnb, gain, band, power = np.broadcast_arrays(
            self.gnb[ue],
            self.gain[ue],
            bandwidth_hz,
            power_w,
        )
        sends, band, s = scaled_threshold(self.threshold, power, gain, band)
        noise_exponent = s * self.noise_psd_w_hz * band
        if self.density:
            s = s * band
        if self.follow_w is not None:
            s = s * power / self.follow_w
        found = np.exp(-noise_exponent) * self.table.transform(gnb, s)
        return np.where(sends, found, 0.0)
