"""From SINR to the end of an upload: one finish time, by cumulative bits over coherence blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from netsim.radio.fading import CHUNK_BLOCKS
from netsim.units import BoolArray, FloatArray, IntArray

RATE_MODELS = ("shannon", "threshold")


def sinr(signal_w: FloatArray, interference_w: FloatArray, noise_w: FloatArray) -> FloatArray:
    """Eq. (2): signal over interference and noise, linear."""
    return signal_w / (interference_w + noise_w)


@dataclass(frozen=True)
class RateModel:
    """Rate of a link: of its capacity (shannon, the paper), or of the code that the threshold
    stands for.
    """

    kind: str  # shannon | threshold
    threshold: float  # theta, linear

    def rate_bps(self, bandwidth_hz: FloatArray, sinr: FloatArray) -> FloatArray:
        """W delta log2(1 + SINR), or W delta log2(1 + theta) whatever the SINR; arrays
        broadcast.
        """
        if self.kind == "shannon":
            return bandwidth_hz * np.log2(1.0 + sinr)
        return np.broadcast_to(bandwidth_hz * np.log2(1.0 + self.threshold), np.shape(sinr))


@dataclass(frozen=True)
class Transmission:
    """M uploads on the air, each until its end or its deadline."""

    finish_s: (
        FloatArray  # [M] when the last bit is through; inf if never by the deadline (block fading)
    )
    bits: FloatArray  # [M] bits through at min(finish, deadline)
    sinr: FloatArray  # [M] at the start (round fading) or mean over the airtime (block fading)
    outage: BoolArray  # [M] below the threshold: at the start (round), at all times (block)


def transmit_constant(
    payload_bits: FloatArray,
    bandwidth_hz: FloatArray,
    sinr: FloatArray,
    start_s: FloatArray,
    deadline_s: FloatArray,
    *,
    model: RateModel,
) -> Transmission:
    """One fading draw per upload: constant rate; in outage iff SINR < threshold. Shapes [M].

    An upload in outage is transmitted all the same, and discarded (the UE cannot know).
    """
    rate = model.rate_bps(bandwidth_hz, sinr)
    with np.errstate(divide="ignore"):
        finish = start_s + payload_bits / rate
    part = rate * np.maximum(deadline_s - start_s, 0.0)
    bits = np.where(finish <= deadline_s, payload_bits, np.minimum(part, payload_bits))
    return Transmission(finish, bits, sinr, sinr < model.threshold)


def transmit_pieces(
    payload_bits: FloatArray,
    rate_bps: FloatArray,
    sinr: FloatArray,
    edges_s: FloatArray,
    start_s: FloatArray,
    deadline_s: FloatArray,
    *,
    threshold: float,
) -> Transmission:
    """Rates that are constant between edges: [M], [M, P], [M, P], [P + 1] -> Transmission [M].

    One fading draw per upload, in a world that changes: SINR and outage are those at the start, as
    in `transmit_constant`, to which it is equal where nothing changes. NaN as SINR is never an
    outage.
    """
    rows = np.arange(len(payload_bits))
    open_s = np.maximum(edges_s[:-1], start_s[:, None])
    length = np.maximum(np.minimum(edges_s[1:], deadline_s[:, None]) - open_s, 0.0)
    total = np.cumsum(rate_bps * length, axis=1)
    through = total >= payload_bits[:, None]
    at = through.argmax(axis=1)
    before = np.where(at > 0, total[rows, at - 1], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        finish = open_s[rows, at] + (payload_bits - before) / rate_bps[rows, at]
    done = through.any(axis=1)
    finish = np.where(done, np.minimum(finish, deadline_s), np.inf)
    bits = np.where(done, payload_bits, total[:, -1])
    piece = np.clip(np.searchsorted(edges_s, start_s, side="right") - 1, 0, sinr.shape[1] - 1)
    first = sinr[rows, piece]
    return Transmission(finish, bits, first, first < threshold)


def transmit_blocks(
    payload_bits: FloatArray,
    bandwidth_hz: FloatArray,
    sinr_of_chunk: Callable[[int, IntArray], FloatArray],
    start_s: FloatArray,
    deadline_s: FloatArray,
    *,
    model: RateModel,
    origin_s: float,
    coherence_s: float,
    rate_of_chunk: Callable[[int, IntArray], FloatArray | None] | None = None,
) -> Transmission:
    """Fading redrawn every coherence block; a block with SINR < threshold carries no bits.

    `sinr_of_chunk(c, rows)` gives the SINR [R, CHUNK_BLOCKS] of some rows in the blocks c *
    CHUNK_BLOCKS ... of the grid that starts at `origin_s`. Bits are summed block by block; the
    finish lies within its block. `rate_of_chunk` gives rates that rule instead, NaN where they do
    not.
    """
    count = len(payload_bits)
    finish = np.full(count, np.inf)
    carried, sinr_time = np.zeros(count), np.zeros(count)  # bits; integral of SINR over the airtime
    usable_ever = np.zeros(count, dtype=bool)
    chunk_s = CHUNK_BLOCKS * coherence_s
    chunk = max(int((start_s.min() - origin_s) // chunk_s), 0) if count else 0
    live = np.arange(count)  # rows that have not finished
    block = np.arange(CHUNK_BLOCKS + 1)
    while len(live) and origin_s + chunk * chunk_s < deadline_s[live].max():
        ratio = sinr_of_chunk(chunk, live)
        edge = origin_s + (chunk * CHUNK_BLOCKS + block) * coherence_s
        until = deadline_s[live, None]
        open_s = np.maximum(edge[:-1], start_s[live, None])
        length = np.maximum(np.minimum(edge[1:], until) - open_s, 0.0)
        usable = (ratio >= model.threshold) & (length > 0)
        rate = np.where(usable, model.rate_bps(bandwidth_hz[live, None], ratio), 0.0)
        given = rate_of_chunk(chunk, live) if rate_of_chunk is not None else None
        if given is not None:
            rules = ~np.isnan(given)
            rate, usable = np.where(rules, given, rate), usable | (rules & (length > 0))
        total = np.cumsum(rate * length, axis=1)
        total += carried[live, None]
        payload = payload_bits[live]
        done = np.flatnonzero(total[:, -1] >= payload)
        at = (total[done] >= payload[done, None]).argmax(
            axis=1
        )  # the block the last bit goes through in
        before = np.where(at > 0, total[done, at - 1], carried[live[done]])
        spent = (payload[done] - before) / rate[done, at]
        finish[live[done]] = np.minimum(open_s[done, at] + spent, until[done, 0])
        length[done] *= block[:-1] <= at[:, None]
        length[done, at] = spent
        carried[live] = total[:, -1]
        carried[live[done]] = payload[done]
        sinr_time[live] += (ratio * length).sum(axis=1)
        usable_ever[live] |= (usable & (length > 0)).any(axis=1)
        live = live[np.isinf(finish[live])]
        chunk += 1
    airtime = np.minimum(finish, deadline_s) - start_s
    mean_sinr = np.divide(sinr_time, airtime, out=np.zeros(count), where=airtime > 0)
    return Transmission(finish, carried, mean_sinr, ~usable_ever)
