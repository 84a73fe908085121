"""Round-robin: H. H. Yang et al., "Scheduling policies for federated learning in wireless
networks", IEEE Trans. Commun. 68(1), 2020 ([11] of the paper), extended to N adapters.

UEs of a gNB take turns in groups of `ues_per_round`, and the adapters are dealt out in turn: UE k
works on adapter (k + t) mod N in round t, so that in N rounds each adapter has seen every UE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netsim.plugins import part
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.group import GroupSize
from netsim.schemes.radio import SharedBand, gnb_ues


@dataclass
class RoundRobin(Scheme):
    """UEs and adapters take turns."""

    group: GroupSize = part(GroupSize, ues_per_round=None)
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "round_robin"
    citation: ClassVar[str] = "Yang et al., IEEE Trans. Commun. 68(1), 2020"

    def plan(self, observation: Observation) -> RoundPlan:
        """The next group of each gNB's UEs, each with the adapter whose turn it is."""
        rounds = observation.round - 1
        turn = np.zeros(len(observation.gnb))
        for ue in gnb_ues(observation):
            count = len(ue)
            first = rounds * self.group.of(count)
            waits = (np.arange(count) - first) % count
            turn[ue] = -waits
        ue = self.group.largest(observation, turn)
        return self.band.plan(
            observation,
            ue,
            adapter_in_turn(observation, ue),
        )
