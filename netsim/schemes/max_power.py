"""Maximum power: J. Wang et al., "A federated fine-tuning paradigm of foundation models in
heterogenous wireless networks", Section V, Fig. 5: P = P_max, without the power control of (21).

Switching and Algorithm 1 stay as in Algorithm 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import part
from netsim.schemes.model_switching import ModelSwitching
from netsim.schemes.variant import Variant


@dataclass
class MaxPower(Variant):
    """Algorithm 2 in which everybody transmits at P_max."""

    inner: ModelSwitching = part(ModelSwitching, fixed={"power_control": False})

    name: ClassVar[str] = "max_power"
    citation: ClassVar[str] = "Wang et al., Section V, Fig. 5"
