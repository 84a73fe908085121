"""Greedy switching: J. Wang et al., "A federated fine-tuning paradigm of foundation models in
heterogenous wireless networks", Section V, Fig. 4: the short-term slice of (8a) in each round.

Algorithm 2 without the long-term constraint (7d): no participation rate, so that the dual stays 0,
and (12) takes what is best for the next round alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import part
from netsim.schemes.model_switching import ModelSwitching
from netsim.schemes.variant import Variant


@dataclass
class Greedy(Variant):
    """Algorithm 2 that looks at one round only: no participation constraint, duals 0."""

    inner: ModelSwitching = part(ModelSwitching, fixed={"participation": 0.0, "dual_step": None})

    name: ClassVar[str] = "greedy"
    citation: ClassVar[str] = "Wang et al., Section V, Fig. 4"
