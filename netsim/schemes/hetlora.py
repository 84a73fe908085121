"""HetLoRA: Y. J. Cho et al., "Heterogeneous LoRA for federated fine-tuning of on-device foundation
models", EMNLP 2024 ([6] of the paper).

1. distribution by truncation: UE k gets the first r_k rows of A and columns of B;
2. local training with a regulariser on the last ranks,
   lambda sum |B[:, gamma r:]|_F |A[gamma r:, :]|_F;
3. self-pruning: a UE whose tail has shrunk during training continues with rank
   max(r_min, floor(gamma r_k)) and sends no more than that, so that its payload is known only once
   it has trained;
4. sparsity-weighted aggregation of the zero-padded uploads, A and B apart.

A rank that no upload covers in a round dies; see `learning.aggregation.zero_padding`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from netsim.plugins import Limited, parameter, part
from netsim.protocols import Observation, RoundPlan, Scheme, Tail
from netsim.schemes.radio import SharedBand
from netsim.schemes.ue_ranks import UeRanks
from netsim.units import IntArray


@dataclass
class HetLora(Limited, Scheme):
    """One adapter at each UE's own rank, which self-pruning lowers; zero-padded averaging."""

    own: UeRanks = part(UeRanks)
    regularisation: float = parameter(0.01, "lambda, weight of the norms of the last ranks", ge=0)
    gamma: float = parameter(0.99, "part of the ranks that is not the tail", gt=0, lt=1)
    prune: bool = parameter(True, "self-pruning; needs training, so no network-only runs")
    least_rank: int | None = parameter(None, "r_min; if not set, the smallest of ue_ranks", ge=1)
    retain_uncovered_ranks: bool = parameter(
        False, "ranks that no upload covers stay instead of dying"
    )
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "hetlora"
    citation: ClassVar[str] = "Cho et al., EMNLP 2024"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._rank: IntArray | None = None

    @property
    def tail(self) -> Tail:
        """The regulariser of the last ranks, and what pruning leaves."""
        return Tail(
            weight=self.regularisation,
            kept=self.gamma,
            prune=self.prune,
            least_rank=self.least_rank or min(self.own.ue_ranks),
        )

    @property
    def needs_learning(self) -> bool:
        """What a UE sends depends on its training."""
        return self.prune

    @property
    def averages(self) -> bool:
        """Weights are by norms, and ranks differ."""
        return False

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One adapter of the largest rank, whatever is configured."""
        largest = max(self.own.ue_ranks)
        return (largest,)

    def plan(self, observation: Observation) -> RoundPlan:
        """Everybody, every round, each at the rank that pruning has left it."""
        rank = self._learn(observation)
        plan = self.band.plan_all(observation, rank)
        return replace(
            plan,
            aggregation="zero_padding_retaining" if self.retain_uncovered_ranks else "zero_padding",
            redeem="before_uplink" if self.prune else "at_close",
        )

    def _learn(self, observation: Observation) -> IntArray:
        """Ranks [K] after the pruning of the previous round, whether its uploads arrived or not."""
        if self._rank is None:
            self._rank = self.own.of(len(observation.gnb))
        previous = observation.previous
        if previous is not None and previous.rank is not None:
            sent = previous.rank >= 0
            self._rank = self._rank.copy()
            self._rank[previous.plan.ue[sent]] = previous.rank[sent]
        return self._rank

    def state(self) -> dict[str, Any]:
        """Everybody's rank, once it is known."""
        if self._rank is None:
            return {}
        return {"rank": self._rank}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._rank = state.get("rank")
