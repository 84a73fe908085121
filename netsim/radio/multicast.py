"""Broadcasts of modules on the downlink, each at its worst subscriber's rate."""

from __future__ import annotations

import numpy as np

from netsim.units import FloatArray, IntArray


def broadcast_slots(
    gnb: IntArray,
    module: IntArray,
    payload_bits: FloatArray,
    *,
    efficiency: FloatArray,
    downlink_hz: float,
    foundation_bits: float,
) -> tuple[FloatArray, FloatArray]:
    """Start and end, s, of the broadcast that each row (gNB, module) hears, [M], [M].

    A gNB sends each module once, at its largest payload, over the whole downlink band at the rate
    of the worst subscriber (efficiency in bit/s/Hz); `foundation_bits` go before, to all.
    """
    if not len(gnb):
        return np.empty(0), np.empty(0)
    modules = int(module.max()) + 1
    key, row = np.unique(gnb * modules + module, return_inverse=True)  # one broadcast each
    worst = np.full(len(key), np.inf)
    np.minimum.at(worst, row, efficiency)
    size = np.zeros(len(key))
    np.maximum.at(size, row, payload_bits)
    length = size / (downlink_hz * worst)
    end = np.cumsum(length)

    site, first = np.unique(key // modules, return_index=True)
    cell = np.searchsorted(site, key // modules)
    begin = (end - length)[first]  # of each gNB, in the sum over all of them
    lowest = np.full(len(site), np.inf)
    np.minimum.at(lowest, cell, worst)
    foundation_s = foundation_bits / (downlink_hz * lowest)
    shift = (foundation_s - begin)[cell]
    return (end - length + shift)[row], (end + shift)[row]
