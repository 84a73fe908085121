"""Which training rows each UE holds, trains on in a round, and is tested on.

How rows are dealt to UEs is drawn in worlds.py, or follows a column of the data (natural.py).

Symbols: K UEs, C classes, D domains; a cell is a class in a domain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from netsim.errors import DataError
from netsim.learning.data.datasets import Split
from netsim.rng import stream
from netsim.units import IntArray

UE_TEST_ROWS = 100  # least size of a UE's own test set (docs/model/risk-bound.md)


@dataclass(frozen=True)
class RowKeys:
    """What a partition goes by, for the rows of one split."""

    label: IntArray  # [rows] class
    domain: IntArray | None = None  # [rows] -1: none that the training rows have; None: no domains
    group: IntArray | None = None  # [rows] likewise, of a natural partition

    def take(self, rows: IntArray) -> RowKeys:
        """Those of some rows."""
        return RowKeys(
            label=self.label[rows],
            domain=_chosen(self.domain, rows),
            group=_chosen(self.group, rows),
        )

    def cell(self, classes: int) -> IntArray:
        """Class and domain as one number, -1 where the domain is not known. [rows]."""
        if self.domain is None:
            return self.label
        return np.where(self.domain < 0, -1, self.domain * classes + self.label)


@dataclass(frozen=True)
class KeyColumn:
    """A column that a partition goes by, and its values in the training rows."""

    name: str
    values: tuple[str, ...]

    @classmethod
    def of(cls, split: Split, name: str) -> KeyColumn:
        """The values in order. Raises InputError if the data have no such column."""
        return cls(name, tuple(sorted(set(split.column(name)))))

    def index(self, split: Split) -> IntArray:
        """Number of each row's value, -1 where the training rows do not have it. [rows]."""
        number = {value: index for index, value in enumerate(self.values)}
        column = split.column(self.name)
        return np.array([number.get(value, -1) for value in column], dtype=np.int64)


class Holdings(Protocol):
    """The rows that UEs hold."""

    def rows(self, ue: int) -> IntArray:
        """Training rows of a UE, in a fixed order."""
        ...

    def distinct(self) -> IntArray:
        """Number of different rows that each UE holds. [K]."""
        ...

    def shared(self) -> IntArray:
        """Number of these that another UE holds too. [K]."""
        ...


@dataclass(frozen=True)
class Partition:
    """Rows of K UEs over C classes."""

    holdings: Holdings
    cells: IntArray  # [K, D C] rows of each class in each domain that a UE holds
    classes: int
    validation: IntArray  # rows no UE holds: for learning rates and choices of the best module
    concept: IntArray  # [K] a UE takes class y for y + concept, modulo C
    domain: KeyColumn | None = None
    group: KeyColumn | None = None  # of a natural partition
    group_of_ue: IntArray | None = field(default=None)  # [K]

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def counts(self) -> IntArray:
        """Rows of each class that each UE holds, by its own labels. [K, C]."""
        by_domain = self.cells.reshape(len(self), -1, self.classes)
        by_class: IntArray = by_domain.sum(axis=1)
        if not self.concept.any():
            return by_class
        own = self.own_labels(np.arange(len(self))[:, None], np.arange(self.classes)[None, :])
        counts: IntArray = np.empty_like(by_class)
        np.put_along_axis(counts, own, by_class, axis=1)
        return counts

    @property
    def domain_counts(self) -> IntArray:
        """Rows of each domain that each UE holds. [K, D]; D is 1 where there are no domains."""
        by_domain = self.cells.reshape(len(self), -1, self.classes)
        counts: IntArray = by_domain.sum(axis=2)
        return counts

    @property
    def tasks_differ(self) -> bool:
        """UEs differ by more than the frequencies of their labels."""
        return bool(self.concept.any()) or self.domain is not None or self.group is not None

    def own_labels(self, ue: IntArray, label: IntArray) -> IntArray:
        """Classes `label` as UEs `ue` take them; the two broadcast."""
        own: IntArray = (label + self.concept[ue]) % self.classes
        return own

    def rows(self, ue: int) -> IntArray:
        """Training rows of a UE."""
        return self.holdings.rows(ue)

    def keys(self, split: Split) -> RowKeys:
        """What the partition goes by, for the rows of a split."""
        return RowKeys(
            label=split.label,
            domain=_index(self.domain, split),
            group=_index(self.group, split),
        )

    def round_samples(
        self,
        seed: int,
        round: int,
        ue: int,
        count: int,
    ) -> IntArray:
        """The D_k = `count` rows that a UE trains on in a round.

        Drawn without replacement; a UE with fewer rows goes through all of them again, in a new
        order.
        """
        generator = stream(seed, "learning.batch", ue, round)
        return in_turns(self.rows(ue), count, generator)


def _index(column: KeyColumn | None, split: Split) -> IntArray | None:
    if column is None:
        return None
    return column.index(split)


def _chosen(values: IntArray | None, rows: IntArray) -> IntArray | None:
    if values is None:
        return None
    return values[rows]


def ue_test_rows(
    partition: Partition,
    keys: RowKeys,
    seed: int,
    ue: int,
    count: int = UE_TEST_ROWS,
) -> IntArray:
    """D_k,te: `count` rows of the test split, drawn to the mixture that a UE holds.

    `keys` are those of the test split (docs/model/risk-bound.md). Counts of each class in each
    domain follow a multinomial law; their rows are drawn without replacement as long as there are
    any left. A cell that the test split lacks gives its part to the others. In a natural partition
    the rows of the UE's own group are drawn, if there are any. The same rows whatever the run does,
    and whichever other UEs there are.
    """
    generator = stream(seed, "learning.ue_test", ue)
    return _own_rows(partition, keys, ue, count, generator)


def ue_validation_rows(
    partition: Partition,
    keys: RowKeys,
    seed: int,
    ue: int,
    count: int = UE_TEST_ROWS,
) -> IntArray:
    """The same of validation rows with `keys`: a UE chooses its best module by them.

    Positions among these rows.
    """
    generator = stream(seed, "learning.ue_validation", ue)
    return _own_rows(partition, keys, ue, count, generator)


def _own_rows(
    partition: Partition,
    keys: RowKeys,
    ue: int,
    count: int,
    generator: np.random.Generator,
) -> IntArray:
    if partition.group_of_ue is not None and keys.group is not None:
        own = np.flatnonzero(keys.group == partition.group_of_ue[ue])
        if len(own):
            return in_turns(own, count, generator)
    held = partition.cells[ue]
    return _to_mixture(held, keys.cell(partition.classes), count, generator)


def _to_mixture(
    held: IntArray,
    cell: IntArray,
    count: int,
    generator: np.random.Generator,
) -> IntArray:
    """Indices of `count` of the rows with these cells, drawn to the mixture `held` [D C]."""
    pools = []
    for number in range(len(held)):
        pools.append(np.flatnonzero(cell == number))
    there = np.array([len(pool) > 0 for pool in pools])
    weight = held * there
    if not weight.any():
        rule = (
            "data.test_samples must leave measured rows of a class that a UE holds rows of, "
            "as data.samples_per_ue has them"
        )
        raise DataError(rule, value=held.tolist())
    drawn = generator.multinomial(count, weight / weight.sum())
    parts = []
    for pool, number in zip(pools, drawn.tolist(), strict=True):
        if number:
            parts.append(in_turns(pool, number, generator))
    return np.concatenate(parts)


def in_turns(
    rows: IntArray,
    count: int,
    generator: np.random.Generator,
) -> IntArray:
    """`count` of the rows without replacement; if there are fewer, all of them in turns.

    Each turn has an order of its own.
    """
    passes = -(-count // len(rows))
    orders = [generator.permutation(rows) for _ in range(passes)]
    return np.concatenate(orders)[:count]
