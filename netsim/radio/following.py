"""lambda over a Poisson field whose interferers follow the power control of all UEs.

Eq. (15*) has one power for all interferers. Here the power of an interferer depends on the distance
to its own gNB, which is nearer than the gNB it disturbs. Averaging over fading and field as there,

    lambda = exp[-s N - E(s)],   s = th / (P gain),
    E(s) = 2 pi phi Int_0^inf g(r) E_P[s P gain(r) / (1 + s P gain(r)) | r] r dr

with N the noise power and g the thinning of `interference.PoissonField`. E is tabulated over s and
over the constant c of the thinning, which depends on the UE's distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from netsim.radio.coverage import interferer_constant
from netsim.radio.interference import PoissonField
from netsim.radio.success import scaled_threshold
from netsim.units import FloatArray, IntArray

if TYPE_CHECKING:  # it loads long, and few runs have a use for it
    from scipy.interpolate import RegularGridInterpolator

_RADII = 160  # nodes of the integral, even in log r
_QUANTILES = 24  # of an interferer's power at a distance
_CONSTANTS = 12  # nodes of c
_LEAST = 1e-12  # of the largest c
_NODES_PER_DECADE = 8  # of s


@dataclass(frozen=True)
class FollowingField:
    """As `protocols.SuccessModel`, for K UEs."""

    field: PoissonField
    distance_m: FloatArray  # [K]
    gain: FloatArray  # [K] mean channel gain to the serving gNB
    threshold: float  # linear
    noise_psd_w_hz: float

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        """As `protocols.SuccessModel`; payload and time do not matter."""
        gain, constant, band, power = np.broadcast_arrays(
            self.gain[ue],
            self._constant[ue],
            bandwidth_hz,
            power_w,
        )
        sends, band, s = scaled_threshold(self.threshold, power, gain, band)
        exponent = s * (self.noise_psd_w_hz * band) + self._exponent(constant, s)
        return np.where(sends, np.exp(-exponent), 0.0)

    @cached_property
    def _constant(self) -> FloatArray:
        """c of each UE. [K]."""
        u = self.distance_m * np.sqrt(self.field.density_per_m2)
        return interferer_constant(u, self.field.law)

    def _exponent(self, constant: FloatArray, s: FloatArray) -> FloatArray:
        """E(s) of UEs with these constants, from the table; linear in s below it."""
        lowest = self._log_s[0]
        log_s = np.log10(s)
        inside = np.clip(log_s, lowest, self._log_s[-1])
        below = np.minimum(log_s - lowest, 0.0)
        at = np.stack([constant, inside], axis=-1)
        return np.asarray(10 ** (self._table(at) + below))

    @cached_property
    def _log_s(self) -> FloatArray:
        """log10 of 1 / received power, from the strongest interferer to the weakest that counts."""
        strongest = self.field.power_w * self.field.pathloss.gain(np.array(1.0))
        far_m = 10 / np.sqrt(self.field.density_per_m2)
        weakest = 1e-3 * self.field.mean_power_w * self.field.pathloss.gain(np.array(far_m))
        low = -np.log10(strongest) - 2
        high = -np.log10(weakest) + 2
        return np.linspace(
            low,
            high,
            int((high - low) * _NODES_PER_DECADE),
        )

    @cached_property
    def _table(self) -> RegularGridInterpolator:
        """log10 E over (c, log10 s)."""
        from scipy.interpolate import RegularGridInterpolator

        constants = np.linspace(
            0.99 * self._constant.min(),
            1.01 * max(self._constant.max(), _LEAST),  # 0 of UEs beyond all cells
            _CONSTANTS,
        )
        rows = [self._row(constant) for constant in constants.tolist()]
        return RegularGridInterpolator((constants, self._log_s), np.array(rows))

    def _row(self, constant: float) -> FloatArray:
        """log10 E for one constant, at every s."""
        phi = self.field.density_per_m2
        log_r = np.linspace(np.log(1e-3), np.log(30.0), _RADII) - np.log(phi) / 2
        r = np.exp(log_r)
        area = np.pi * phi * r**2
        ring = 2 * area * (log_r[1] - log_r[0])  # 2 pi phi r dr
        thinned = -np.expm1(-constant * area)
        received = self._received_w(r, area)  # [radius, quantile]
        exponent = []
        for s in 10**self._log_s:
            level = s * received
            lost = (level / (1 + level)).mean(axis=1)
            exponent.append((ring * thinned * lost).sum())
        return np.log10(np.maximum(exponent, 1e-300))

    def _received_w(self, r: FloatArray, area: FloatArray) -> FloatArray:
        """Received power of interferers at distance r, by quantile of their power."""
        quantile = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
        columns = [self.field.power_at(np.full(len(r), q), area) for q in quantile.tolist()]
        gain = self.field.antenna_gain * self.field.pathloss.gain(r)
        return np.column_stack(columns) * gain[:, None]
