"""The sample that holds at a time, for many series and times at once."""

from __future__ import annotations

import numpy as np

from netsim.units import FloatArray, IntArray


def last_sample(
    first: IntArray,
    end: IntArray,
    time_s: FloatArray,
    at_s: FloatArray,
) -> IntArray:
    """Index of the last sample at or before each time. [K], [K], [M], [T] -> [K, T].

    Series k has the samples first[k]..end[k] - 1 of `time_s`, in order; first[k] - 1 stands for
    none. A binary search in all series at once.
    """
    shape = (len(first), len(at_s))
    low = np.broadcast_to(first[:, None], shape).copy()  # the answer plus 1 lies in low..high
    high = np.broadcast_to(end[:, None], shape).copy()
    longest = int((end - first).max(initial=0))
    final = len(time_s) - 1
    for _ in range(longest.bit_length()):
        middle = (low + high) >> 1
        undecided = low < high
        passed = time_s[np.minimum(middle, final)] <= at_s
        low = np.where(undecided & passed, middle + 1, low)
        high = np.where(undecided & ~passed, middle, high)
    return np.asarray(low - 1)
