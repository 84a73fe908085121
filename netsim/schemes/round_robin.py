"""Round-robin: H. H. Yang et al., "Scheduling policies for federated learning in wireless networks",
IEEE Trans. Commun. 68(1), 2020 ([11] of the paper), extended to N adapters.

UEs take turns in groups of `ues_per_round`, and the adapters are dealt out in turn: UE k works on
adapter (k + t) mod N in round t, so that in N rounds each adapter has seen every UE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from netsim.errors import ScenarioError
from netsim.protocols import Observation, RoundPlan
from netsim.schemes.base import equal_share_plan


@dataclass
class RoundRobin:
    """UEs and adapters take turns; equal shares of the band at P_max."""

    ues_per_round: int | None = field(
        default=None, metadata={"meaning": "UEs scheduled per round; default all"}
    )

    name: ClassVar[str] = "round_robin"
    citation: ClassVar[str] = "Yang et al., IEEE Trans. Commun. 68(1), 2020"

    def __post_init__(self) -> None:
        if self.ues_per_round is not None and self.ues_per_round < 1:
            raise ScenarioError(
                "must be at least 1", where="scenario: scheme.ues_per_round", value=self.ues_per_round
            )

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """The adapters as configured."""
        return tuple(configured)

    def plan(self, observation: Observation) -> RoundPlan:
        """The next group of UEs, each with the adapter whose turn it is."""
        count = len(observation.distance_m)
        group = min(self.ues_per_round or count, count)
        first = (observation.round - 1) * group
        ue = np.sort((first + np.arange(group)) % count)
        return equal_share_plan(observation, ue, (ue + observation.round) % len(observation.payload_bits))

    def state(self) -> dict[str, Any]:
        """The turn follows from the round number."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The turn follows from the round number."""
