"""Discovery of schemes, their parameters, and the check of what they declare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from netsim.build import build_parts, build_simulation
from netsim.errors import RunError, ScenarioError
from netsim.protocols import Observation, RoundPlan, Silence
from netsim.results.writer import MemorySink
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.schemes.base import check_plan, equal_share_plan, scheme_class, scheme_names
from netsim.schemes.fedlora import FedLora
from netsim.schemes.round_robin import RoundRobin


@pytest.fixture
def observation(network_scenario: Callable[..., Scenario]) -> Observation:
    simulation = build_simulation(build_parts(network_scenario(), Silence()), MemorySink(), Silence())
    simulation.round = 1
    return simulation._observe()


def test_registered_schemes_load_and_say_who_they_are() -> None:
    assert {"fedlora", "round_robin"} <= set(scheme_names())
    for kind in scheme_names():
        found = scheme_class(kind)
        assert found.name == kind
        assert found.citation
        assert found.__doc__


def test_unknown_scheme() -> None:
    with pytest.raises(ScenarioError, match=r"scheme\.kind: must be one of .*fedlora.*\(found 'fedlore'\)"):
        scheme_class("fedlore")


def test_parameters_are_typed_and_named() -> None:
    assert typed_parameters(FedLora, {"rank": 4}, "scheme") == {"rank": 4}
    with pytest.raises(ScenarioError, match=r"scheme\.rnak: unknown parameter of FedLora; it has: rank"):
        typed_parameters(FedLora, {"rnak": 4}, "scheme")
    with pytest.raises(ScenarioError, match=r"scheme\.rank: .*integer.*'big'"):
        typed_parameters(FedLora, {"rank": "big"}, "scheme")
    with pytest.raises(ScenarioError, match=r"scheme\.rank: must be at least 1 \(found 0\)"):
        FedLora(rank=0)


def test_fedlora_is_one_adapter_for_all(observation: Observation) -> None:
    scheme = FedLora(rank=8)
    assert scheme.ranks((4, 8)) == (8,)
    plan = scheme.plan(observation)
    assert plan.ue.tolist() == list(range(12))
    assert set(plan.module.tolist()) == {0}
    assert plan.share.sum() == pytest.approx(1.0)


def test_round_robin_shows_every_module_every_ue(observation: Observation) -> None:
    scheme, seen = RoundRobin(), set()
    for number in range(1, 5):
        plan = scheme.plan(replace(observation, round=number))
        seen |= set(zip(plan.ue.tolist(), plan.module.tolist(), strict=True))
    assert seen == {(ue, module) for ue in range(12) for module in range(4)}


def test_round_robin_groups_take_turns(observation: Observation) -> None:
    scheme = RoundRobin(ues_per_round=5)
    turns = [scheme.plan(replace(observation, round=t)).ue.tolist() for t in (1, 2, 3)]
    assert turns == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [0, 1, 2, 10, 11]]


GOOD = {"ue": [0, 0, 1], "module": [0, 1, 0], "share": [0.2, 0.3, 0.5], "power_w": [0.1, 0.1, 0.2]}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"share": [0.5, 0.3, 0.5]}, "the shares of a gNB must sum to at most 1"),
        ({"share": [0.2, 0.0, 0.5]}, "shares must be positive"),
        ({"power_w": [0.15, 0.1, 0.2]}, r"the powers of a UE must sum to at most 0\.2 W"),
        ({"power_w": [0.1, -0.1, 0.2]}, "powers must be positive"),
        ({"ue": [0, 0, 99]}, r"UEs must lie in 0\.\.11"),
        ({"module": [0, 4, 0]}, r"modules must lie in 0\.\.3"),
        ({"module": [1, 0, 0]}, "rows must ascend"),
        ({"module": [0, 0, 0]}, "rows must ascend"),
        ({"share": [1.0]}, "equally long"),
        ({"share": [0.2, float("nan"), 0.5]}, "shares must"),
    ],
)
def test_infeasible_plans_are_refused(
    observation: Observation, change: dict[str, list[float]], rule: str
) -> None:
    columns = {name: np.array(values) for name, values in {**GOOD, **change}.items()}
    with pytest.raises(RunError, match=f"scheme x, round 1: {rule}|scheme x: .*{rule}"):
        check_plan("x", RoundPlan(**columns), observation)


def test_good_plans_pass(observation: Observation) -> None:
    plan = RoundPlan(**{name: np.array(values) for name, values in GOOD.items()})
    assert check_plan("x", plan, observation) is plan
    empty = np.empty(0, dtype=np.int64)
    assert len(check_plan("x", equal_share_plan(observation, empty, empty), observation).ue) == 0
