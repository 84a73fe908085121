"""LoRA-FAIR: J. Bian, L. Wang, L. Zhang, J. Xu, "LoRA-FAIR: federated LoRA fine-tuning with
aggregation and initialization refinement", ICCV 2025, arXiv:2411.14961.

1. UEs train and send A and B (and the head);
2. the server averages A and B, and corrects avg(B) so that its product with avg(A) comes near the
   average of the products, with a weight on the size of the correction;
3. UEs go on from avg(A) and the corrected B: no more is heard than in FedLoRA.

The paper measures nearness by a cosine and corrects by gradient steps; the squared distance, whose
least is known, is ours (learning/aggregation/exact_average.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import parameter
from netsim.protocols import Aggregation, Observation, Stacked
from netsim.schemes.one_adapter import OneAdapter, products_to_core


@dataclass
class LoraFair(OneAdapter):
    """One common adapter, whose averaged B is refined."""

    weight: float = parameter(0.01, "lambda, on the square of the correction", gt=0)

    name: ClassVar[str] = "lora_fair"
    citation: ClassVar[str] = "Bian et al., ICCV 2025"

    def rule(self) -> str | Aggregation:
        """The refined average."""
        return Aggregation("refined_average", {"weight": self.weight})

    def to_core(self, observation: Observation) -> Stacked:
        """The average and the sum of the products."""
        return products_to_core(observation, averages=True)
