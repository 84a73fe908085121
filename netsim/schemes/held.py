"""What UEs hold already: it is not sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from netsim.protocols import HEAD, LORA_A, LORA_B, Observation
from netsim.units import FloatArray, IntArray

PARTS = np.array([LORA_A, LORA_B, HEAD])


@dataclass
class HeldBase:
    """How much of what was added to the frozen weights K UEs have heard, bits since the start."""

    added: float
    held: FloatArray  # [K]
    coming: FloatArray  # [K]

    @classmethod
    def at_start(cls, ues: int) -> Self:
        """Before the first round."""
        return cls(0.0, np.zeros(ues), np.zeros(ues))

    def look_back(
        self,
        observation: Observation,
        bits_per_rank: float,
        own_rank: int,
    ) -> None:
        """The previous round has added the products of what arrived, at so many bits a rank.

        `own_rank` is the adapter's, of UEs that have none of their own.
        """
        previous = observation.previous
        if previous is None:
            return
        ue = previous.plan.ue
        if previous.heard is not None:
            ue = ue[previous.heard]
        self.held[ue] = self.coming[ue]
        rank = previous.plan.rank
        arrived = previous.on_time
        ranks = own_rank * arrived.sum() if rank is None else rank[arrived].sum()
        self.added += float(ranks) * bits_per_rank

    def lacking(self, most_bits: float) -> FloatArray:
        """Bits that each UE must hear: at most those of the weights themselves. [K]."""
        return np.minimum(self.added - self.held, most_bits)

    def send(self, ue: IntArray) -> None:
        """These UEs are to hear what they lack."""
        self.coming[ue] = self.added

    def state(self) -> dict[str, Any]:
        """As arrays and numbers."""
        return {"added": self.added, "base_held": self.held, "base_coming": self.coming}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave, as it was."""
        held, coming = state["base_held"], state["base_coming"]
        return cls(float(state["added"]), held.copy(), coming.copy())


@dataclass
class HeldParts:
    """Versions of the three parts, by the round that made them, at each of K UEs.

    Version 0, the start, follows from the run's seed: everybody has it.
    """

    made: IntArray  # [3] the present version
    held: IntArray  # [K, 3]
    coming: IntArray  # [K, 3] what the UE's last download will leave it with

    @classmethod
    def at_start(cls, ues: int) -> Self:
        """Before the first round."""
        held = np.zeros((ues, len(PARTS)), dtype=np.int64)
        return cls(np.zeros(len(PARTS), dtype=np.int64), held, held.copy())

    def look_back(self, observation: Observation, changes: int) -> None:
        """Learn what the previous round has brought.

        Its arrivals change the parts `changes`, and those that late uploads of earlier rounds sent.
        """
        previous = observation.previous
        if previous is None:
            return
        ue = previous.plan.ue
        if previous.heard is not None:
            ue = ue[previous.heard]
        self.held[ue] = self.coming[ue]
        if previous.on_time.any():
            sent = np.broadcast_to(previous.plan.exchange.sent_parts, previous.on_time.shape)
            changed = changes | np.bitwise_or.reduce(sent[previous.on_time])
            self.made[(PARTS & changed) > 0] = observation.round - 1

    def lacking(self) -> IntArray:
        """Parts that each UE must hear. [K]."""
        old = self.held < self.made
        return np.asarray(old @ PARTS)

    def send(self, ue: IntArray) -> None:
        """These UEs are to hear what they lack."""
        self.coming[ue] = self.made

    def state(self) -> dict[str, Any]:
        """As arrays."""
        return {"made": self.made, "held": self.held, "coming": self.coming}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave, as it was."""
        return cls(state["made"].copy(), state["held"].copy(), state["coming"].copy())
