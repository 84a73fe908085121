"""Proportional-fair scheduling: H. H. Yang et al., "Scheduling policies for federated learning in
wireless networks", IEEE Trans. Commun. 68(1), 2020 ([11] of the paper), extended to N adapters,
dealt out in turn.

In each round, those `ues_per_round` UEs of a gNB with the largest ratio of their instantaneous SNR
to its time average. The gNB measures the SNR of a round before it schedules, so this policy needs
one fading draw per upload.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import part
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.group import GroupSize
from netsim.schemes.radio import SharedBand


@dataclass
class ProportionalFair(Scheme):
    """The UEs whose channel is best against its own average; adapters take turns."""

    group: GroupSize = part(GroupSize)
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "proportional_fair"
    citation: ClassVar[str] = "Yang et al., IEEE Trans. Commun. 68(1), 2020"

    def plan(self, observation: Observation) -> RoundPlan:
        """Power and noise are the same now and on average: the ratio of SNRs is that of gains."""
        gain, _ = observation.channel()
        ratio = gain / observation.signal_gain
        ue = self.group.largest(observation, ratio)
        return self.band.plan(
            observation,
            ue,
            adapter_in_turn(observation, ue),
        )
