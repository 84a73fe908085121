"""How far a run is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netsim.stopping import StopRules
from netsim.units import IntArray


@dataclass(frozen=True)
class Versions:
    """The N modules as they are when a round opens."""

    made_in: IntArray  # [N] round that made each
    count: IntArray  # [N] how many have been made


@dataclass
class Course:
    """What rounds have come to so far; N modules."""

    made_in: IntArray  # [N] round in which each module last changed
    made: IntArray  # [N] how often each has changed
    round: int = 0
    energy_j: float = 0.0
    losses: list[float] = field(default_factory=list)  # of evaluations, the ensemble's
    accuracy: float | None = None  # of the last one

    @classmethod
    def start(cls, modules: int) -> Course:
        """Before the first round."""
        return cls(np.zeros(modules, dtype=np.int64), np.zeros(modules, dtype=np.int64))

    @property
    def versions(self) -> Versions:
        """The modules as they are."""
        return Versions(self.made_in.copy(), self.made.copy())

    def change(self, modules: IntArray) -> None:
        """These modules have got a new version in this round."""
        self.made[modules] += 1
        self.made_in[modules] = self.round

    def stop_reason(
        self,
        rules: StopRules,
        time_s: float,
    ) -> str | None:
        """Why the run ends after this round, if it does."""
        return rules.reason(
            self.round,
            time_s,
            self.energy_j,
            losses=self.losses,
            accuracy=self.accuracy,
        )

    def state(self) -> dict[str, Any]:
        """As arrays and JSON values."""
        return {
            "made_in": self.made_in.copy(),
            "made": self.made.copy(),
            "round": self.round,
            "energy_j": self.energy_j,
            "losses": list(self.losses),
            "accuracy": self.accuracy,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Course:
        """What `state` gave, as it was."""
        return cls(**{**state, "losses": list(state["losses"])})
