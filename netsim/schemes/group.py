"""How many UEs a scheduling policy lets upload in a round: a parameter that several share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.plugins import Limited, parameter
from netsim.protocols import Observation
from netsim.schemes.radio import gnb_ues
from netsim.units import FloatArray, IntArray


@dataclass
class GroupSize(Limited):
    """Most UEs of a gNB per round."""

    ues_per_round: int | None = parameter(
        10, "UEs of a gNB scheduled per round; if not set, all", ge=1
    )

    def of(self, ues: int) -> int:
        """Size of a group of `ues` UEs."""
        wanted = self.ues_per_round or ues
        return min(wanted, ues)

    def largest(self, observation: Observation, mark: FloatArray) -> IntArray:
        """The available UEs with the largest marks [K] at each gNB, ascending over all gNBs."""
        chosen = [np.empty(0, dtype=np.int64)]
        for ue in gnb_ues(observation):
            size = self.of(len(ue))
            if size < len(ue):
                order = np.argsort(-mark[ue], kind="stable")
                ue = ue[order[:size]]
            chosen.append(ue)
        everywhere = np.concatenate(chosen)
        return np.sort(everywhere)
