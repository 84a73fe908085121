"""From an action to a plan that can be carried out: whatever an action says, the nearest plan."""

from __future__ import annotations

import numpy as np

from netsim.protocols import Observation, RoundPlan
from netsim.units import BoolArray, FloatArray

LEAST_WEIGHT = 0.01
"""Of a UE's share, over that of the UE that wants most."""
LEAST_POWER = 1e-3
"""Over P_max, where the scenario's least power is lower: 30 dB of range."""


def projected_plan(
    seen: Observation,
    wanted: BoolArray,
    weight: FloatArray,
    power_w: FloatArray,
) -> RoundPlan:
    """A feasible plan of the wanted (UE, module) pairs [K, N].

    UEs that are not available are left out. The free band of each gNB is divided in proportion to
    the weights [K], positive, and a UE's share and power [K] equally among its modules.
    """
    ue, module = np.nonzero(wanted & seen.available[:, np.newaxis])
    rows = np.bincount(ue, minlength=len(weight))[ue]
    row_weight = weight[ue] / rows
    gnb = seen.gnb[ue]
    total = np.bincount(gnb, row_weight)
    return RoundPlan(
        ue=ue,
        module=module,
        share=seen.free_share[ue] * row_weight / total[gnb],
        power_w=power_w[ue] / rows,
    )


def weights(level: FloatArray) -> FloatArray:
    """Weights of shares from levels in [-1, 1]."""
    part = (np.clip(level, -1.0, 1.0) + 1) / 2
    return np.asarray(LEAST_WEIGHT + (1 - LEAST_WEIGHT) * part)


def powers_w(seen: Observation, level: FloatArray) -> FloatArray:
    """Powers from levels in [-1, 1]: from the least to P_max, in equal steps of dB."""
    highest_w = seen.max_power_w
    least_w = max(seen.min_power_w, LEAST_POWER * highest_w)
    part = (np.clip(level, -1.0, 1.0) + 1) / 2
    power_w = highest_w * (least_w / highest_w) ** (1 - part)
    return np.minimum(power_w, highest_w)
