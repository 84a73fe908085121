"""Energy-constrained switching: J. Wang et al., "A federated fine-tuning paradigm of foundation
models in heterogenous wireless networks", Section V, Fig. 4 ("w/ energy constraints"): Algorithm 2
with mu > 0.

The figure sets it against Algorithm 2 with mu = 0. Its mu is not given; the default is the larger
of the two of Fig. 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.errors import ScenarioError
from netsim.plugins import part
from netsim.schemes.model_switching import ModelSwitching
from netsim.schemes.variant import Variant


@dataclass
class EnergyConstrained(Variant):
    """Algorithm 2 with a high price of energy in switching and power control."""

    inner: ModelSwitching = part(ModelSwitching, mu=1e6)

    name: ClassVar[str] = "energy_constrained"
    citation: ClassVar[str] = "Wang et al., Section V, Fig. 4"

    def __post_init__(self) -> None:
        rule = "must be above 0: without a price of energy this is model_switching"
        if not self.inner.mu > 0:
            raise ScenarioError(
                rule,
                where="scenario: scheme.mu",
                value=self.inner.mu,
            )
        if not self.inner.mu_scale > 0:
            raise ScenarioError(
                rule,
                where="scenario: scheme.mu_scale",
                value=self.inner.mu_scale,
            )
