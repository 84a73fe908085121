"""Where in its gNB's band each upload lies, and which uploads of different cells overlap."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class Overlaps:
    """Pairs of transmitters of different cells whose bands overlap; each ordered pair once."""

    victim: IntArray  # [L]
    source: IntArray  # [L]
    hz: FloatArray  # [L] width of the overlap


def stacked_bands(
    cell: IntArray,
    bandwidth_hz: FloatArray,
    order: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper edge of each upload, Hz from the start of its gNB's band. Shapes [T].

    A cell's uploads lie side by side, by `order`, from the lower end.
    """
    by = np.lexsort((order, cell))
    width = bandwidth_hz[by]
    top = np.cumsum(width)
    first = np.flatnonzero(np.diff(cell[by], prepend=-1))  # of each cell
    count = np.diff(np.append(first, len(by)))
    base = np.repeat((top - width)[first], count)
    high = np.empty(len(by))
    high[by] = top - base
    return high - bandwidth_hz, high


def overlaps(
    cell: IntArray,
    low_hz: FloatArray,
    high_hz: FloatArray,
    victims: int,
) -> Overlaps:
    """Overlapping pairs among T transmitters; only the first `victims` of them are interfered with.

    Bands of one cell do not overlap. Two cells of K and L uploads give at most K + L - 1 pairs.
    """
    by = np.lexsort((low_hz, cell))
    by = by[high_hz[by] > low_hz[by]]  # an empty band may lie out of order, by rounding
    bounds = np.flatnonzero(np.diff(cell[by], prepend=-1, append=-1)).tolist()
    found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]
    everyone = np.arange(victims)
    for begin, end in pairwise(bounds):
        inside = by[begin:end]  # the uploads of one cell
        foreign = everyone[cell[:victims] != cell[inside[0]]]
        first = np.searchsorted(
            high_hz[inside],
            low_hz[foreign],
            side="right",
        )
        last = np.searchsorted(
            low_hz[inside],
            high_hz[foreign],
            side="left",
        )
        found.append(
            _pairs(
                foreign,
                inside,
                first,
                np.maximum(last - first, 0),
            )
        )
    victim, source = (np.concatenate(parts) for parts in zip(*found, strict=True))
    upper = np.minimum(high_hz[victim], high_hz[source])
    hz = upper - np.maximum(low_hz[victim], low_hz[source])
    kept = hz > 0
    return Overlaps(victim[kept], source[kept], hz[kept])


def _pairs(
    victim: IntArray,
    source: IntArray,
    first: IntArray,
    count: IntArray,
) -> tuple[IntArray, IntArray]:
    """Each victim [V] with `count` [V] sources, in a row from `first` [V]: (victims, sources)."""
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(victim, count), source[np.repeat(first, count) + step]
