"""FlexLoRA: J. Bai et al., "Federated fine-tuning of large language models under heterogeneous
tasks and client resources", 2024, arXiv:2402.11505 ([7] of the paper).

1. each UE trains the common adapter at a rank of its own: the first rows of A and columns of B;
2. the products B A, not the factors, are averaged by samples;
3. an SVD gives the adapter of the next round; truncated to a UE's rank, it is the SVD at that rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from netsim.plugins import part
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.one_adapter import products_to_core
from netsim.schemes.radio import SharedBand
from netsim.schemes.ue_ranks import UeRanks


@dataclass
class FlexLora(Scheme):
    """One adapter at each UE's own rank; products are averaged and redistributed by SVD."""

    own: UeRanks = part(UeRanks)
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "flexlora"
    citation: ClassVar[str] = "Bai et al., arXiv:2402.11505, 2024"

    @property
    def averages(self) -> bool:
        """Products are averaged."""
        return False

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One adapter of the largest rank, whatever is configured."""
        largest = max(self.own.ue_ranks)
        return (largest,)

    @property
    def outdates_memories(self) -> str | None:
        """What is owed of a factor does not fit to another factor of the same product."""
        return "make A and B anew"

    def plan(self, observation: Observation) -> RoundPlan:
        """Everybody, every round, each at its rank."""
        rank = self.own.of(len(observation.gnb))
        plan = self.band.plan_all(observation, rank)
        to_core = products_to_core(observation, averages=False)
        return replace(plan, aggregation="redistribution", to_core_bits=to_core)
