"""HierFAVG: L. Liu, J. Zhang, S. Song, K. B. Letaief, "Client-edge-cloud hierarchical federated
learning", IEEE ICC 2020, carried over to a LoRA adapter.

1. UEs take kappa_1 local steps (learning.local_steps) from the model of their gNB;
2. each gNB averages what arrives, weighted by samples, into a model of its own;
3. after every kappa_2 such rounds the gNBs send their models to the core, which averages them,
   weighted by the samples each has averaged since the last merge, and sends the result back.

Between merges nothing crosses the backhaul: gNBs start from what they have, and no time passes at
the core. In a round that merges every gNB sends its model, and fetches the merged one before the
next. With kappa_2 = 1 this is FedLoRA. It needs federation = "network" to be of use; one gNB alone
is averaged as always.

What is measured between merges is the model of the last merge. Ours: uploads may be lost, so the
weights are the samples that arrived, and a UE goes on from the model of the gNB that serves it; the
rounds of all gNBs begin together, so that between merges a fast cell waits for a slow one, which
the paper does not ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from netsim.plugins import parameter
from netsim.protocols import Aggregation, Observation, RoundPlan
from netsim.schemes.one_adapter import OneAdapter, tensor_bits
from netsim.units import IntArray

UNKNOWN = -1
"""Stands for a version of a model that is not the gNB's."""


@dataclass
class HierFavg(OneAdapter):
    """Each gNB averages on its own; every few rounds the core merges."""

    edge_rounds: int = parameter(2, "kappa_2, rounds of the gNBs for each merge at the core", ge=1)

    name: ClassVar[str] = "hierfavg"
    citation: ClassVar[str] = "Liu et al., ICC 2020"
    aggregation: ClassVar[str] = "hierarchical"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._since = 0  # rounds since the last merge, this one included
        self._gnb: IntArray | None = None  # [K] in the last round

    @property
    def outdates_uploads(self) -> str | None:
        """An older upload was trained on an older model of its gNB."""
        return "keep models at gNBs"

    @property
    def outdates_memories(self) -> str | None:
        """What a UE owes of its changes can go to another gNB, or later."""
        return None

    @property
    def _merges(self) -> bool:
        return self._since >= self.edge_rounds

    def rule(self) -> Aggregation:
        """The average in two tiers."""
        return Aggregation(self.aggregation, {"merge": self._merges})

    def look_back(self, observation: Observation) -> None:
        """Count rounds since the last merge. UEs that have moved to another gNB hold nothing.

        Where nothing at all has arrived the core has merged nothing, and the next round is to.
        """
        super().look_back(observation)
        previous = observation.previous
        if previous is None or (self._merges and previous.on_time.any()):
            self._since = 0
        self._since += 1
        assert self._held is not None
        if self._gnb is not None:
            self._held.held[self._gnb != observation.gnb] = UNKNOWN
        self._gnb = observation.gnb.copy()

    def plan(self, observation: Observation) -> RoundPlan:
        """Everybody; the backhaul carries models after, and before rounds that follow, a merge."""
        plan = super().plan(observation)
        if self.edge_rounds == 1:
            return plan
        bits = tensor_bits(observation)
        merged = self._since == 1 and observation.previous is not None
        return replace(
            plan,
            from_core_bits=bits if merged else 0.0,
            to_core_bits=bits if self._merges else 0.0,
        )

    def state(self) -> dict[str, Any]:
        """With the rounds since the last merge, and who was where."""
        if self._gnb is None:
            return super().state()
        return {**super().state(), "since": self._since, "gnb": self._gnb.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        super().restore(state)
        self._since = int(state.get("since", 0))
        self._gnb = state.get("gnb")
