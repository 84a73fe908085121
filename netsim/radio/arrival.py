"""lambda under block fading: the probability that an upload is through within its time.

An upload of n = airtime / T_c blocks carries the sum of its blocks' bits. Given the places of the
interferers the blocks are independent and their sum is close to normal. Its mean and variance come
from drawn fading, and lambda is the average over drawn places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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
        """Probability for rows of one shape [R]. Those of one UE and band share what they hear."""
        order = np.lexsort((band, ue))
        ue, band, power = ue[order], band[order], power[order]
        needed_bps = payload[order] / airtime_s
        new = (np.diff(ue, prepend=-1) != 0) | (np.diff(band, prepend=-1.0) != 0)
        ends = np.append(np.flatnonzero(new)[1:], len(ue))
        given_places = np.empty((len(ue), len(self.fading)))
        for first, end in zip(np.flatnonzero(new).tolist(), ends.tolist(), strict=True):
            link = self._link(int(ue[first]), float(band[first]))
            for start in range(first, end, _ROWS_AT_A_TIME):
                rows = slice(start, min(start + _ROWS_AT_A_TIME, end))
                rate = link.rate_bps(power[rows])
                given_places[rows] = _through(rate, needed_bps[rows], airtime_s / link.coherence_s)
        found = np.empty(len(ue))
        found[order] = given_places.mean(axis=1)
        return found

    def _link(self, ue: int, band_hz: float) -> _Link:
        """A UE in a band."""
        heard = self.interference[ue] * band_hz if self.density else self.interference[ue]
        return _Link(
            model=self.model,
            band_hz=band_hz,
            coherence_s=float(self.coherence_s[ue]),
            faded=self.gain[ue] * self.fading,
            heard_w=heard,
            noise_w=self.noise_psd_w_hz * band_hz,
            follow_w=self.follow_w,
        )


@dataclass(frozen=True)
class _Link:
    """A UE in a band: what it meets in every drawn block, [DRAWS, F]."""

    model: RateModel
    band_hz: float
    coherence_s: float
    faded: FloatArray  # gain with fading
    heard_w: FloatArray  # of interferers
    noise_w: float
    follow_w: float | None  # interferers at the UE's own power instead of this one

    @cached_property
    def _sinr_per_w(self) -> FloatArray:
        return np.asarray(self.faded / (self.heard_w + self.noise_w))

    def rate_bps(self, power_w: FloatArray) -> FloatArray:
        """Rate at powers [R] in every block. [R, DRAWS, F]."""
        wide_w = power_w[:, None, None]
        if self.follow_w is None:
            ratio = wide_w * self._sinr_per_w
        else:
            ratio = wide_w * self.faded / (self.heard_w * (wide_w / self.follow_w) + self.noise_w)
        draws = ratio.shape[0] * ratio.shape[1]
        rates = self.model.over_blocks(draws, self.coherence_s, learns=False)
        found = rates.next_bps(
            np.arange(draws),
            np.full(draws, self.band_hz),
            ratio.reshape(draws, -1),
        )
        return found.reshape(ratio.shape)


def _through(rate_bps: FloatArray, needed_bps: FloatArray, blocks: float) -> FloatArray:
    """P(the mean rate of so many blocks is what is needed). [R, DRAWS, F], [R] -> [R, DRAWS].

    rate_bps: of drawn blocks; overwritten.
    """
    mean = rate_bps.mean(axis=2)
    rate_bps -= mean[..., None]
    spread = np.sqrt(np.einsum("rdf,rdf->rd", rate_bps, rate_bps) / rate_bps.shape[2])
    missing = needed_bps[:, None] - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(
            spread > 0,
            -missing * np.sqrt(blocks) / spread,
            np.where(missing <= 0, np.inf, -np.inf),
        )
    return np.where(mean > 0, ndtr(score), 0.0)


def planning_fading(
    seed: int,
    draws: int,
    blocks: int,
) -> FloatArray:
    """|h|^2 that `BlockArrival` averages over, [draws, blocks]; no round meets these draws."""
    generator = rng.stream(seed, "planning_fading")
    return generator.standard_exponential((draws, blocks))
