"""From SINR to the end of an upload: one finish time, by cumulative bits over coherence blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from netsim.radio.fading import CHUNK_BLOCKS
from netsim.units import BoolArray, FloatArray


def sinr(signal_w: FloatArray, interference_w: FloatArray, noise_w: FloatArray) -> FloatArray:
    """Eq. (2): signal over interference and noise, linear."""
    return signal_w / (interference_w + noise_w)


def shannon_rate_bps(bandwidth_hz: FloatArray, sinr: FloatArray) -> FloatArray:
    """W delta log2(1 + SINR), bit/s."""
    return bandwidth_hz * np.log2(1.0 + sinr)


@dataclass(frozen=True)
class Transmission:
    """M uploads on the air, each until its end or the deadline."""

    finish_s: FloatArray  # [M] when the last bit would be through; inf if never within the deadline
    bits_by_deadline: FloatArray  # [M] bits through at min(finish, deadline)
    rate_bps: FloatArray  # [M] mean over the airtime
    sinr: FloatArray  # [M] at the start (round fading) or mean over the airtime (block fading)
    outage: BoolArray  # [M] below the threshold: at the start (round), at all times (block)


def transmit_constant(
    payload_bits: FloatArray,
    bandwidth_hz: FloatArray,
    sinr: FloatArray,
    start_s: FloatArray,
    deadline_s: float,
    *,
    threshold: float,
) -> Transmission:
    """One fading draw per upload: constant rate; in outage iff SINR < threshold. Shapes [M].

    An upload in outage is transmitted all the same, and discarded (the UE cannot know).
    """
    rate = shannon_rate_bps(bandwidth_hz, sinr)
    with np.errstate(divide="ignore"):
        finish = start_s + payload_bits / rate
    whole = finish <= deadline_s
    bits = np.where(whole, payload_bits, rate * np.maximum(deadline_s - start_s, 0.0))
    return Transmission(finish, np.minimum(bits, payload_bits), rate, sinr, sinr < threshold)


def transmit_blocks(
    payload_bits: FloatArray,
    bandwidth_hz: FloatArray,
    sinr_of_chunk: Callable[[int], FloatArray],
    start_s: FloatArray,
    deadline_s: float,
    *,
    threshold: float,
    origin_s: float,
    coherence_s: float,
) -> Transmission:
    """Fading redrawn every coherence block; a block with SINR < threshold carries no bits.

    `sinr_of_chunk(c)` gives the SINR [M, CHUNK_BLOCKS] of the blocks c * CHUNK_BLOCKS ... of the grid
    that starts at `origin_s`. Bits are summed block by block; the finish lies within its block.
    """
    count = len(payload_bits)
    finish = np.full(count, np.inf)
    carried = np.zeros(count)
    sinr_time = np.zeros(count)  # integral of SINR over the airtime
    any_block = np.zeros(count, dtype=bool)
    chunk_s = CHUNK_BLOCKS * coherence_s
    first = int((start_s.min() - origin_s) // chunk_s) if count else 0
    chunk = max(first, 0)
    while count and origin_s + chunk * chunk_s < deadline_s and not np.isfinite(finish).all():
        ratio = sinr_of_chunk(chunk)
        edges = origin_s + (chunk * CHUNK_BLOCKS + np.arange(CHUNK_BLOCKS + 1)) * coherence_s
        for block in range(CHUNK_BLOCKS):
            open_s = np.maximum(edges[block], start_s)
            length = np.minimum(edges[block + 1], deadline_s) - open_s
            active = ~np.isfinite(finish) & (length > 0)
            usable = active & (ratio[:, block] >= threshold)
            rate = np.where(usable, shannon_rate_bps(bandwidth_hz, ratio[:, block]), 0.0)
            missing = payload_bits - carried
            done = usable & (rate * length >= missing)
            with np.errstate(divide="ignore", invalid="ignore"):
                spent = np.where(done, missing / rate, np.where(active, length, 0.0))
            finish = np.where(done, np.minimum(open_s + spent, deadline_s), finish)
            carried = np.where(done, payload_bits, carried + rate * np.where(active, spent, 0.0))
            sinr_time += np.where(active, ratio[:, block] * spent, 0.0)
            any_block |= usable
        chunk += 1
    airtime = np.minimum(finish, deadline_s) - start_s
    on_air = airtime > 0
    mean_sinr = np.divide(sinr_time, airtime, out=np.zeros(count), where=on_air)
    mean_rate = np.divide(carried, airtime, out=np.zeros(count), where=on_air)
    return Transmission(finish, carried, mean_rate, mean_sinr, ~any_block)
