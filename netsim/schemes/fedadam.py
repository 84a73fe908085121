"""FedAdam: S. J. Reddi, Z. Charles, M. Zaheer, Z. Garrett, K. Rush, J. Konecny, S. Kumar,
H. B. McMahan, "Adaptive federated optimization", ICLR 2021, arXiv:2003.00295; on FedLoRA.

1. UEs train and send the common adapter;
2. with g the averaged way back, weighted by samples, the server has
   m <- beta1 m + (1 - beta1) g and v <- beta2 v + (1 - beta2) g^2,
   and goes w <- w - rate m / (sqrt(v) + tau).

`learning.server.optimizer = "fedadam"` does the same in any other scheme whose rule is an average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.schemes.adaptive_server import AdaptiveServer


@dataclass
class FedAdam(AdaptiveServer):
    """FedLoRA with Adam at the server."""

    name: ClassVar[str] = "fedadam"
    citation: ClassVar[str] = "Reddi et al., ICLR 2021"
    optimizer: ClassVar[str] = "fedadam"
