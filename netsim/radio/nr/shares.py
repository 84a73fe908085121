"""Shares of a band as whole resource blocks."""

from __future__ import annotations

import numpy as np

from netsim.units import FloatArray, IntArray


def whole_blocks(
    share: FloatArray,
    blocks: int,
    free: int | None = None,
) -> IntArray:
    """Resource blocks of each upload of one gNB, [M], from its share of the band, [M].

    blocks: of the whole band. free: those that may be given away; None: all.

    Every upload with a share gets at least one block and otherwise the whole part of share times
    blocks; what is left of the sum goes, one block each, to the largest remainders (at a tie to the
    first). Where there are more uploads than blocks, those with the smallest shares wait with none.
    """
    wanted = np.asarray(share, dtype=np.float64) * blocks
    most = blocks if free is None else free
    asking = int(np.count_nonzero(wanted > 0))
    whole = int(wanted.sum() + 1e-6)  # shares that sum to 1 may fall short by rounding
    total = min(max(whole, asking), most)
    by_size = np.argsort(-wanted, kind="stable")
    served = by_size[: min(asking, most)]
    found = np.zeros(len(wanted), dtype=np.int64)
    whole_part = np.floor(wanted[served] + 1e-9)
    found[served] = np.maximum(whole_part, 1.0)
    left = total - int(found.sum())
    if left > 0:
        _give(found, wanted, served, left)
    else:
        _take(found, wanted, -left)
    return found


def _give(
    found: IntArray,
    wanted: FloatArray,
    served: IntArray,
    count: int,
) -> None:
    """Adds one block to each of the `count` largest remainders, in place."""
    ascending = np.sort(served)
    remainder = wanted[ascending] - found[ascending]
    order = np.argsort(-remainder, kind="stable")
    chosen = ascending[order[:count]]
    found[chosen] += 1


def _take(
    found: IntArray,
    wanted: FloatArray,
    count: int,
) -> None:
    """Takes back blocks that the guaranteed ones cost, from the smallest remainders, in place."""
    for _ in range(count):
        excess = np.where(found > 1, found - wanted, -np.inf)
        found[int(np.argmax(excess))] -= 1


def on_whole_blocks(
    share: FloatArray,
    cell: IntArray,
    free_share: FloatArray,
    blocks: int,
) -> FloatArray:
    """Shares of the uploads of several gNBs on whole resource blocks; 0 for those that wait. [M].

    cell: gNB of each upload. free_share: part of its gNB's band that may be given away.
    """
    found = np.zeros(len(share))
    for one in np.unique(cell):
        rows = np.flatnonzero(cell == one)
        free = int(free_share[rows[0]] * blocks + 1e-6)
        found[rows] = whole_blocks(share[rows], blocks, free)
    return found / blocks
