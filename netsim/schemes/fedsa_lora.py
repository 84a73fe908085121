"""FedSA-LoRA: P. Guo, S. Zeng, Y. Wang, H. Fan, F. Wang, L. Qu, "Selective aggregation for low-rank
adaptation in federated learning", ICLR 2025, arXiv:2410.01463.

1. UEs train A and B (and the head) of one common adapter;
2. they send A, which learns what is general; B, which learns what is particular, stays at its UE;
3. the server averages A, weighted by samples, and UEs put it before their own B.

All UEs that train go on from their new B, whether their uploads arrive or not. The head is
averaged, or stays, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from netsim.plugins import parameter
from netsim.protocols import HEAD, LORA_A
from netsim.schemes.one_adapter import OneAdapter


@dataclass
class FedSaLora(OneAdapter):
    """One common A; each UE has a B of its own."""

    local_head: bool = parameter(False, "the head stays at its UE, as B does")

    name: ClassVar[str] = "fedsa_lora"
    citation: ClassVar[str] = "Guo et al., ICLR 2025"
    redeem: ClassVar[Literal["at_close", "before_uplink"]] = "before_uplink"

    @property
    def needs_head(self) -> bool:
        """Where it is to stay."""
        return self.local_head

    def sent(self, round: int) -> int:
        """A, and the head where it is common."""
        return LORA_A if self.local_head else LORA_A | HEAD
