"""Modules on the downlink: each once to all that are to hear it, or to each UE by itself."""

from __future__ import annotations

import numpy as np

from netsim.units import BoolArray, FloatArray, IntArray

Slots = tuple[FloatArray, FloatArray]
"""Start and end of what each row hears, s, from the start at its gNB. [M], [M]."""


def broadcast_slots(
    gnb: IntArray,
    module: IntArray,
    payload_bits: FloatArray,
    *,
    own_bits: FloatArray | None = None,
    efficiency: FloatArray,
    downlink_hz: float,
    foundation_bits: float,
    wanted: BoolArray | None = None,
    unicast: bool = False,
) -> Slots:
    """Slots of rows (gNB, module) [M] on the whole downlink band, one after the other.

    Multicast: a gNB sends each module once, at its largest payload, in each block at the rate of
    the worst subscriber that hears anything in it; who misses a block makes up for it by coding
    over the others, which is not charged. Unicast: row by row, module by module. `own_bits` [M] go
    to each row's UE alone, row by row after all modules; its slot is as long as both take.
    `foundation_bits` go before, to all. efficiency: bit/s/Hz, [M] or by coherence block [M, B];
    who hears nothing waits for ever. wanted: [M] rows that lack the module; None: all. Others, and
    rows of no bits, hear nothing but the foundation model, and slow nobody down.
    """
    if not len(gnb):
        return np.empty(0), np.empty(0)
    blocks = efficiency.reshape(len(gnb), -1)
    rate = downlink_hz * blocks
    hears = rate.mean(axis=1) > 0
    sent = hears & (payload_bits > 0)
    if wanted is not None:
        sent &= wanted
    foundation_s = _foundation_s(gnb, rate, hears, foundation_bits)
    share = _in_turn if unicast else _together
    start, end = share(gnb[sent], module[sent], payload_bits[sent], rate[sent])
    starts, ends = foundation_s[gnb], foundation_s[gnb]
    starts[sent] += start
    ends[sent] += end
    if own_bits is not None and own_bits.any():
        starts, ends = _with_own((starts, ends), gnb, own_bits, rate, hears)
    return starts, np.where(hears, ends, np.inf)


def _with_own(
    slots: Slots, gnb: IntArray, own_bits: FloatArray, rate: FloatArray, hears: BoolArray
) -> Slots:
    """Slots with what goes to each row by itself, once its gNB has sent all modules."""
    starts, ends = slots
    modules_sent = np.zeros(int(gnb.max()) + 1)
    np.maximum.at(modules_sent, gnb[hears], ends[hears])
    to_send = hears & (own_bits > 0)
    turn = gnb[to_send]
    start, end = _in_turn(turn, np.zeros_like(turn), own_bits[to_send], rate[to_send])
    length = ends[to_send] - starts[to_send] + end - start
    starts, ends = starts.copy(), ends.copy()
    ends[to_send] = modules_sent[turn] + end
    starts[to_send] = ends[to_send] - length
    return starts, ends


def _foundation_s(
    gnb: IntArray, rate: FloatArray, hears: BoolArray, foundation_bits: float
) -> FloatArray:
    """Time of the foundation model at each gNB, to all of its UEs. [S]."""
    gnbs = int(gnb.max()) + 1
    if not foundation_bits:
        return np.zeros(gnbs)
    return np.asarray(foundation_bits / rate_to_all(gnb[hears], rate[hears], gnbs))


def rate_to_all(group: IntArray, rate: FloatArray, groups: int) -> FloatArray:
    """Mean over blocks of the least rate above 0 in a group of rows; inf: no rows. [groups]."""
    blocks = rate.shape[1]
    place = group[:, None] * blocks + np.arange(blocks)
    flat = np.full(groups * blocks, np.inf)
    np.minimum.at(flat, place.ravel(), np.where(rate > 0, rate, np.inf).ravel())
    worst = flat.reshape(groups, blocks)
    some = np.bincount(group, minlength=groups) > 0
    worst[np.isinf(worst) & some[:, None]] = 0.0  # a block that none hears
    return np.asarray(worst.mean(axis=1))


def _together(gnb: IntArray, module: IntArray, payload_bits: FloatArray, rate: FloatArray) -> Slots:
    """Each module once."""
    if not len(gnb):
        return np.empty(0), np.empty(0)
    shape = (int(gnb.max()) + 1, int(module.max()) + 1)
    group = gnb * shape[1] + module
    groups = shape[0] * shape[1]
    worst = rate_to_all(group, rate, groups)
    size = _largest(group, payload_bits, groups)
    length = (size / worst).reshape(shape)  # 0 of a module that nobody at the gNB is to hear
    end = np.cumsum(length, axis=1)
    return (end - length).ravel()[group], end.ravel()[group]


def _largest(group: IntArray, payload_bits: FloatArray, groups: int) -> FloatArray:
    """Largest payload of each group of rows; 0 of none. [groups]."""
    largest = np.zeros(groups)
    np.maximum.at(largest, group, payload_bits)
    return largest


def _in_turn(gnb: IntArray, module: IntArray, payload_bits: FloatArray, rate: FloatArray) -> Slots:
    """Each row by itself."""
    length = payload_bits / rate.mean(axis=1)
    order = np.lexsort((module, gnb))
    total = np.cumsum(length[order])
    first = np.searchsorted(gnb[order], gnb[order])  # of the row's gNB
    before = np.concatenate([np.zeros(1), total])[first]
    end = np.empty(len(gnb))
    end[order] = total - before
    return end - length, end


def bits_once(
    cell: IntArray,
    module: IntArray,
    payload_bits: FloatArray,
    cells: int,
) -> FloatArray:
    """Bits of the modules of rows [M] at each gNB, each module once, at its largest. [G]."""
    modules = int(module.max(initial=0)) + 1
    largest = _largest(cell * modules + module, payload_bits, cells * modules)
    return np.asarray(largest.reshape(cells, modules).sum(axis=1))
