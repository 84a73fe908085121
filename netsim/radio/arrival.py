"""lambda under block fading: the probability that an upload is through within its time.

An upload of n = airtime / T_c blocks carries the sum of its blocks' bits. Given the places of the
interferers the blocks are independent and their sum is close to normal. Its mean and variance come
from drawn fading, and lambda is the average over drawn places.
"""

from __future__ import annotations

from collections.abc import Iterator
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
        given_places = np.empty((len(ue), len(self.fading)))
        by_link = _by_link(ue, band)
        coherence_s = self.coherence_s[ue[by_link[:, 0]]]
        for block_s in np.unique(coherence_s).tolist():
            for links in _at_a_time(by_link[coherence_s == block_s]):
                first = links[:, 0]
                sinr = self._sinr(ue[first], band[first], power[links])
                rows = links.ravel()
                rate_bps = self._rate_bps(band[rows], sinr, block_s)
                needed_bps = payload[rows] / airtime_s
                given_places[rows] = _through(rate_bps, needed_bps, airtime_s / block_s)
        return np.asarray(given_places.mean(axis=1))

    def _sinr(self, ue: IntArray, band: FloatArray, power: FloatArray) -> FloatArray:
        """In every drawn block, of L links at P powers each, [L], [L], [L, P]. [L P, DRAWS, F]."""
        band = band[:, None, None]
        heard_w = self.interference[ue]
        if self.density:
            heard_w *= band
        faded = self.gain[ue, None, None] * self.fading
        noise_w = self.noise_psd_w_hz * band
        power = power[..., None, None]
        if self.follow_w is None:
            ratio = power * (faded / (heard_w + noise_w))[:, None]
        else:
            followed_w = heard_w[:, None] * (power / self.follow_w)
            ratio = power * faded[:, None] / (followed_w + noise_w[:, None])
        return np.asarray(ratio.reshape(-1, *self.fading.shape))

    def _rate_bps(self, band: FloatArray, sinr: FloatArray, block_s: float) -> FloatArray:
        """Rate on bands [R] in every block, [R, DRAWS, F]; each draw is an upload of its own."""
        rows, draws, blocks = sinr.shape
        uploads = rows * draws
        rates = self.model.over_blocks(uploads, block_s, learns=False)
        found = rates.next_bps(
            np.arange(uploads),
            np.repeat(band, draws),
            sinr.reshape(uploads, blocks),
        )
        return found.reshape(sinr.shape)


def _by_link(ue: IntArray, band: FloatArray) -> IntArray:
    """Numbers of the rows [R] by link, that is UE and band: its rows share what it hears. [L, P].

    Where links have different numbers of rows, each row stands for a link of its own, [R, 1].
    """
    order = np.lexsort((band, ue))
    ue, band = ue[order], band[order]
    new = (np.diff(ue, prepend=-1) != 0) | (np.diff(band, prepend=-1.0) != 0)
    count = np.diff(np.flatnonzero(new), append=len(order))  # rows of each link
    alike = bool((count == count[0]).all())
    return order.reshape(-1, count[0] if alike else 1)


def _at_a_time(by_link: IntArray) -> Iterator[IntArray]:
    """Rows of L links at P powers each, in pieces of at most _ROWS_AT_A_TIME rows. [l, p]."""
    links, powers = by_link.shape
    at_once = max(1, _ROWS_AT_A_TIME // powers)
    for link in range(0, links, at_once):
        for power in range(0, powers, _ROWS_AT_A_TIME):
            yield by_link[link : link + at_once, power : power + _ROWS_AT_A_TIME]


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
