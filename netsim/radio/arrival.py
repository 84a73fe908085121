"""lambda under block fading: the probability that an upload is through within its time, by Monte
Carlo.

An upload of n = airtime / T_c blocks carries the sum of its blocks' bits. Given where the
interferers are, blocks are independent, and the sum is close to normal; its mean and variance come
from drawn fading. The average is over draws of the interferers' places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from netsim import rng
from netsim.radio.link import RateModel
from netsim.units import FloatArray, IntArray

DRAWS = 24
"""Draws of the interferers' places. Each has the blocks of one chunk of fading."""


@dataclass(frozen=True)
class BlockArrival:
    """P(payload through within the airtime) for K UEs."""

    gain: FloatArray  # [K] mean channel gain to the serving gNB
    interference: FloatArray  # [K, DRAWS, F] W, or W/Hz where `density`
    density: bool
    noise_psd_w_hz: float
    model: RateModel
    coherence_s: float
    fading: FloatArray  # [DRAWS, F] |h|^2
    follow_w: float | None = None  # interferers at the UE's own power instead of this one

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        """As `protocols.SuccessModel`."""
        ue, band, power, payload = np.broadcast_arrays(ue, bandwidth_hz, power_w, payload_bits)
        sends = (power > 0) & np.isfinite(band) & (band > 0)
        found = np.zeros(ue.shape)
        if sends.any():
            found[sends] = self._arrives(
                ue[sends], band[sends], power[sends], payload[sends], airtime_s
            )
        return found

    def _arrives(
        self,
        ue: IntArray,
        band: FloatArray,
        power: FloatArray,
        payload: FloatArray,
        airtime_s: float,
    ) -> FloatArray:
        """Probability for rows of one shape [R]."""
        out = np.empty(len(ue))
        for start in range(0, len(ue), 4096):  # so that the work stays in cache
            rows = slice(start, start + 4096)
            b, p = band[rows, None, None], power[rows, None, None]
            level = self.interference[ue[rows]] * (b if self.density else 1.0)
            if self.follow_w is not None:
                level = level * p / self.follow_w
            ratio = (
                p
                * self.gain[ue[rows], None, None]
                * self.fading
                / (level + self.noise_psd_w_hz * b)
            )
            rate = np.where(ratio >= self.model.threshold, self.model.rate_bps(b, ratio), 0.0)
            mean, spread = rate.mean(axis=2), rate.std(axis=2)
            blocks = airtime_s / self.coherence_s
            missing = payload[rows, None] / airtime_s - mean  # bit/s
            with np.errstate(divide="ignore", invalid="ignore"):
                score = np.where(
                    spread > 0, -missing * np.sqrt(blocks) / spread, -np.sign(missing) * np.inf
                )
            out[rows] = np.where(mean > 0, ndtr(score), 0.0).mean(axis=1)
        return out


def planning_fading(seed: int, draws: int, blocks: int) -> FloatArray:
    """|h|^2 that `BlockArrival` averages over, [draws, blocks]: not those of any round."""
    return rng.stream(seed, "planning_fading").standard_exponential((draws, blocks))
