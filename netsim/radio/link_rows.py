"""Links between UEs and sites, as columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netsim.arrays import ArrayTable
from netsim.units import BoolArray, IntArray


@dataclass
class LinkRows(ArrayTable):
    """R links, each in one attempt at an upload."""

    ue: IntArray
    site: IntArray
    attempt: IntArray  # 1, 2, ...
    begun_round: IntArray  # to which the draws of an attempt belong

    def __len__(self) -> int:
        return len(self.ue)

    def attempts(self) -> Iterator[tuple[int, int, BoolArray | slice]]:
        """(round, attempt, [R] the rows in it) for all that occur."""
        if not len(self):
            return
        begun, attempt = int(self.begun_round[0]), int(self.attempt[0])
        same = (self.begun_round == begun) & (self.attempt == attempt)
        if same.all():
            yield begun, attempt, slice(None)
            return
        pairs = np.stack([self.begun_round, self.attempt], axis=1)
        for begun, attempt in np.unique(pairs, axis=0).tolist():
            yield begun, attempt, (self.begun_round == begun) & (self.attempt == attempt)
