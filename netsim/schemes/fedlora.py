"""FedLoRA: Z. Chen et al., "The role of federated learning in a wireless world with foundation models",
IEEE Wireless Commun. 31(3), 2024 ([4] of the paper): one common adapter for everybody.

A and B are averaged separately, weighted by samples. avg(B) avg(A) is not avg(BA): that is the method.
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
class FedLora:
    """All UEs train one common adapter; equal shares of the band at P_max."""

    rank: int = field(default=8, metadata={"meaning": "rank of the common adapter"})

    name: ClassVar[str] = "fedlora"
    citation: ClassVar[str] = "Chen et al., IEEE Wireless Commun. 31(3), 2024"

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ScenarioError("must be at least 1", where="scenario: scheme.rank", value=self.rank)

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One adapter, whatever is configured."""
        return (self.rank,)

    def plan(self, observation: Observation) -> RoundPlan:
        """Everybody, every round."""
        ues = np.arange(len(observation.distance_m))
        return equal_share_plan(observation, ues, np.zeros_like(ues))

    def state(self) -> dict[str, Any]:
        """Nothing is remembered."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing is remembered."""
