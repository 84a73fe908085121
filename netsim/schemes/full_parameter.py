"""Full-parameter fine-tuning: federated averaging of the whole model, H. B. McMahan et al.,
"Communication-efficient learning of deep networks from decentralized data", AISTATS 2017; the
paper's benchmark without LoRA (Fig. 2).

Every weight is trained, sent and averaged by samples; the payload is the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import part
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.radio import SharedBand

FULL = 0  # the rank that stands for every weight


@dataclass
class FullParameter(Scheme):
    """All UEs train the whole model, without adapters."""

    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "full_parameter"
    citation: ClassVar[str] = "McMahan et al., AISTATS 2017"

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One module that holds every weight."""
        return (FULL,)

    def plan(self, observation: Observation) -> RoundPlan:
        """Everybody, every round."""
        return self.band.plan_all(observation)
