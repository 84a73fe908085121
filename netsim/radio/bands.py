"""Where in its gNB's band each upload lies, and which uploads of different cells overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.units import FloatArray, IntArray

SEARCHED = 1 << 16
"""Victims times cells that are looked up at a time: bounds the memory."""


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
    edges = _Edges.of(cell, low_hz, high_hz)
    found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]
    step = max(1, SEARCHED // max(1, victims))
    for begin in range(0, len(edges.cells), step):
        end = min(begin + step, len(edges.cells))
        found.append(edges.pairs(np.arange(begin, end), cell[:victims]))
    victim, source = (np.concatenate(parts) for parts in zip(*found, strict=True))
    upper = np.minimum(high_hz[victim], high_hz[source])
    hz = upper - np.maximum(low_hz[victim], low_hz[source])
    kept = hz > 0
    return Overlaps(victim[kept], source[kept], hz[kept])


@dataclass(frozen=True)
class _Edges:
    """Edges of the bands of T uploads in C cells, as whole numbers that keep their order.

    Those of a cell come behind those of the cells before it, so that one search finds the
    neighbours of many uploads in many cells.
    """

    by: IntArray  # [U] uploads whose band is not empty, cell by cell, from the lower end
    cells: IntArray  # [C]
    low: IntArray  # [T] number of each lower edge in the order of all edges
    high: IntArray  # [T] and of each upper one
    beyond: int  # above all these numbers
    lows: IntArray  # [U] those of `by`, behind the cells before their own
    highs: IntArray  # [U]

    @classmethod
    def of(
        cls,
        cell: IntArray,
        low_hz: FloatArray,
        high_hz: FloatArray,
    ) -> _Edges:
        by = np.lexsort((low_hz, cell))
        by = by[high_hz[by] > low_hz[by]]  # an empty band may lie out of order, by rounding
        is_first = np.diff(cell[by], prepend=-1) != 0

        every = np.concatenate([low_hz, high_hz])
        low, high = np.split(np.unique(every, return_inverse=True)[1], 2)
        behind = (np.cumsum(is_first) - 1) * len(every)
        return cls(
            by=by,
            cells=cell[by[is_first]],
            low=low,
            high=high,
            beyond=len(every),
            lows=behind + low[by],
            highs=behind + high[by],
        )

    def pairs(self, some: IntArray, cell: IntArray) -> tuple[IntArray, IntArray]:
        """(victims, sources) with the sources in `some` of the cells, by number.

        `cell` [V] is that of each victim; these are the first uploads.
        """
        victims = len(cell)
        behind = some[:, None] * self.beyond
        first = np.searchsorted(self.highs, behind + self.low[:victims], side="right")
        last = np.searchsorted(self.lows, behind + self.high[:victims], side="left")
        count = np.maximum(last - first, 0)
        count[self.cells[some][:, None] == cell] = 0
        return _pairs(
            np.tile(np.arange(victims), len(some)),
            self.by,
            first.ravel(),
            count.ravel(),
        )


def _pairs(
    victim: IntArray,
    source: IntArray,
    first: IntArray,
    count: IntArray,
) -> tuple[IntArray, IntArray]:
    """Each victim [V] with `count` [V] sources, in a row from `first` [V]: (victims, sources)."""
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(victim, count), source[np.repeat(first, count) + step]
