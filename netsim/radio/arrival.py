"""lambda under block fading: the probability that an upload is through within its time.

An upload of n = airtime / T_c blocks carries the sum of its blocks' bits. Given the places of the
interferers the blocks are independent and their sum is close to normal. Its mean and variance come
from drawn fading, and lambda is the average over drawn places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from netsim import rng
from netsim.radio.rate_model import RateModel
from netsim.units import FloatArray, IntArray

DRAWS = 24
"""Draws of the interferers' places."""

BLOCKS = 32
"""Coherence blocks of fading in each draw."""

_ROWS_AT_A_TIME = 16  # arrays of 100 KB: they stay in cache, and are not mapped anew each time


@dataclass(frozen=True)
class BlockArrival:
    """P(payload through within the airtime) for K UEs, from F blocks of fading in each draw."""

    gain: FloatArray  # [K] mean channel gain to the serving gNB
    interference: FloatArray  # [K, DRAWS, F] W, or W/Hz where `density`
    density: bool
    noise_psd_w_hz: float
    model: RateModel
    coherence_s: FloatArray  # [K]
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
        ue, band, power, payload = np.broadcast_arrays(
            ue,
            bandwidth_hz,
            power_w,
            payload_bits,
        )
        sends = (power > 0) & np.isfinite(band) & (band > 0)
        found = np.zeros(ue.shape)
        if sends.any():
            found[sends] = self._arrives(
                ue[sends],
                band[sends],
                power[sends],
                payload[sends],
                airtime_s,
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
        found = np.empty(len(ue))
        for start in range(0, len(ue), _ROWS_AT_A_TIME):
            rows = slice(start, start + _ROWS_AT_A_TIME)
            rate = self._block_rate_bps(ue[rows], band[rows], power[rows])
            blocks = airtime_s / self.coherence_s[ue[rows], None]
            mean = rate.mean(axis=2)
            rate -= mean[..., None]
            spread = np.sqrt(np.mean(rate**2, axis=2))
            missing = payload[rows, None] / airtime_s - mean  # bit/s
            with np.errstate(divide="ignore", invalid="ignore"):
                score = np.where(
                    spread > 0,
                    -missing * np.sqrt(blocks) / spread,
                    np.where(missing <= 0, np.inf, -np.inf),
                )
            given_places = np.where(mean > 0, ndtr(score), 0.0)
            found[rows] = given_places.mean(axis=1)
        return found

    def _block_rate_bps(
        self,
        ue: IntArray,
        band: FloatArray,
        power: FloatArray,
    ) -> FloatArray:
        """Rate of uploads [R] in every drawn block. [R, DRAWS, F]."""
        wide_hz, wide_w = band[:, None, None], power[:, None, None]
        level = self.interference[ue]
        if self.density:
            level *= wide_hz
        if self.follow_w is not None:
            level *= wide_w / self.follow_w
        level += self.noise_psd_w_hz * wide_hz
        ratio = wide_w * self.gain[ue, None, None] * self.fading
        ratio /= level
        rate = np.empty(ratio.shape)
        for block_s in np.unique(self.coherence_s[ue]).tolist():
            mine = self.coherence_s[ue] == block_s
            draws = int(mine.sum()) * len(self.fading)
            found = self.model.over_blocks(draws, block_s, learns=False).next_bps(
                np.arange(draws),
                np.repeat(band[mine], len(self.fading)),
                ratio[mine].reshape(draws, -1),
            )
            rate[mine] = found.reshape(-1, *self.fading.shape)
        return rate


def planning_fading(
    seed: int,
    draws: int,
    blocks: int,
) -> FloatArray:
    """|h|^2 that `BlockArrival` averages over, [draws, blocks]; no round meets these draws."""
    generator = rng.stream(seed, "planning_fading")
    return generator.standard_exponential((draws, blocks))
