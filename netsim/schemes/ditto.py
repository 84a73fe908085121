"""Ditto: T. Li, S. Hu, A. Beirami, V. Smith, "Ditto: fair and robust federated learning through
personalization", ICML 2021, arXiv:2012.04221.

1. UEs train and send the common adapter w, which the server averages: federated averaging;
2. beside it, each trains a module v_k of its own, by as many steps of the same optimiser on
   F_k(v) + lambda / 2 |v - w|^2, with w as it was downloaded; v_k stays at its UE;
3. a UE answers by its own module. The larger lambda, the nearer it is to the common one.

On the air this is FedLoRA, but for what UEs hold already, which is not sent again; computing takes
twice the time and energy. All UEs that train go on from their new v_k, whether their uploads arrive
or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from netsim.plugins import parameter
from netsim.protocols import Aggregation
from netsim.schemes.one_adapter import OneAdapter


@dataclass
class Ditto(OneAdapter):
    """One common adapter, and a whole module of each UE's own beside it."""

    weight: float = parameter(0.1, "lambda, what draws a UE's own module to the common one", ge=0)

    name: ClassVar[str] = "ditto"
    citation: ClassVar[str] = "Li et al., ICML 2021"
    redeem: ClassVar[Literal["at_close", "before_uplink"]] = "before_uplink"
    work: ClassVar[float] = 2.0

    def rule(self) -> str | Aggregation:
        """The average, with personal modules beside it."""
        return Aggregation("average_and_personal", {"weight": self.weight})
