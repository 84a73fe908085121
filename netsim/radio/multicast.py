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
    of the worst subscriber (efficiency in bit/s/Hz); `foundation_bits` go before, to all. What
    must reach a UE with no efficiency at all never ends, nor do the modules after it.
    """
    if not len(gnb):
        return np.empty(0), np.empty(0)
    shape = (int(gnb.max()) + 1, int(module.max()) + 1)
    worst = np.full(shape, np.inf)
    np.minimum.at(worst, (gnb, module), efficiency)
    size = np.zeros(shape)
    np.maximum.at(size, (gnb, module), payload_bits)
    lowest = worst.min(axis=1, keepdims=True)
    bits = np.hstack([np.full_like(lowest, foundation_bits), size])
    rate_bps = downlink_hz * np.hstack([lowest, worst])
    with np.errstate(divide="ignore"):
        length_s = np.divide(bits, rate_bps, out=np.zeros_like(bits), where=bits > 0)
    end_s = np.cumsum(length_s, axis=1)
    return end_s[gnb, module], end_s[gnb, module + 1]


def bits_once(
    cell: IntArray,
    module: IntArray,
    payload_bits: FloatArray,
    cells: int,
) -> FloatArray:
    """Bits of the modules of rows [M] at each gNB, each module once, at its largest. [G]."""
    largest = np.zeros((cells, int(module.max(initial=0)) + 1))
    np.maximum.at(
        largest,
        (cell, module),
        payload_bits,
    )
    return np.asarray(largest.sum(axis=1))
