"""Weighted draws of UEs, and how long they are expected to take: what selection schemes share."""

from __future__ import annotations

import numpy as np

from netsim.allocation.cell_view import CellView
from netsim.protocols import Observation
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.radio import LONG_S
from netsim.schemes.success_selection import mean_rate_bps
from netsim.units import FloatArray, IntArray

LOSS_BITS = 32.0
"""Of one loss that a UE reports."""


def drawn_by_weight(
    mark: FloatArray,
    weight: FloatArray,
    count: int,
) -> IntArray:
    """`count` of M positions, drawn one after the other in proportion to weights [M], ascending.

    mark: independent draws from Exp(1), [M]. Those with the least mark / weight are the first
    arrivals of Poisson processes, so that each is the next with the probability of its weight among
    those left (P. Efraimidis, P. Spirakis, Inf. Process. Lett. 97(5), 2006).
    """
    with np.errstate(divide="ignore"):
        arrival = mark / weight
    return np.sort(np.argsort(arrival, kind="stable")[:count])


def expected_s(observation: Observation, most: int) -> FloatArray:
    """Time from a round's start to the end of each UE's upload; LONG_S: it gives up. [K].

    Downloads and computing are as planned; uploads go at the mean rate of P_max in a share of
    1 / (the gNB's available UEs, at most `most`).
    """
    ue = np.arange(len(observation.gnb))
    module = adapter_in_turn(observation, ue)
    peers = np.bincount(observation.gnb, observation.available)[observation.gnb]
    share = 1.0 / np.clip(peers, 1, most)
    view = CellView.of(observation)
    power = view.used_w(np.full(len(ue), view.max_power_w))
    rate = mean_rate_bps(view, power, observation.bandwidth_hz * share)
    start_s, ready = observation.computed(ue, module)
    with np.errstate(divide="ignore"):
        ends_s = start_s + observation.payload_bits[module] / rate
    return np.where(ready, np.minimum(ends_s, LONG_S), LONG_S)
