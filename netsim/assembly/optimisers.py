"""Optimisers of a run: those of the scenario's [learning], or of the scheme itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from netsim.errors import RunError, ScenarioError
from netsim.protocols import (
    FEDERATED_AVERAGING,
    Aggregation,
    Observation,
    Optimisation,
    RoundPlan,
    Scheme,
    ServerSteps,
)
from netsim.scenario.model import Scenario
from netsim.scenario.training import Server

USUAL_RATE, USUAL_ADAPTIVE_RATE = 1.0, 0.01


def optimisation_of(scenario: Scenario, scheme: Scheme) -> Optimisation:
    """What optimisers the run has. Raises ScenarioError for two of a kind, or without sense."""
    learning = scenario.learning
    asked = Optimisation(
        server=server_steps(learning.server),
        prox_weight=learning.prox_weight,
        control_variates=learning.control_variates,
    )
    for key, usual, value, default in _keys(scenario, asked):
        if value == default:
            continue
        if scenario.flower is not None:
            rule = f"must be {usual} with [flower]: its app has optimisers of its own"
            raise ScenarioError(rule, where=f"scenario: {key}", value=value)
        if scheme.optimisation != FEDERATED_AVERAGING:
            rule = f"must be {usual} with scheme.kind = {scenario.scheme.kind}, which has its own"
            raise ScenarioError(f"{rule} (scheme.*)", where=f"scenario: {key}", value=value)
        if key != "learning.prox_weight" and not scheme.averages:
            rule = f"must be {usual} with scheme.kind = {scenario.scheme.kind}, whose rule is no "
            raise ScenarioError(f"{rule}average", where=f"scenario: {key}", value=value)
    chosen = asked if scheme.optimisation == FEDERATED_AVERAGING else scheme.optimisation
    _check_variates(scenario, scheme, chosen)
    return chosen


def _keys(scenario: Scenario, asked: Optimisation) -> list[tuple[str, str, object, object]]:
    """(key, what it must be where it has no sense, its value, its default) of what is asked."""
    server = scenario.learning.server
    return [
        ("learning.server.optimizer", "average", server.optimizer, "average"),
        ("learning.server.rate", "1", asked.server.rate, USUAL_RATE),
        ("learning.prox_weight", "0", asked.prox_weight, 0.0),
        ("learning.control_variates", "false", asked.control_variates, False),
    ]


def _check_variates(scenario: Scenario, scheme: Scheme, chosen: Optimisation) -> None:
    """Raises ScenarioError where control variates would be older than what they correct."""
    if not (chosen.control_variates and scenario.learns):
        return
    what = None
    if scenario.round.late_uploads == "stale":
        what = "round.late_uploads = stale"
    if scheme.asynchronous:
        what = f"scheme.kind = {scenario.scheme.kind}"
    if what is None:
        return
    own = scheme.optimisation.control_variates
    key = "scheme.kind" if own else "learning.control_variates"
    value = scenario.scheme.kind if own else True
    rule = f"must not have control variates with {what}: UEs would be corrected by older ones"
    raise ScenarioError(rule, where=f"scenario: {key}", value=value)


def server_steps(server: Server) -> ServerSteps:
    """The keys of [learning.server] with their defaults."""
    usual = ServerSteps()
    rate = USUAL_ADAPTIVE_RATE if server.adaptive else USUAL_RATE
    given = {"rate": server.rate, "beta1": server.beta1}
    given |= {"beta2": server.beta2, "adaptivity": server.adaptivity}
    known = {name: value for name, value in given.items() if value is not None}
    return replace(
        usual,
        **{"rate": rate, **known},
        optimizer=server.optimizer,
        bias_correction=server.bias_correction,
    )


def optimised(
    plan: RoundPlan,
    observation: Observation,
    optimisation: Optimisation,
    stale: bool,
) -> RoundPlan:
    """The plan with the rule that its average becomes. Raises RunError if it is none.

    stale: uploads may be older, and count less.
    """
    if not optimisation.merges:
        return plan
    given = plan.rule
    if not given.is_average:
        rules = f"a scheme whose aggregation is an average, not {given.name}"
        raise RunError(f"learning.server and learning.control_variates need {rules}")
    if stale and given.name == "average":
        given = Aggregation("staleness_weighted")
    parameters = {"inner": given, **asdict(optimisation.server)}
    if not optimisation.control_variates:
        return replace(plan, aggregation=Aggregation("server_step", parameters))
    parameters["samples"] = float(observation.samples.sum())
    return replace(plan, aggregation=Aggregation("control_variates", parameters))


def optimising(
    check: Callable[[RoundPlan, Observation], RoundPlan],
    optimisation: Optimisation,
    stale: bool,
) -> Callable[[RoundPlan, Observation], RoundPlan]:
    """A check of plans whose rules then become those of the optimisers."""

    def checked(plan: RoundPlan, observation: Observation) -> RoundPlan:
        return optimised(check(plan, observation), observation, optimisation, stale)

    return checked
