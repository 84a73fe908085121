"""What UEs hold of the common adapter: parts that have not changed since are not sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from netsim.protocols import HEAD, LORA_A, LORA_B, Observation
from netsim.units import IntArray

PARTS = np.array([LORA_A, LORA_B, HEAD])


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
        """Learn what the previous round has brought; its arrivals change the parts `changes`."""
        previous = observation.previous
        if previous is None:
            return
        ue = previous.plan.ue
        if previous.heard is not None:
            ue = ue[previous.heard]
        self.held[ue] = self.coming[ue]
        if previous.on_time.any():
            self.made[(PARTS & changes) > 0] = observation.round - 1

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
