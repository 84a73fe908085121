"""When UEs compute their modules, one after the other."""

from __future__ import annotations

import numpy as np

from netsim.units import FloatArray, IntArray


def computing_times_s(
    downloaded_s: FloatArray,
    first: IntArray,
    one_s: FloatArray,
    limit_s: FloatArray | float,
) -> tuple[FloatArray, FloatArray]:
    """When the computing of each row begins (at most at the limit), and would be done. [M], [M].

    Rows of a UE follow one another; the first ones are `first`. Each takes `one_s` [M].
    """
    count = len(downloaded_s)
    start = np.zeros(count, dtype=np.int64)
    start[first] = first
    turn = np.arange(count) - np.maximum.accumulate(start)  # 0, 1, ... within each UE
    begin_s = np.minimum(downloaded_s + turn * one_s, limit_s)
    return begin_s, begin_s + one_s


def part_computed(
    begin_s: FloatArray,
    done_s: FloatArray,
    one_s: FloatArray,
    limit_s: FloatArray | float,
) -> FloatArray:
    """Part of the work that is done by the limit. [M]."""
    part = np.clip(
        (limit_s - begin_s) / one_s,
        0.0,
        1.0,
    )
    return np.where(done_s <= limit_s, 1.0, part)


def part_done(
    start_s: FloatArray,
    end_s: FloatArray,
    until_s: FloatArray | float,
) -> FloatArray:
    """Part of each activity that is over at `until_s`: 0 or 1 of one that takes no time."""
    length_s = end_s - start_s
    at_once = np.where(until_s >= end_s, 1.0, 0.0)
    broken = (length_s > 0) & (until_s < end_s)
    part = np.divide(
        until_s - start_s,
        length_s,
        out=at_once,
        where=broken,
    )
    return np.asarray(np.clip(part, 0.0, 1.0))
