"""How much of an upload's airtime the UEs of other cells are on the air, as far as can be expected.

Uploads of a round start together and end when their bits are through, so neighbours fall silent.
Their airtimes depend on the interference they meet, and that on airtimes: a fixed point, as the
load coupling of Siomina and Yuan, "Analysis of cell load coupling for LTE network planning and
optimization", IEEE Trans. Wireless Commun. 11(6), 2012.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.radio.rate_model import RateModel
from netsim.units import BoolArray, FloatArray, IntArray

_STEPS = 6
"""Of the fixed point: a number of steps, near enough for planning; not until it converges."""


@dataclass(frozen=True)
class Demand:
    """What UEs are expected to send in a round."""

    payload_bits: float  # each
    longest_s: float  # an upload stops then
    able: BoolArray  # [K] UEs that can have computed in time; the others send nothing


@dataclass(frozen=True)
class Cell:
    """What uploads have in common that equal shares of their gNBs' bands are planned for."""

    bandwidth_hz: float
    noise_psd_w_hz: float
    power_w: float
    model: RateModel


def expected_activity(
    site_gain: FloatArray,
    gnb: IntArray,
    cell: Cell,
    demand: Demand,
) -> FloatArray:
    """Part of the mean airtime at each site for which each UE is on the air. [K, S] -> [K, S].

    Those that are able [K] send `demand`, from one moment on, in equal shares of their gNBs' bands.
    """
    ues, sites = site_gain.shape
    every = np.arange(ues)
    band_hz = cell.bandwidth_hz / np.bincount(gnb, minlength=sites)[gnb]
    foreign = site_gain.copy()
    foreign[every, gnb] = 0.0
    activity = np.repeat(demand.able[:, None].astype(np.float64), sites, axis=1)
    for _ in range(_STEPS):
        heard = (activity * foreign).sum(axis=0)  # [S]
        density = cell.noise_psd_w_hz + heard * cell.power_w / cell.bandwidth_hz
        ratio = cell.power_w * site_gain[every, gnb] / (density[gnb] * band_hz)
        rate = cell.model.planned_bps(band_hz, ratio)
        airtime_s = np.full(ues, demand.longest_s)
        sends = rate * demand.longest_s > demand.payload_bits
        airtime_s[sends] = demand.payload_bits / rate[sends]
        total = np.bincount(gnb, airtime_s, minlength=sites)
        mean_s = total / np.maximum(np.bincount(gnb, minlength=sites), 1)
        mean_s[mean_s == 0] = np.inf  # nobody sends there
        activity = np.minimum(airtime_s[:, None] / mean_s, 1.0) * demand.able[:, None]
    return activity
