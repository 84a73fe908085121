"""Path loss: mean channel gain against distance, and the models that can stand behind `pathloss.kind`.

A model is a frozen dataclass whose fields are its parameters and which meets `protocols.Pathloss`. An
outside package registers one under the entry point group `netsim.pathloss`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from netsim.plugins import plugin_class, plugin_names
from netsim.units import FloatArray, IntArray, from_db

ENTRY_POINTS = "netsim.pathloss"


def pathloss_class(kind: str, where: str = "scenario: radio.pathloss.kind") -> type[Any]:
    """The model registered as `kind`. Raises ScenarioError with the known names."""
    return plugin_class(ENTRY_POINTS, kind, where)


def pathloss_names() -> list[str]:
    """Registered names, sorted."""
    return plugin_names(ENTRY_POINTS)


def distances_m(ues_m: FloatArray, sites_m: FloatArray) -> FloatArray:
    """Horizontal distances. Shapes [K, 2], [S, 2] -> [K, S]."""
    offset = ues_m[:, None, :] - sites_m[None, :, :]
    return np.asarray(np.hypot(offset[..., 0], offset[..., 1]))


@dataclass(frozen=True)
class PowerLaw:
    """Gain = g0 d^-alpha, the paper's model in eq. (2).

    `reference_loss_db` is the loss at 1 m (0 dB in the paper; -10 log10 g0). Distances below
    `min_distance_m` count as that distance: the law has no meaning near the antenna.
    """

    exponent: float = 3.8
    reference_loss_db: float = 0.0
    min_distance_m: float = 10.0

    def gain(self, distance_m: FloatArray) -> FloatArray:
        """Linear mean channel gain at `distance_m` (any shape)."""
        clipped = np.maximum(distance_m, self.min_distance_m)
        return from_db(-self.reference_loss_db) * clipped**-self.exponent

    def link_gain(
        self, ues_m: FloatArray, sites_m: FloatArray, *, seed: int, site_ids: IntArray | None = None
    ) -> FloatArray:
        """Gain of every link, [K, 2], [S, 2] -> [K, S]: the same as `gain`, nothing is drawn."""
        return self.gain(distances_m(ues_m, sites_m))
