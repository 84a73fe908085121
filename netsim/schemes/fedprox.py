"""FedProx: T. Li, A. K. Sahu, M. Zaheer, M. Sanjabi, A. Talwalkar, V. Smith, "Federated
optimization in heterogeneous networks", MLSys 2020, arXiv:1812.06127; on FedLoRA.

1. UEs train the common adapter on F_k(w) + mu / 2 |w - w_t|^2, with w_t as it was downloaded;
2. the server averages what arrives, weighted by samples.

Here all UEs take the same local steps; the paper lets slow ones take fewer. `learning.prox_weight`
puts the same term beside any other scheme.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import Limited, parameter, part
from netsim.protocols import Optimisation
from netsim.schemes.fedlora import FedLora
from netsim.schemes.variant import Variant


@dataclass
class FedProx(Limited, Variant):
    """FedLoRA whose UEs are drawn to the adapter that they downloaded."""

    inner: FedLora = part(FedLora)
    prox_weight: float = parameter(0.01, "mu, what draws UEs back", ge=0)

    name: ClassVar[str] = "fedprox"
    citation: ClassVar[str] = "Li et al., MLSys 2020"

    @property
    def optimisation(self) -> Optimisation:
        """The proximal term."""
        return Optimisation(prox_weight=self.prox_weight)
