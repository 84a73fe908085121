"""FLoRA: Z. Wang, Z. Shen, Y. He, G. Sun, H. Wang, L. Lyu, A. Li, "FLoRA: federated fine-tuning
large language models with heterogeneous low-rank adaptations", NeurIPS 2024, arXiv:2409.05976.

1. in each round UEs start from a new adapter of their own rank, which follows from the run's seed,
   train it, and send A and B (and the head);
2. the server stacks the factors, those of UE k weighted by its samples: the stack's product is the
   weighted sum of the products, without an error;
3. UEs hear the stack, as many ranks as have arrived, and add its product to their frozen weights.

What is heard grows with the arrivals, up to the weights themselves. Who was away hears of all
rounds since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netsim.plugins import parameter
from netsim.protocols import HEAD, Observation, Stacked
from netsim.schemes.one_adapter import OneAdapterOnBase, products_to_core
from netsim.schemes.ue_ranks import UeRanks
from netsim.units import IntArray


@dataclass
class FLora(OneAdapterOnBase):
    """A new adapter in each round; the sum of the products goes to the frozen weights."""

    ue_ranks: tuple[int, ...] | None = parameter(
        None, "rank of UE k is entry k mod their number; if not set, all have `rank`"
    )

    name: ClassVar[str] = "flora"
    citation: ClassVar[str] = "Wang et al., NeurIPS 2024"
    aggregation: ClassVar[str] = "stacking"
    hears: ClassVar[int] = HEAD

    def __post_init__(self) -> None:
        super().__post_init__()
        self._ranks = None if self.ue_ranks is None else UeRanks(self.ue_ranks)

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One adapter of the largest rank."""
        return (self.rank if self.ue_ranks is None else max(self.ue_ranks),)

    def rank_of(self, ues: int) -> IntArray | None:
        """Those of UEs, where they differ."""
        return None if self._ranks is None else np.asarray(self._ranks.of(ues))

    def to_core(self, observation: Observation) -> Stacked:
        """The stack, or the sum of the products."""
        return products_to_core(observation, averages=False)
