"""Split federated LoRA: Z. Wang, Y. Zhou, Y. Shi, K. B. Letaief, "Federated fine-tuning for
pre-trained foundation models over wireless networks", 2024, arXiv:2407.02924, with the lower layers
of the encoder at the UE, as in split federated learning (C. Thapa et al., "SplitFed: when federated
learning meets split learning", AAAI 2022, its first version).

In each of the tau local steps of a round:

1. the UE runs the lower c layers on its samples, adapters included, and sends what comes out, one
   hidden state for each token, and the labels;
2. its gNB runs the upper layers and the head on them, goes back through them, moves its copies of
   their adapters and of the head for this UE, and sends the gradient of what it has got;
3. the UE goes back through its layers and moves their adapters.

After the round the UE sends its adapters, and the server averages everything, lower and upper
parts, over the UEs whose uploads have arrived. So what is learnt is what FedLoRA learns: a cut
changes where gradients are computed, not the gradients. What it costs is another matter:

    up      tau T h b + 32 D + c / L of the adapter     T tokens of D samples, width h, b bits each
    down    tau T h b to this UE alone + c / L of the adapter, where the UE lacks it
    UE      c / L of the computing, in time and energy
    gNB     the other (1 - c / L), at its speed divided by the UEs it trains with, in time

Tokens are counted in the texts themselves, without padding; in network-only runs there are none,
and `tokens_per_sample` counts.

The paper's cut keeps the embedding and the task module at the UE and the encoder at the server;
its scheduling by a Lyapunov bound on convergence is left out. Ours: the cut between layers, and
that the transfers of all steps are charged together, downloads before and uploads after the
computing. That is the time of a UE whose steps follow one another in its own share of the band; it
does not let the gradients of one UE go down while another computes. What a UE waits for its gNB
stands after its computing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from netsim.errors import RunError, ScenarioError
from netsim.plugins import parameter
from netsim.protocols import LORA_A, LORA_B, WHOLE, Exchange, Observation, RoundPlan, Training
from netsim.schemes.one_adapter import OneAdapter
from netsim.units import FloatArray

LABEL_BITS = 32.0


@dataclass
class SplitLora(OneAdapter):
    """UEs compute the lower layers, gNBs the upper ones; activations and gradients go between."""

    ue_layers: int = parameter(1, "c, lower layers of the model that are at the UE", ge=1)
    activation_bits: float = parameter(
        32.0, "b, bits of each number of an activation or of its gradient", gt=0
    )
    server_hz: float = parameter(1e11, "speed of a gNB's computing, divided by its UEs, Hz", gt=0)
    tokens_per_sample: float = parameter(
        32.0, "tokens of one sample where no texts are known, in network-only runs", gt=0
    )

    name: ClassVar[str] = "split_lora"
    citation: ClassVar[str] = "Wang et al., arXiv:2407.02924, 2024"

    def exchange(self, observation: Observation) -> Exchange:
        """That of the adapter, cut, with activations up and gradients down. [K]."""
        whole = super().exchange(observation)
        training = observation.training
        if training is None or training.cycles is None:
            raise RunError("split_lora must know the model that is cut")
        shape = training.shape()
        if self.ue_layers >= shape.layers:
            raise ScenarioError(
                f"must be below the number of layers of model.path, {shape.layers}: the head is "
                "at the gNB",
                where="scenario: scheme.ue_layers",
                value=self.ue_layers,
            )
        lower = self.ue_layers / shape.layers
        hidden_bits = self._tokens(observation, training) * shape.hidden * self.activation_bits
        labels = LABEL_BITS * observation.samples
        peers = np.bincount(observation.gnb, observation.available)[observation.gnb]
        return Exchange(
            trained=whole.trained,
            sent=whole.sent,
            heard=whole.heard,
            on_air=lower * _adapter_share(observation),
            more_up_bits=training.local_steps * hidden_bits + labels,
            own_down_bits=training.local_steps * hidden_bits,
            work=lower,
            server_s=(1 - lower) * training.cycles * peers / self.server_hz,
        )

    @property
    def sends_more(self) -> str | None:
        """In every step, and labels; the upper part of the adapter is at the gNB as it is."""
        return "activations"

    def plan(self, observation: Observation) -> RoundPlan:
        """The core and the gNBs exchange whole adapters: the upper part is at the gNB."""
        plan = super().plan(observation)
        adapter = np.zeros(1, dtype=np.int64)
        whole_bits = float(observation.payload_of(adapter)[0])
        wanted = bool(np.any(plan.exchange.heard))
        return replace(plan, from_core_bits=whole_bits * wanted, to_core_bits=whole_bits)

    def _tokens(self, observation: Observation, training: Training) -> FloatArray:
        """Of each UE's samples of the round. [K]."""
        if training.tokens is None:
            return np.asarray(self.tokens_per_sample * observation.samples)
        everybody = np.arange(len(observation.gnb))
        counted = training.tokens(observation.round, everybody)
        return np.asarray(counted, dtype=np.float64)


def _adapter_share(observation: Observation) -> float:
    """Part of the module's bits that is not the head's."""
    adapter = np.zeros(1, dtype=np.int64)
    factors, *_ = observation.payload_of(adapter, None, LORA_A | LORA_B)
    whole, *_ = observation.payload_of(adapter, None, WHOLE)
    return float(factors / whole)
