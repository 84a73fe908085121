"""A round that is over, as the tables see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netsim.device.power import gnb_energy_j
from netsim.protocols import RoundPlan
from netsim.simulation.state import Payloads, Round, Rules
from netsim.simulation.uploads.outcomes import Books
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class ClosedRound:
    """One round with the books of those of its uploads that are over; M of them at G gNBs."""

    round: Round  # with all rows, whether they go on or not
    books: Books
    rules: Rules
    payloads: Payloads
    bandwidth_hz: float
    core: int | None  # site of the core node, where several gNBs learn

    @cached_property
    def cell(self) -> IntArray:
        """[M] position of each row's gNB among the round's."""
        return self.round.cells.index_of(self.books.uploads.gnb)

    def count(self, rows: BoolArray) -> IntArray:
        """How many of the rows [M] that are marked belong to each gNB. [G]."""
        return np.bincount(self.cell[rows], minlength=len(self.round.cells))

    def total(
        self,
        values: FloatArray,
        rows: BoolArray | None = None,
    ) -> FloatArray:
        """Sums over the rows, or those that are marked, of each gNB. [G]."""
        kept = np.ones(len(self.cell), dtype=bool) if rows is None else rows
        summed = np.bincount(
            self.cell[kept],
            values[kept],
            minlength=len(self.round.cells),
        )
        return np.asarray(summed, dtype=np.float64)

    @property
    def gnb_energy_j(self) -> FloatArray:
        """Of each gNB from the round's start at the core to its end. [G]."""
        round_ = self.round
        uploads = round_.uploads
        heard_s = uploads.slot_end_s - uploads.opened_s
        heard = round_.own & (uploads.slot_bits > 0)
        return gnb_energy_j(
            self.rules.gnb_power,
            len(round_.cells),
            round_.cell[heard],
            heard_s[heard],
            round_.end_s - round_.start_s,
        )

    @property
    def plan(self) -> RoundPlan:
        """The round's plan."""
        return self.round.plan
