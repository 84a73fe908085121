"""Path loss: mean channel gain against distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.units import FloatArray, from_db


@dataclass(frozen=True)
class PowerLaw:
    """Gain = g0 d^-alpha, the paper's model in eq. (2).

    `reference_loss_db` is the loss at 1 m (0 dB in the paper; -10 log10 g0). Distances below
    `min_distance_m` count as that distance: the law has no meaning near the antenna.
    """

    exponent: float
    reference_loss_db: float = 0.0
    min_distance_m: float = 10.0

    def gain(self, distance_m: FloatArray) -> FloatArray:
        """Linear mean channel gain at `distance_m` (any shape)."""
        clipped = np.maximum(distance_m, self.min_distance_m)
        return from_db(-self.reference_loss_db) * clipped**-self.exponent
