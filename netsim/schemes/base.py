"""What schemes share: their discovery, equal shares, and the check of what they declare.

A scheme is a dataclass whose fields are its parameters. An outside package registers one under the
entry point group `netsim.schemes`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netsim.errors import RunError
from netsim.plugins import plugin_class, plugin_names
from netsim.protocols import Observation, RoundPlan
from netsim.units import IntArray

ENTRY_POINTS = "netsim.schemes"
TOLERANCE = 1e-9


def scheme_class(kind: str) -> type[Any]:
    """The class registered as `kind`. Raises ScenarioError with the known names."""
    return plugin_class(ENTRY_POINTS, kind, "scenario: scheme.kind")


def scheme_names() -> list[str]:
    """Registered names, sorted."""
    return plugin_names(ENTRY_POINTS)


def equal_share_plan(observation: Observation, ue: IntArray, module: IntArray) -> RoundPlan:
    """Every (UE, module) row gets the same share of its gNB's band; UEs transmit at P_max in total.

    A UE with several modules divides its power over them by share (model-spec 10.7). Rows of UEs that are
    not available are left out.
    """
    here = observation.available[ue]
    ue, module = ue[here], module[here]
    gnb = observation.gnb[ue]
    return RoundPlan(ue, module, 1.0 / np.bincount(gnb)[gnb], observation.max_power_w / np.bincount(ue)[ue])


def check_plan(name: str, plan: RoundPlan, observation: Observation) -> RoundPlan:
    """`plan` if it is feasible; RunError names the scheme, the value and the rule otherwise."""
    ues, modules = len(observation.distance_m), len(observation.payload_bits)
    lengths = {len(plan.ue), len(plan.module), len(plan.share), len(plan.power_w)}
    if len(lengths) > 1:
        raise RunError(f"scheme {name}: ue, module, share and power_w must be equally long, found {lengths}")
    if len(plan.ue) == 0:
        return plan

    def require(holds: object, rule: str, value: object) -> None:
        if not holds:
            raise RunError(f"scheme {name}, round {observation.round}: {rule} (found {value})")

    limit_w = observation.max_power_w
    require(plan.ue.min() >= 0 and plan.ue.max() < ues, f"UEs must lie in 0..{ues - 1}", plan.ue)
    require(
        plan.module.min() >= 0 and plan.module.max() < modules,
        f"modules must lie in 0..{modules - 1}",
        plan.module,
    )
    order = np.diff(plan.ue * modules + plan.module)
    require((order > 0).all(), "rows must ascend by (ue, module) without repeats", plan.ue)
    require((plan.share > 0).all(), "shares must be positive", plan.share.min())
    require(observation.available[plan.ue].all(), "UEs must be available", plan.ue)
    band = np.bincount(observation.gnb[plan.ue], plan.share).max()
    require(band <= 1 + TOLERANCE, "the shares of a gNB must sum to at most 1", band)
    require((plan.power_w > 0).all(), "powers must be positive", plan.power_w.min())
    highest = np.bincount(plan.ue, plan.power_w).max()
    require(
        highest <= limit_w * (1 + TOLERANCE), f"the powers of a UE must sum to at most {limit_w} W", highest
    )
    return plan
