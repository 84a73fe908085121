"""FedPer: M. G. Arivazhagan, V. Aggarwal, A. K. Singh, S. Choudhary, "Federated learning with
personalization layers", 2019, arXiv:1912.00818; here with the head as the personal layers.

1. UEs train the base layers, here the common adapter, and their personal layers together;
2. they send the base layers; the personal ones, here the head, stay at their UEs;
3. the server averages the base layers, weighted by samples.

All UEs that train go on from their new head, whether their uploads arrive or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from netsim.protocols import LORA_A, LORA_B
from netsim.schemes.one_adapter import OneAdapter


@dataclass
class FedPer(OneAdapter):
    """One common adapter; each UE has a head of its own."""

    name: ClassVar[str] = "fedper"
    citation: ClassVar[str] = "Arivazhagan et al., arXiv:1912.00818, 2019"
    redeem: ClassVar[Literal["at_close", "before_uplink"]] = "before_uplink"

    @property
    def needs_head(self) -> bool:
        """The heads are the personal layers."""
        return True

    def sent(self, round: int) -> int:
        """The adapter without its head."""
        return LORA_A | LORA_B
