"""How much of an upload's airtime the UEs of other cells are on the air, as far as can be expected.

Uploads of a gNB start when their UEs are ready, or under the barrier when the last one is, and end
when their bits are through: neighbours begin later, and fall silent. Their airtimes depend on the
interference they meet, and that on airtimes: a fixed point, as the load coupling of Siomina and
Yuan, "Analysis of cell load coupling for LTE network planning and optimization", IEEE Trans.
Wireless Commun. 11(6), 2012.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.radio.rate_model import RateModel
from netsim.units import BoolArray, FloatArray, IntArray

_STEPS = 6
"""Of the fixed point: a number of steps, near enough for planning; not until it converges."""

_LEVELS = 8
_FADING = -np.log1p(-(np.arange(_LEVELS) + 0.5) / _LEVELS)
"""Power gains of Rayleigh fading, as likely as one another."""


@dataclass(frozen=True)
class Demand:
    """What UEs are expected to send in a round."""

    payload_bits: float  # each
    start_s: FloatArray  # [K] from the start of the round at the core
    longest_s: FloatArray  # [K] an upload stops after so long
    able: BoolArray  # [K] UEs that can have computed in time; the others send nothing


@dataclass(frozen=True)
class Cell:
    """What uploads have in common that equal shares of their gNBs' bands are planned for."""

    bandwidth_hz: float
    noise_psd_w_hz: float
    power_w: float
    model: RateModel
    block_fading: bool  # an upload meets all fading there is; else one draw


def expected_activity(
    site_gain: FloatArray,
    gnb: IntArray,
    cell: Cell,
    demand: Demand,
) -> FloatArray:
    """Part of the mean airtime at each site for which each UE is on the air. [K, S] -> [K, S].

    Those that are able [K] send `demand` in equal shares of their gNBs' bands. At a site uploads
    are taken to start together, at their mean.
    """
    ues, sites = site_gain.shape
    every = np.arange(ues)
    able = demand.able.astype(np.float64)
    start_s = np.where(demand.able, demand.start_s, 0.0)
    opens_s = _mean_at(gnb, start_s, able, sites)
    band_hz = cell.bandwidth_hz / np.bincount(gnb, minlength=sites)[gnb]
    foreign = site_gain.copy()
    foreign[every, gnb] = 0.0
    activity = np.repeat(able[:, None], sites, axis=1)
    for _ in range(_STEPS):
        heard = (activity * foreign).sum(axis=0)  # [S]
        density = cell.noise_psd_w_hz + heard * cell.power_w / cell.bandwidth_hz
        ratio = cell.power_w * site_gain[every, gnb] / (density[gnb] * band_hz)
        airtime_s = _airtime_s(band_hz, ratio, cell, demand) * able
        mean_s = _mean_at(gnb, airtime_s, able, sites)
        ends_s = np.minimum((start_s + airtime_s)[:, None], opens_s + mean_s)
        common_s = np.maximum(ends_s - np.maximum(start_s[:, None], opens_s), 0.0)
        activity = common_s / np.where(mean_s > 0, mean_s, np.inf)
    return activity


def _airtime_s(band_hz: FloatArray, ratio: FloatArray, cell: Cell, demand: Demand) -> FloatArray:
    """Mean over the fading of the uploads themselves. [K], [K] -> [K]."""
    rate = cell.model.planned_bps(band_hz, ratio * _FADING[:, None])
    if cell.block_fading:
        rate = rate.mean(axis=0, keepdims=True)
    with np.errstate(divide="ignore"):
        airtime_s = np.minimum(demand.payload_bits / rate, demand.longest_s)
    return np.asarray(airtime_s.mean(axis=0))


def _mean_at(gnb: IntArray, values: FloatArray, counts: FloatArray, sites: int) -> FloatArray:
    """Mean of values [K] that count or do not, at each site; 0 of none. [S]."""
    total = np.bincount(gnb, values * counts, minlength=sites)
    return np.asarray(total / np.maximum(np.bincount(gnb, counts, minlength=sites), 1.0))
