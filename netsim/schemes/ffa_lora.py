"""FFA-LoRA: Y. Sun, Z. Li, Y. Li, B. Ding, "Improving LoRA in privacy-preserving federated
learning", ICLR 2024, arXiv:2403.12313.

1. A is drawn once and frozen at all UEs; as it follows from the run's seed, it is never sent;
2. UEs train B (and the head), and send no more than that: half of the bits where A and B are alike;
3. the server averages B, weighted by samples. As all share A, avg(B) A = avg(B A): the average of
   the factors is that of the products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.protocols import HEAD, LORA_B
from netsim.schemes.one_adapter import OneAdapter


@dataclass
class FfaLora(OneAdapter):
    """One common adapter whose A is frozen."""

    name: ClassVar[str] = "ffa_lora"
    citation: ClassVar[str] = "Sun et al., ICLR 2024"

    def trained(self, round: int) -> int:
        """B and the head."""
        return LORA_B | HEAD
