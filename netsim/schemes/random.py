"""Random scheduling: H. H. Yang et al., "Scheduling policies for federated learning in wireless
networks", IEEE Trans. Commun. 68(1), 2020 ([11] of the paper), extended to N adapters, dealt out in
turn.

In each round, each gNB draws `ues_per_round` of its UEs uniformly without replacement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim import rng
from netsim.plugins import part
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.group import GroupSize
from netsim.schemes.radio import SharedBand


@dataclass
class Random(Scheme):
    """A group of UEs drawn anew in each round; adapters take turns."""

    group: GroupSize = part(GroupSize)
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "random"
    citation: ClassVar[str] = "Yang et al., IEEE Trans. Commun. 68(1), 2020"

    def plan(self, observation: Observation) -> RoundPlan:
        """The UEs with the largest marks, one mark drawn per UE in index order."""
        draws = rng.stream(observation.seed, "random_scheduling", observation.round)
        mark = draws.random(len(observation.gnb))
        ue = self.group.largest(observation, mark)
        return self.band.plan(
            observation,
            ue,
            adapter_in_turn(observation, ue),
        )
