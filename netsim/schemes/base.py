"""What schemes share: their discovery, turns of the adapters, and the check of what they declare.

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


def adapter_in_turn(observation: Observation, ue: IntArray) -> IntArray:
    """Adapter of each UE, [M]: dealt out in turn, so that in N rounds each adapter sees every
    UE.
    """
    return (ue + observation.round) % len(observation.payload_bits)


def check_plan(name: str, plan: RoundPlan, observation: Observation) -> RoundPlan:
    """`plan` if it is feasible; RunError names the scheme, the value and the rule otherwise."""
    ues, modules = len(observation.distance_m), len(observation.payload_bits)
    lengths = {
        len(a) for a in (plan.ue, plan.module, plan.share, plan.power_w, plan.rank) if a is not None
    }
    if len(lengths) > 1:
        rule = "ue, module, share, power_w and rank must be equally long"
        raise RunError(f"scheme {name}: {rule}, found {lengths}")
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
    band = np.bincount(observation.gnb[plan.ue], plan.share)
    free = np.ones(len(band))
    free[observation.gnb[plan.ue]] = observation.free_share[plan.ue]
    worst = int(np.argmax(band - free))
    rule = "the shares of a gNB must sum to at most 1"
    if free[worst] < 1:
        rule = f"{rule} with those of uploads under way, to at most {free[worst]}"
    require(band[worst] <= free[worst] + TOLERANCE, rule, band[worst])
    enough = plan.close_after
    require(enough is None or enough >= 1, "close_after must be at least 1", enough)
    if plan.rank is not None:
        require((plan.rank > 0).all(), "ranks must be at least 1", plan.rank.min())
    require((plan.power_w > 0).all(), "powers must be positive", plan.power_w.min())
    highest = np.bincount(plan.ue, plan.power_w).max()
    require(
        highest <= limit_w * (1 + TOLERANCE),
        f"the powers of a UE must sum to at most {limit_w} W",
        highest,
    )
    return plan
