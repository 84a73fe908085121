"""The natural partition: each UE holds the rows of one value of a column, a user or a site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.errors import InputError
from netsim.learning.data.datasets import Split
from netsim.learning.data.partition import KeyColumn, Partition
from netsim.learning.data.pools import shuffled_pools
from netsim.rng import stream
from netsim.units import IntArray


@dataclass(frozen=True)
class ListedRows:
    """Each UE's rows by name; no row is held twice (partition.Holdings)."""

    parts: tuple[IntArray, ...]  # [K]

    def rows(self, ue: int) -> IntArray:
        """Training rows of a UE."""
        return self.parts[ue]

    def distinct(self) -> IntArray:
        """Number of different rows that each UE holds. [K]."""
        return np.array([len(part) for part in self.parts], dtype=np.int64)

    def shared(self) -> IntArray:
        """Number of these that another UE holds too. [K]."""
        return np.zeros(len(self.parts), dtype=np.int64)


def natural_partition(
    split: Split,
    column: str,
    *,
    ues: int,
    seed: int,
    validation_fraction: float,
    concept: IntArray,
) -> Partition:
    """Deal the values of a column to the UEs, in an order drawn under `seed`. Raises InputError.

    Where there are more values than UEs, the rows of some values are left out; where there are
    fewer, UEs share a value and its rows are divided among them. `concept` [K] are the UEs' concept
    groups (worlds.py).
    """
    classes = int(split.label.max()) + 1
    validation, pools = shuffled_pools(split.label, classes, validation_fraction, seed)
    group = KeyColumn.of(split, column)
    values = group.values
    number = group.index(split)
    order = stream(seed, "learning.natural").permutation(len(values))
    group_of_ue = order[np.arange(ues) % len(values)]

    kept = np.sort(np.concatenate(pools))
    parts = []
    for ue in range(ues):
        own = kept[number[kept] == group_of_ue[ue]]
        turn = ue // len(values)
        sharing = -(-(ues - ue % len(values)) // len(values))
        part = own[turn::sharing]
        if not len(part):
            rule = f"each UE must hold a row; {column} {values[group_of_ue[ue]]!r} has too few"
            raise InputError(rule, value=len(own))
        parts.append(part)
    counts = [np.bincount(split.label[part], minlength=classes) for part in parts]
    return Partition(
        holdings=ListedRows(tuple(parts)),
        cells=np.array(counts, dtype=np.int64),
        classes=classes,
        validation=validation,
        concept=concept,
        group=group,
        group_of_ue=group_of_ue,
    )
