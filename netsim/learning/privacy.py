"""Differential privacy: changes of bounded norm, Gaussian noise, and what each UE has spent.

The unit is a UE: neighbouring runs differ in that one UE's changes are zero. Who takes part, with
how many samples, is public. The noise is set by the plan, as nobody knows who will arrive; what is
spent follows from what has arrived (docs/model/privacy.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from math import sqrt
from typing import Self

import numpy as np

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.memories import Memories
from netsim.learning.aggregation.rule import Partial
from netsim.learning.transfer import ACCOUNTING, Privacy, Transfer
from netsim.protocols import PARTS
from netsim.rng import stream
from netsim.units import FloatArray, IntArray

LEDGER = "privacy"  # in the place of a rule's name
SPENT = "spent"  # [K] sum over uploads of (sensitivity / deviation of the noise)^2


def clipped_to(norm: float, vector: Vector) -> Vector:
    """A vector, scaled down to a Euclidean norm where it is longer."""
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not length > norm:
        return vector
    return vector * np.float32(norm / length)


def epsilon_of(spent: float, delta: float) -> float:
    """Of composed Gaussian mechanisms: one with the sum of their (sensitivity / deviation)^2."""
    if spent <= 0:
        return 0.0
    accounting = import_module(ACCOUNTING)
    return float(accounting.get_epsilon_gaussian(1.0 / sqrt(spent), delta))


@dataclass(frozen=True)
class Weights:
    """Samples of some uploads of one module, by the parts that they bring."""

    samples: IntArray  # [M] D_k
    parts: IntArray  # [M] sums of protocols.PARTS

    @property
    def of_part(self) -> FloatArray:
        """Sum of D_k over those that bring a part. [3]."""
        brings = (self.parts[:, np.newaxis] & PARTS) > 0
        return np.asarray((self.samples[:, np.newaxis] * brings).sum(axis=0), dtype=np.float64)


@dataclass(frozen=True)
class PrivateRounds:
    """Noise at the gNB, and accounts of all UEs."""

    privacy: Privacy
    memories: Memories
    ues: int

    @classmethod
    def by(cls, transfer: Transfer, memories: Memories, ues: int) -> Self | None:
        """As `transfer` says; None: nothing is private."""
        return None if transfer.privacy is None else cls(transfer.privacy, memories, ues)

    def add_noise(
        self,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
        *,
        planned: Weights,
        round: int,
        module: int,
    ) -> FloatArray:
        """Add noise to a sum of uploads. (deviation of the mean over C) by parts, [3].

        Its deviation on the mean is z C max D_k / sum D_k over the plan, part by part.
        """
        total = partial["sum"]
        most = float(planned.samples.max())
        sums = planned.of_part
        share = np.divide(most, sums, out=np.full(len(sums), 1.0), where=sums > 0)
        deviation: FloatArray = self.privacy.noise_multiplier * share
        scale = deviation * partial["samples_of_part"] * self.privacy.clip_norm / rate
        draws = stream(self.memories.seed, "privacy.central", round, module)
        total += layout.spread(scale)[: len(total)] * draws.standard_normal(len(total))
        return deviation

    def spend_central(self, ue: IntArray, arrived: Weights, deviation: FloatArray) -> None:
        """Uploads [M] of one module have gone into a mean with so much noise."""
        sums = arrived.of_part
        sent = (arrived.parts[:, np.newaxis] & PARTS) > 0
        of_part = np.divide(1.0, sums * deviation, out=np.zeros(len(sums)), where=sums > 0)
        ratio = arrived.samples * np.where(sent, of_part, 0.0).max(axis=1)
        np.add.at(self._spent(), ue, ratio**2)

    def spend_local(self, ue: IntArray) -> None:
        """Uploads of these UEs have arrived, with noise of their own."""
        np.add.at(self._spent(), ue, self.privacy.noise_multiplier**-2)

    @property
    def epsilon(self) -> float:
        """Of the UE that has spent most."""
        return epsilon_of(float(self._spent().max()), self.privacy.delta)

    def _spent(self) -> FloatArray:
        memory = self.memories.of_module.setdefault((LEDGER, 0), {})
        spent: FloatArray = memory.setdefault(SPENT, np.zeros(self.ues))
        return spent
