"""Where in its gNB's band each upload lies, and which uploads of different cells overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class Overlaps:
    """Pairs of transmitters of different cells whose bands overlap; each ordered pair once."""

    victim: IntArray  # [L]
    source: IntArray  # [L]
    hz: FloatArray  # [L] width of the overlap


def stacked_bands(
    cell: IntArray, bandwidth_hz: FloatArray, order: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper edge of each upload, Hz from the start of its gNB's band. Shapes [T].

    A cell's uploads lie side by side, by `order`, from the lower end.
    """
    by = np.lexsort((order, cell))
    top = np.cumsum(bandwidth_hz[by])
    first = np.flatnonzero(np.diff(cell[by], prepend=-1))
    base = np.repeat((top - bandwidth_hz[by])[first], np.diff(np.append(first, len(by))))
    high = np.empty(len(by))
    high[by] = top - base
    return high - bandwidth_hz, high


def overlaps(cell: IntArray, low_hz: FloatArray, high_hz: FloatArray, victims: int) -> Overlaps:
    """Overlapping pairs among T transmitters; only the first `victims` of them are interfered with.

    Bands of one cell do not overlap. Two cells of K and L uploads give at most K + L - 1 pairs.
    """
    by = np.lexsort((low_hz, cell))
    bounds = np.flatnonzero(np.diff(cell[by], prepend=-1, append=-1))
    parts: list[tuple[IntArray, IntArray]] = []
    everyone = np.arange(victims)
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        inside = by[begin:end]
        foreign = everyone[cell[:victims] != cell[inside[0]]]
        first = np.searchsorted(high_hz[inside], low_hz[foreign], side="right")
        last = np.searchsorted(low_hz[inside], high_hz[foreign], side="left")
        count = np.maximum(last - first, 0)
        victim = np.repeat(foreign, count)
        step = np.arange(len(victim)) - np.repeat(np.cumsum(count) - count, count)
        parts.append((victim, inside[np.repeat(first, count) + step]))
    victim = np.concatenate([p[0] for p in parts]) if parts else np.empty(0, dtype=np.int64)
    source = np.concatenate([p[1] for p in parts]) if parts else np.empty(0, dtype=np.int64)
    hz = np.minimum(high_hz[victim], high_hz[source]) - np.maximum(low_hz[victim], low_hz[source])
    kept = hz > 0
    return Overlaps(victim[kept], source[kept], hz[kept])
