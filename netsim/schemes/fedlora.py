"""FedLoRA: Z. Chen et al., "The role of federated learning in a wireless world with foundation
models", IEEE Wireless Commun. 31(3), 2024 ([4] of the paper): one common adapter for everybody.

A and B are averaged separately, weighted by samples. avg(B) avg(A) is not avg(BA): that is the
method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import Limited, parameter, part
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.radio import SharedBand


@dataclass
class FedLora(Limited, Scheme):
    """All UEs train one common adapter."""

    rank: int = parameter(8, "rank of the common adapter", ge=1)
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "fedlora"
    citation: ClassVar[str] = "Chen et al., IEEE Wireless Commun. 31(3), 2024"

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One adapter, whatever is configured."""
        return (self.rank,)

    def plan(self, observation: Observation) -> RoundPlan:
        """Everybody, every round."""
        return self.band.plan_all(observation)
