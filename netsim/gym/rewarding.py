"""What a round was worth: progress less the price of its seconds, joules and lost uploads."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from netsim.errors import InputError


@dataclass(frozen=True)
class Worth:
    """A round, each term in its unit."""

    progress: float
    seconds: float
    joules: float
    lost: float  # part of the planned uploads


@dataclass(frozen=True)
class Scales:
    """What counts as one second and one joule of a reward."""

    seconds: float
    joules: float


@dataclass(frozen=True)
class Reward:
    """progress P - seconds S / S0 - joules J / J0 - outage L, with the weights below.

    P, progress of the round. Network only: the payload that arrived in time, over that of all UEs
    with a module of mean size. With learning: the ensemble's gain in accuracy, in percentage points
    (0 where the round was not evaluated).
    S, simulated seconds of the round; S0, the deadline (1 s where it is infinite).
    J, joules that UEs spent in the round; J0, those of computing one module at each UE.
    L, part of the planned uploads that were late, in outage, aborted or not ready.

    Accuracy per joule is a ratio of sums, which no sum of rewards can be. The price of a joule
    stands for it: the policy that is best at the price J0 x (progress per joule of the best) is
    also best in progress per joule (Dinkelbach, 1967). That ratio is told at an episode's end.
    """

    progress: float = 1.0
    seconds: float = 0.1
    joules: float = 0.1
    outage: float = 0.1

    def __post_init__(self) -> None:
        weights = (self.progress, self.seconds, self.joules, self.outage)
        for item, weight in zip(fields(self), weights, strict=True):
            if not math.isfinite(weight) or weight < 0:
                raise InputError(
                    "must be finite and not negative", where=f"reward.{item.name}", value=weight
                )

    def of(self, worth: Worth, scales: Scales) -> float:
        """The reward of a round."""
        price_s = self.seconds * worth.seconds / scales.seconds
        price_j = self.joules * worth.joules / scales.joules
        return self.progress * worth.progress - price_s - price_j - self.outage * worth.lost
