"""How the UEs of a gNB share its uplink, and which schemes that suits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from netsim.assembly.superposed import superposed
from netsim.device.fleet import Fleet
from netsim.errors import ScenarioError
from netsim.protocols import RoundPlan, Scheme
from netsim.scenario.model import Scenario
from netsim.scenario.uplink import AIRCOMP
from netsim.simulation.air.protocol import Air
from netsim.simulation.uploads.table import Uploads

KEY = f"uplink.access = {AIRCOMP}"


def build_superposition(scenario: Scenario, fleet: Fleet) -> Callable[[Air, Uploads], Air] | None:
    """What makes uploads add up on the air; None: each has its own band."""
    if scenario.uplink.access != AIRCOMP:
        return None
    return partial(superposed, samples=fleet.samples, truncation=scenario.uplink.truncation)


def check_access(
    scenario: Scenario,
    scheme: Scheme,
) -> None:
    """Raises ScenarioError where the scheme's uploads cannot add up on the air."""
    if scenario.uplink.access != AIRCOMP:
        return
    for key, value, rule in _faults(scenario, scheme):
        raise ScenarioError(rule, where=f"scenario: {key}", value=value)


def _faults(
    scenario: Scenario,
    scheme: Scheme,
) -> Iterator[tuple[str, object, str]]:
    """(key, value, rule) of what does not go with sums on the air."""
    kind = scenario.scheme.kind
    why_not = {
        "is asynchronous: symbols must coincide": scheme.asynchronous,
        f"sends {scheme.sends_more}, which no sum carries": scheme.sends_more is not None,
        "makes more of uploads than their average": not scheme.averages,
        "has control variates, which no sum carries": scheme.optimisation.control_variates,
        "chooses by the rates of bands that UEs would have for themselves": scheme.reckons_rates,
    }
    for reason in (reason for reason, holds in why_not.items() if holds):
        yield "scheme.kind", kind, f"does not go with {KEY}: it {reason}"
    if scenario.scheme.parameters.get("bandwidth", "equal") != "equal":
        rule = f"must be equal with {KEY}: there is no band to divide"
        yield "scheme.bandwidth", scenario.scheme.parameters["bandwidth"], rule
    if scenario.learning.control_variates:
        yield "learning.control_variates", True, f"must be false with {KEY}: no sum carries them"


def superposed_plan(
    scenario: Scenario,
    plan: RoundPlan,
) -> RoundPlan:
    """A plan of uploads that add up: UEs train before they send, as powers follow from the numbers.

    Raises ScenarioError where the rule is no average, or something else goes up.
    """
    exchange = plan.exchange
    kind = scenario.scheme.kind
    where = f"scenario: {KEY}"
    if not plan.rule.is_average:
        rule = f"the aggregation {plan.rule.name} of scheme.kind = {kind}"
        fault = f"does not go with {rule}: it is no average"
        raise ScenarioError(fault, where=where)
    whole = (np.asarray(exchange.on_air) == 1).all() and (np.asarray(exchange.trained) > 0).all()
    if not whole or (np.asarray(exchange.more_up_bits) > 0).any():
        fault = f"does not go with scheme.kind = {kind}, which sends more than changes of modules"
        raise ScenarioError(fault, where=where)
    return replace(plan, redeem="before_uplink")
