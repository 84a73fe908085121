"""A round that is over, as the tables see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netsim.device.power import gnb_energy_j
from netsim.protocols import RoundPlan
from netsim.records import OUTCOMES
from netsim.simulation.state import Payloads, Round, Rules
from netsim.simulation.uploads.outcomes import NOT_READY, Books
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

    @cached_property
    def ready(self) -> BoolArray | slice:
        """Rows that were sent; a slice, of which nothing is copied, where all were."""
        ready = self.books.uploads.ready
        return slice(None) if ready.all() else ready

    def outcomes(self) -> IntArray:
        """How many rows of each gNB ended how: not ready, then by outcome code. [5, G]."""
        cells, kinds = len(self.round.cells), 1 + len(OUTCOMES)
        place = (self.books.outcome - NOT_READY) * cells + self.cell
        return np.bincount(place, minlength=kinds * cells).reshape(kinds, cells)

    def totals(self, values: Mapping[str, FloatArray]) -> dict[str, NDArray[Any]]:
        """Sums over the rows [M] of each gNB. [G]."""
        cell, cells = self.cell, len(self.round.cells)
        return {name: np.bincount(cell, given, cells) for name, given in values.items()}

    @property
    def gnb_energy_j(self) -> FloatArray | float:
        """Of each gNB from the round's start at the core to its end, [G]; NaN: unknown."""
        round_, power = self.round, self.rules.gnb_power
        if power is None:
            return np.nan
        uploads = round_.uploads
        heard_s = uploads.slot_end_s - uploads.opened_s
        heard = round_.own & (uploads.slot_bits > 0)
        return gnb_energy_j(
            power,
            len(round_.cells),
            round_.cell[heard],
            heard_s[heard],
            round_.end_s - round_.start_s,
        )

    @property
    def plan(self) -> RoundPlan:
        """The round's plan."""
        return self.round.plan
