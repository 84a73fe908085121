"""SCAFFOLD: S. P. Karimireddy, S. Kale, M. Mohri, S. J. Reddi, S. U. Stich, A. T. Suresh,
"SCAFFOLD: stochastic controlled averaging for federated learning", ICML 2020, arXiv:1910.06378; on
FedLoRA.

1. UEs hear the adapter x and the server's control variate c;
2. each step is corrected by c - c_i, with the UE's own variate c_i; then c_i becomes the mean of
   its gradients (option II);
3. they send how x and c_i have changed: twice the bits of FedLoRA, both ways;
4. the server steps along the average with a rate of its own, and c follows.

What is ours in it, weights, lost uploads and local Adam: `learning.aggregation.control_variates`.
`learning.control_variates` puts the same beside any other scheme whose rule is an average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import Limited, parameter, part
from netsim.protocols import Optimisation, ServerSteps
from netsim.schemes.fedlora import FedLora
from netsim.schemes.variant import Variant


@dataclass
class Scaffold(Limited, Variant):
    """FedLoRA with control variates against the drift of UEs; twice the traffic."""

    inner: FedLora = part(FedLora)
    rate: float = parameter(1.0, "eta_g, of the server's steps", gt=0)

    name: ClassVar[str] = "scaffold"
    citation: ClassVar[str] = "Karimireddy et al., ICML 2020"

    @property
    def optimisation(self) -> Optimisation:
        """Control variates, and steps of the server's."""
        return Optimisation(server=ServerSteps(rate=self.rate), control_variates=True)
