"""Joint scheduling and bandwidth: W. Shi et al., "Joint device scheduling and resource allocation
for latency constrained wireless federated learning", IEEE Trans. Wireless Commun. 20(1), 2021 ([12]
of the paper), extended to N adapters, dealt out in turn.

1. bandwidth: given UEs all finish their round at the same time, so more band goes to worse channels
   and to those that compute slowly;
2. scheduling: UEs join in the order of the time they cost, as long as the round stays within its
   budget.

The paper trades the length of a round against the number of rounds in a total budget. Here the
budget of a round is given, and as many UEs as possible take part. For one start of the uploads
these are the UEs with the smallest needs; under the barrier, where a slow UE delays all, every
possible start is tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netsim.allocation.admission import admit
from netsim.allocation.cell_view import CellView
from netsim.allocation.staggered import allocate_staggered
from netsim.allocation.uplinks import required_shares
from netsim.plugins import Limited, parameter
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.radio import BELOW_ONE, LONG_S, gnb_ues, join
from netsim.units import FloatArray, IntArray

MOST_STARTS = 64
"""Starts tried at most; of more possible ones, evenly spread quantiles."""


@dataclass
class JointScheduling(Limited, Scheme):
    """As many UEs as can finish together within a time budget; adapters take turns."""

    budget_s: float | None = parameter(
        None, "time a round may take, s; if not set, its deadline", gt=0
    )

    name: ClassVar[str] = "joint_scheduling"
    citation: ClassVar[str] = "Shi et al., IEEE Trans. Wireless Commun. 20(1), 2021"

    @property
    def reckons_rates(self) -> bool:
        """Who takes part follows from how long uploads would take."""
        return True

    def plan(self, observation: Observation) -> RoundPlan:
        """At each gNB: who takes part, then the shares with which they finish together."""
        view = CellView.of(observation)
        parts = [
            self._plan_cell(
                observation,
                view,
                self._schedule(observation, view, mine),
            )
            for mine in gnb_ues(observation)
        ]
        return join(parts)

    def _plan_cell(
        self,
        observation: Observation,
        view: CellView,
        ue: IntArray,
    ) -> RoundPlan:
        """Uploads of the scheduled UEs of one gNB."""
        module = adapter_in_turn(observation, ue)
        computed_s, _ = observation.computed(ue, module)
        if observation.barrier and len(ue):
            computed_s = np.full(len(ue), computed_s.max())
        power = np.full(len(ue), observation.max_power_w)
        cell = view.select(ue)
        signal, interference, noise = cell.link(power)
        found = allocate_staggered(
            signal,
            interference,
            observation.payload_bits[module],
            computed_s,
            bandwidth_hz=cell.rate_hz,
            noise_psd_w_hz=noise,
        )
        return RoundPlan(
            ue=ue,
            module=module,
            share=observation.free_share[ue] * found.shares,
            power_w=power,
        )

    def _schedule(
        self,
        observation: Observation,
        view: CellView,
        ue: IntArray,
    ) -> IntArray:
        """As many of one gNB's UEs as fit in the budget; at a tie, those that start first."""
        module = adapter_in_turn(observation, ue)
        computed_s, ready = observation.computed(ue, module)
        if not ready.any():
            return ue[:0]
        start_s = computed_s[np.newaxis]
        if observation.barrier:
            start_s = _starts(computed_s[ready])[:, np.newaxis]
        budget_s = (
            min(
                self.budget_s or LONG_S,
                observation.deadline_s,
                LONG_S,
            )
            * BELOW_ONE
        )
        joins = ready & (computed_s <= start_s)  # [start, UE]
        left_s = np.where(joins, budget_s - start_s, 0.0)
        cell = view.select(ue)
        signal, interference, noise = cell.link(np.full(len(ue), observation.max_power_w))
        need = required_shares(
            signal,
            interference,
            observation.payload_bits[module],
            np.maximum(left_s, 0.0),
            bandwidth_hz=cell.rate_hz,
            noise_psd_w_hz=noise,
        )
        admitted = np.array([admit(row) for row in need])
        most = int(np.argmax(admitted.sum(axis=1)))
        return np.asarray(ue[admitted[most]])


def _starts(computed_s: FloatArray) -> FloatArray:
    """When the uploads might start together: once one of the UEs has computed, ascending."""
    found = np.unique(computed_s)
    if len(found) > MOST_STARTS:
        found = np.quantile(
            found,
            np.linspace(0.0, 1.0, MOST_STARTS),
            method="higher",
        )
    return np.asarray(found)
