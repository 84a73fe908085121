"""Positions between samples, for all UEs and times at once."""

from __future__ import annotations

import numpy as np

from netsim.units import BoolArray, FloatArray, IntArray


def last_sample(first: IntArray, time_s: FloatArray, at_s: FloatArray) -> IntArray:
    """Index of each UE's last sample at or before each time; first[k] - 1 where there is none.

    UE k has the samples first[k]..first[k + 1] of `time_s` [M], in order. [K + 1], [M], [T] -> [K, T].
    A binary search in all UEs at once.
    """
    shape = (len(first) - 1, len(at_s))
    low = np.broadcast_to(first[:-1, None], shape).copy()  # the answer plus 1 lies in low..high
    high = np.broadcast_to(first[1:, None], shape).copy()
    longest = int(np.diff(first).max(initial=0))
    for _ in range(longest.bit_length()):
        middle = (low + high) >> 1
        open_ = low < high
        passed = time_s[np.minimum(middle, len(time_s) - 1)] <= at_s
        low = np.where(open_ & passed, middle + 1, low)
        high = np.where(open_ & ~passed, middle, high)
    return np.asarray(low - 1)


def positions(
    first: IntArray,
    time_s: FloatArray,
    places_m: FloatArray,
    at_s: FloatArray,
    *,
    jump_m_s: float = np.inf,
) -> FloatArray:
    """Places at times, linear between samples. [K + 1], [M], [M, D], [T] -> [K, T, D].

    NaN before a UE's first and after its last sample. Of two samples at one time the later holds from then.
    Between samples that are further apart than `jump_m_s` covers, the UE stays and then jumps.
    """
    index = last_sample(first, time_s, at_s)
    before = index < first[:-1, None]
    final = index == first[1:, None] - 1
    here = np.where(before, 0, index)
    there = np.where(before | final, here, index + 1)
    begin, end = time_s[here], time_s[there]
    length = end - begin
    origin, move = places_m[here], places_m[there] - places_m[here]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(length > 0, (at_s - begin) / length, 0.0)
    if np.isfinite(jump_m_s):
        jumps: BoolArray = np.hypot(move[..., 0], move[..., 1]) > jump_m_s * length
        part = np.where(jumps, 0.0, part)
    found = origin + part[..., None] * move
    absent = before | (final & (at_s > begin))
    return np.where(absent[..., None], np.nan, found)
