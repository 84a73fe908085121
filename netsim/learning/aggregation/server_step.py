"""Optimisers at the server: steps along the average of what arrived, with moments of their own.

S. J. Reddi, Z. Charles, M. Zaheer, Z. Garrett, K. Rush, J. Konecny, S. Kumar, H. B. McMahan,
"Adaptive federated optimization", ICLR 2021, arXiv:2003.00295, Algorithm 2. With g the averaged
way back (the paper's -Delta), number by number:

    average    w <- w - eta g                                       FedAvg with a server rate
    fedavgm    v <- beta1 v + g                  w <- w - eta v     Hsu et al., arXiv:1909.06335
    fedadam    m <- beta1 m + (1 - beta1) g      w <- w - eta m / (sqrt(v) + tau)
               v <- beta2 v + (1 - beta2) g^2
    fedyogi    m likewise                        w likewise
               v <- v - (1 - beta2) g^2 sign(v - g^2)

The paper corrects no bias and starts v at tau^2 (it asks for at least that). With bias correction,
as in Adam (Kingma and Ba, 2015), v starts at 0, and m and v are divided by 1 - beta^t.

g is weighted by samples, as all averages here; the paper's Algorithm 2 has equal weights. What
nobody sent, in a round in which a factor is frozen, keeps its numbers and its moments.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.errors import InputError
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.rule import Memory, Moment, Partial, PersonalRule, Upload
from netsim.units import BoolArray, FloatArray

OPTIMIZERS = ("average", "fedavgm", "fedadam", "fedyogi")


@dataclass
class ServerStep(Average):
    """The average of `inner`, from which the server steps its own way."""

    inner: Average = field(default_factory=Average)
    optimizer: str = "average"
    rate: float = 1.0  # eta
    beta1: float = 0.9
    beta2: float = 0.99
    adaptivity: float = 1e-3  # tau
    bias_correction: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.inner, Average):
            rule = "an optimiser at the server needs a rule that averages uploads"
            raise InputError(rule, value=type(self.inner).__name__)
        if self.optimizer not in OPTIMIZERS:
            rule = f"the server's optimiser must be one of {', '.join(OPTIMIZERS)}"
            raise InputError(rule, value=self.optimizer)

    @property
    def personal_weight(self) -> float | None:
        """That of the rule whose average it is."""
        return self.inner.personal_weight if isinstance(self.inner, PersonalRule) else None

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload."""
        return self.inner.add(partial, upload, layout)

    def step(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
        moment: Moment,
    ) -> Vector:
        """The new module."""
        mean, brought = self.mean(partial, layout)
        way = self._way(rate * mean, brought, moment.memory)
        sent = len(mean)
        new = state.copy()
        new[:sent] = state[:sent] - self.rate * np.where(brought, way, 0.0)
        return new

    def _way(
        self,
        g: FloatArray,
        brought: BoolArray,
        memory: Memory,
    ) -> FloatArray:
        """What eta is multiplied with, [sent]; moves the moments of what was brought."""
        if self.optimizer == "average":
            return g
        if self.optimizer == "fedavgm":
            before = memory.get("momentum", np.zeros_like(g))
            memory["momentum"] = np.where(brought, self.beta1 * before + g, before)
            return memory["momentum"]

        first = memory.get("first", np.zeros_like(g))
        at_start = 0.0 if self.bias_correction else self.adaptivity**2
        second = memory.get("second", np.full_like(g, at_start))
        new_first = self.beta1 * first + (1 - self.beta1) * g
        memory["first"] = np.where(brought, new_first, first)
        memory["second"] = np.where(brought, self._squares(second, g * g), second)
        first, second = self._corrected(brought, memory)
        return first / (np.sqrt(second) + self.adaptivity)

    def _squares(
        self,
        second: FloatArray,
        squares: FloatArray,
    ) -> FloatArray:
        """v after g^2."""
        if self.optimizer == "fedadam":
            return self.beta2 * second + (1 - self.beta2) * squares
        return second - (1 - self.beta2) * squares * np.sign(second - squares)

    def _corrected(
        self,
        brought: BoolArray,
        memory: Memory,
    ) -> tuple[FloatArray, FloatArray]:
        """m and v, with their bias corrected where that is asked for."""
        first, second = memory["first"], memory["second"]
        if not self.bias_correction:
            return first, second
        steps = memory.get("steps", np.zeros(len(first), dtype=np.int64)) + brought
        memory["steps"] = steps
        past = np.maximum(steps, 1)  # where nothing has come yet, both are 0
        return first / (1 - self.beta1**past), second / (1 - self.beta2**past)
