"""FedLoRA with an adaptive optimiser at the server: a base class for FedAdam and FedYogi.

S. J. Reddi et al., "Adaptive federated optimization", ICLR 2021, arXiv:2003.00295.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import Limited, parameter, part
from netsim.protocols import Optimisation, ServerSteps
from netsim.schemes.fedlora import FedLora
from netsim.schemes.variant import Variant


@dataclass
class AdaptiveServer(Limited, Variant):
    """FedLoRA whose server steps by moments of the averages."""

    inner: FedLora = part(FedLora)
    rate: float = parameter(0.01, "eta, of the server's steps", gt=0)
    beta1: float = parameter(0.9, "decay of the mean", ge=0, lt=1)
    beta2: float = parameter(0.99, "decay of the squares", ge=0, lt=1)
    adaptivity: float = parameter(1e-3, "tau, added to the root of the squares", gt=0)
    bias_correction: bool = parameter(False, "of both moments, as Adam has it; the paper has none")

    optimizer: ClassVar[str]

    @property
    def optimisation(self) -> Optimisation:
        """The optimiser."""
        steps = ServerSteps(
            self.optimizer,
            self.rate,
            beta1=self.beta1,
            beta2=self.beta2,
            adaptivity=self.adaptivity,
            bias_correction=self.bias_correction,
        )
        return Optimisation(server=steps)
