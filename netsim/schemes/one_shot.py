"""One-shot switching: J. Wang et al., "A federated fine-tuning paradigm of foundation models in
heterogenous wireless networks", Section V, Fig. 4: model switching once, vanilla FedLoRA
thereafter.

Step 2 of Algorithm 2 decides once, in the first round; the subscriptions then stay. Power and
bandwidth (step 1) go on following the channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netsim.plugins import part
from netsim.protocols import Observation, RoundPlan
from netsim.schemes.model_switching import ModelSwitching
from netsim.schemes.variant import Variant

DECIDED = ("subscribed", "fraction", "dual")  # by step 2, for the next round


@dataclass
class OneShot(Variant):
    """Algorithm 2 that switches once; subscriptions stay, power and bandwidth do not."""

    inner: ModelSwitching = part(ModelSwitching)

    name: ClassVar[str] = "one_shot"
    citation: ClassVar[str] = "Wang et al., Section V, Fig. 4"

    def plan(self, observation: Observation) -> RoundPlan:
        """Algorithm 2; from the second round on, the decisions of step 2 are undone."""
        before = self.inner.state()
        plan = self.inner.plan(observation)
        if before:
            kept = {name: before[name] for name in DECIDED}
            self.inner.restore({**self.inner.state(), **kept})
        return plan
