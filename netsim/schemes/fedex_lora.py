"""FedEx-LoRA: R. Singhal, K. Ponkshe, P. Vepakomma, "FedEx-LoRA: exact aggregation for federated
and efficient fine-tuning of large language models", ACL 2025, arXiv:2410.09432.

1. UEs train and send A and B (and the head);
2. the server averages A and B apart, and forms what the product of the averages misses:
   residual = avg(B A) - avg(B) avg(A), by samples;
3. UEs add the residual to their frozen weights, so that base and adapter are the exact average.

The residual of K uploads at rank r has rank K r at most, so that UEs hear (K + 1) r ranks with the
averages, or, where that is less, the weights themselves. Who was away hears of all rounds since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.protocols import Observation, Stacked
from netsim.schemes.one_adapter import OneAdapterOnBase, products_to_core


@dataclass
class FedExLora(OneAdapterOnBase):
    """One common adapter; what its average misses goes to the frozen weights."""

    name: ClassVar[str] = "fedex_lora"
    citation: ClassVar[str] = "Singhal et al., ACL 2025"
    aggregation: ClassVar[str] = "residual_to_base"

    def to_core(self, observation: Observation) -> Stacked:
        """The average and the sum of the products."""
        return products_to_core(observation, averages=True)
