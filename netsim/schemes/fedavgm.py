"""FedAvgM: T.-M. H. Hsu, H. Qi, M. Brown, "Measuring the effects of non-identical data distribution
for federated visual classification", 2019, arXiv:1909.06335; on FedLoRA.

1. UEs train and send the common adapter;
2. with g the averaged way back, weighted by samples, the server has v <- beta v + g and goes
   w <- w - rate v.

`learning.server.optimizer = "fedavgm"` does the same in any other scheme whose rule is an average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import Limited, parameter, part
from netsim.protocols import Optimisation, ServerSteps
from netsim.schemes.fedlora import FedLora
from netsim.schemes.variant import Variant


@dataclass
class FedAvgM(Limited, Variant):
    """FedLoRA with momentum at the server."""

    inner: FedLora = part(FedLora)
    rate: float = parameter(1.0, "eta, of the server's steps", gt=0)
    beta: float = parameter(0.9, "part of the last step that goes on", ge=0, lt=1)

    name: ClassVar[str] = "fedavgm"
    citation: ClassVar[str] = "Hsu et al., arXiv:1909.06335, 2019"

    @property
    def optimisation(self) -> Optimisation:
        """Momentum."""
        return Optimisation(server=ServerSteps("fedavgm", self.rate, beta1=self.beta))
