"""The sample that holds at a time, for many series and times at once."""

from __future__ import annotations

import numpy as np

from netsim.units import FloatArray, IntArray


def last_sample(first: IntArray, end: IntArray, time_s: FloatArray, at_s: FloatArray) -> IntArray:
    """Index of the last sample at or before each time, of each series; first[k] - 1 where there is
    none.

    Series k has the samples first[k]..end[k] - 1 of `time_s` [M], in order. [K], [K], [M], [T] ->
    [K, T]. A binary search in all series at once.
    """
    shape = (len(first), len(at_s))
    low = np.broadcast_to(first[:, None], shape).copy()  # the answer plus 1 lies in low..high
    high = np.broadcast_to(end[:, None], shape).copy()
    longest = int((end - first).max(initial=0))
    for _ in range(longest.bit_length()):
        middle = (low + high) >> 1
        open_ = low < high
        passed = time_s[np.minimum(middle, len(time_s) - 1)] <= at_s
        low = np.where(open_ & passed, middle + 1, low)
        high = np.where(open_ & ~passed, middle, high)
    return np.asarray(low - 1)
