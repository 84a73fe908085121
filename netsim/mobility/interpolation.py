"""Positions between samples, for all UEs and times at once."""

from __future__ import annotations

import numpy as np

from netsim.traces.search import last_sample
from netsim.units import BoolArray, FloatArray, IntArray


def positions(
    first: IntArray,
    time_s: FloatArray,
    places_m: FloatArray,
    at_s: FloatArray,
    *,
    jump_m_s: float = np.inf,
    gap_s: float = np.inf,
) -> FloatArray:
    """Places at times, linear between samples. [K + 1], [M], [M, D], [T] -> [K, T, D].

    NaN before a UE's first and after its last sample. Of two samples at one time the later holds
    from then. Between samples that are further apart than `jump_m_s` covers, the UE stays and then
    jumps. Between samples that are more than `gap_s` apart it is absent.
    """
    index = last_sample(
        first[:-1],
        first[1:],
        time_s,
        at_s,
    )
    before = index < first[:-1, None]
    final = index == first[1:, None] - 1
    here = np.where(before, 0, index)
    there = np.where(before | final, here, index + 1)

    begin = time_s[here]
    length = time_s[there] - begin
    origin = places_m[here]
    move = places_m[there] - origin
    part = _part_of_leg(at_s - begin, length)
    if np.isfinite(jump_m_s):
        jumps: BoolArray = np.hypot(move[..., 0], move[..., 1]) > jump_m_s * length
        part = np.where(jumps, 0.0, part)

    after = at_s > begin
    absent = before | (final & after)
    if np.isfinite(gap_s):
        absent |= ~final & after & (length > gap_s)
    found = origin + part[..., None] * move
    return np.where(absent[..., None], np.nan, found)


def _part_of_leg(since_s: FloatArray, length_s: FloatArray) -> FloatArray:
    """How much of a leg has passed, 0 to 1; 0 of one that takes no time."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(length_s > 0, since_s / length_s, 0.0)
