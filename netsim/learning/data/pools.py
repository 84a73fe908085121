"""Rows dealt from shuffled pools, one for each class (in each domain).

Symbols: K UEs, one pool per cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netsim.rng import stream
from netsim.units import IntArray


@dataclass(frozen=True)
class PooledRows:
    """UE k takes the next rows of each pool (partition.Holdings).

    Adding UEs leaves the rows of the others as they are. An exhausted pool starts again at its
    beginning: its rows are then held by several UEs.
    """

    counts: IntArray  # [K, cells] rows that each UE holds of each pool
    pools: tuple[IntArray, ...]

    @cached_property
    def offset(self) -> IntArray:
        """Where each UE's rows begin in the endless repetition of each pool. [K, cells]."""
        first: IntArray = np.cumsum(self.counts, axis=0) - self.counts
        return first

    def rows(self, ue: int) -> IntArray:
        """Training rows of a UE, cell by cell."""
        parts = []
        for number, pool in enumerate(self.pools):
            count = self.counts[ue, number]
            if count:
                index = (self.offset[ue, number] + np.arange(count)) % len(pool)
                parts.append(pool[index])
        return np.concatenate(parts)

    def distinct(self) -> IntArray:
        """Number of different rows that each UE holds. [K]."""
        sizes = np.array([len(pool) for pool in self.pools])
        distinct: IntArray = np.minimum(self.counts, sizes).sum(axis=1)
        return distinct

    def shared(self) -> IntArray:
        """Number of these that another UE holds too. [K]."""
        total = np.zeros(len(self.counts), dtype=np.int64)
        offset = self.offset
        for number, pool in enumerate(self.pools):
            if self.counts[:, number].sum() > len(pool):
                total += _shared(offset[:, number], self.counts[:, number], len(pool))
        return total


def _shared(start: IntArray, count: IntArray, size: int) -> IntArray:
    """Places of a pool of `size` rows that each UE has, and another one too. [K].

    UE k has the `count[k]` places from `start[k]` on, modulo the size.
    """
    taken = int(count.sum())
    copies = -(-(taken - np.arange(size)) // size)  # of each place, over all UEs
    several = np.concatenate([[0], np.cumsum(copies > 1)])
    first = start % size
    end = first + np.minimum(count, size)
    in_first_turn = several[np.minimum(end, size)] - several[first]
    in_second_turn = several[np.maximum(end - size, 0)]
    found: IntArray = in_first_turn + in_second_turn
    for ue in np.flatnonzero(count > size).tolist():  # it has some places more than once itself
        own = np.bincount((start[ue] + np.arange(count[ue])) % size, minlength=size)
        found[ue] = int((copies > own).sum())
    return found


def shuffled_pools(
    cell: IntArray,
    cells: int,
    validation_fraction: float,
    seed: int,
) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Validation rows, and the others shuffled cell by cell.

    `cell` [rows] is each row's pool. Of each pool `validation_fraction` is set aside; one row
    always stays.
    """
    validation = []
    pools = []
    for number in range(cells):
        of_cell = np.flatnonzero(cell == number)
        rows = stream(seed, "learning.pool", number).permutation(of_cell)
        reserved = max(0, min(int(validation_fraction * len(rows)), len(rows) - 1))
        validation.append(rows[:reserved])
        pools.append(rows[reserved:])
    return np.sort(np.concatenate(validation)), tuple(pools)
