"""RoLoRA: S. Chen, Y. Guo, Y. Ju, H. Dalal, Z. Zhu, A. Khisti, "Robust federated finetuning of LLMs
via alternating optimization of LoRA", NeurIPS 2025, arXiv:2502.01755.

1. in odd rounds UEs freeze A and train B; the server averages B, weighted by samples;
2. in even rounds they freeze B and train A; the server averages A;
3. so each average of factors is an average of products, and each upload is one factor. A UE hears
   what has changed since it last listened: the other factor, where it took part the round before.

The head is trained and averaged in every round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.protocols import HEAD, LORA_A, LORA_B
from netsim.schemes.one_adapter import OneAdapter


@dataclass
class RoLora(OneAdapter):
    """One common adapter whose factors are trained in turn."""

    name: ClassVar[str] = "rolora"
    citation: ClassVar[str] = "Chen et al., NeurIPS 2025"

    def trained(self, round: int) -> int:
        """B in odd rounds, A in even ones; the head in all."""
        factor = LORA_B if round % 2 else LORA_A
        return factor | HEAD
