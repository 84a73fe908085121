"""Path loss: mean channel gain against distance, and the registry behind `pathloss.kind`.

A model is a frozen dataclass whose fields are its parameters and which meets `protocols.Pathloss`.
An outside package registers one under the entry point group `netsim.pathloss`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from netsim.errors import ScenarioError
from netsim.plugins import plugin_class
from netsim.radio.shadowing import shadowing_db
from netsim.units import FloatArray, IntArray, from_db

ENTRY_POINTS = "netsim.pathloss"


def pathloss_class(kind: str, where: str = "scenario: radio.pathloss.kind") -> type[Any]:
    """The model registered as `kind`. Raises ScenarioError with the known names."""
    return plugin_class(ENTRY_POINTS, kind, where)


def distances_m(ues_m: FloatArray, sites_m: FloatArray) -> FloatArray:
    """Horizontal distances. Shapes [K, 2], [S, 2] -> [K, S]."""
    offset = ues_m[:, None, :] - sites_m[None, :, :]
    east = offset[..., 0]
    north = offset[..., 1]
    return np.asarray(np.hypot(east, north))


def require_within(
    value: float,
    limits: tuple[float, float],
    *,
    key: str,
    model: str,
) -> None:
    """Raises ScenarioError unless parameter `key` of the path loss `model` is within its limits."""
    low, high = limits
    if low <= value <= high:
        return
    rule = f"must lie in {low:g}..{high:g} for {model}"
    if key == "carrier_hz":
        rule = (
            f"{rule} (radio.pathloss.kind); it is radio.carrier_hz unless "
            "radio.pathloss.carrier_hz is given"
        )
    raise ScenarioError(rule, where=f"scenario: radio.pathloss.{key}", value=value)


@dataclass(frozen=True)
class PowerLaw:
    """Gain = g0 d^-alpha, the paper's model in eq. (2), with log-normal shadowing on request.

    `reference_loss_db` is the loss at 1 m (0 dB in the paper; -10 log10 g0). Distances below
    `min_distance_m` count as that distance: the law has no meaning near the antenna.
    """

    exponent: float = 3.8
    reference_loss_db: float = 0.0
    min_distance_m: float = 10.0
    shadowing_std_db: float = 0.0
    correlation_m: float = 50.0

    def __post_init__(self) -> None:
        if not self.exponent > 2:
            rule = "must be above 2: at 2 or below, interference is infinite"
            where = "scenario: radio.pathloss.exponent"
            raise ScenarioError(rule, where=where, value=self.exponent)
        checks = (
            ("exponent", self.exponent, (2.0, 20.0)),
            ("reference_loss_db", self.reference_loss_db, (-200.0, 300.0)),
            ("min_distance_m", self.min_distance_m, (1e-3, 1e6)),
            ("shadowing_std_db", self.shadowing_std_db, (0.0, 30.0)),
            ("correlation_m", self.correlation_m, (1e-3, 1e6)),
        )
        for key, value, limits in checks:
            require_within(value, limits, key=key, model="PowerLaw")

    def gain(self, distance_m: FloatArray) -> FloatArray:
        """Linear gain at the median of shadowing. `distance_m` of any shape."""
        clipped = np.maximum(distance_m, self.min_distance_m)
        return from_db(-self.reference_loss_db) * clipped**-self.exponent

    def link_gain(
        self,
        ues_m: FloatArray,
        sites_m: FloatArray,
        *,
        seed: int,
        site_ids: IntArray | None = None,
    ) -> FloatArray:
        """Gain of every link with its shadowing, [K, 2], [S, 2] -> [K, S]."""
        gain = self.gain(distances_m(ues_m, sites_m))
        if self.shadowing_std_db == 0:
            return gain
        ids = np.arange(len(sites_m)) if site_ids is None else site_ids
        excess_db = shadowing_db(
            ues_m,
            ids,
            std_db=self.shadowing_std_db,
            correlation_m=self.correlation_m,
            seed=seed,
            name="power_law_shadowing",
        )
        return gain * from_db(-excess_db)
