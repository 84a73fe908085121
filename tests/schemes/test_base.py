"""Discovery of schemes, their parameters, and the check of what they declare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netsim.errors import RunError, ScenarioError
from netsim.protocols import Observation, RoundPlan
from netsim.scenario.parameters import typed_parameters
from netsim.schemes.base import check_plan, scheme_class, scheme_names
from netsim.schemes.fedlora import FedLora
from netsim.schemes.radio import SharedBand


def test_registered_schemes_load_and_say_who_they_are() -> None:
    assert {"fedlora", "round_robin"} <= set(scheme_names())
    for kind in scheme_names():
        found = scheme_class(kind)
        assert found.name == kind
        assert found.citation
        assert found.__doc__


def test_unknown_scheme() -> None:
    with pytest.raises(
        ScenarioError, match=r"scheme\.kind: must be one of .*fedlora.*\(found 'fedlore'\)"
    ):
        scheme_class("fedlore")


def test_parameters_are_typed_and_named() -> None:
    given = typed_parameters(FedLora, {"rank": 4, "bandwidth": "algorithm1"}, "scheme")
    assert FedLora(**given) == FedLora(4, SharedBand("algorithm1"))
    with pytest.raises(
        ScenarioError, match=r"scheme\.rnak: unknown parameter of FedLora; it has: rank, bandwidth"
    ):
        typed_parameters(FedLora, {"rnak": 4}, "scheme")
    with pytest.raises(ScenarioError, match=r"scheme\.rank: .*integer.*'big'"):
        typed_parameters(FedLora, {"rank": "big"}, "scheme")
    with pytest.raises(ScenarioError, match=r"scheme\.rank: must be at least 1 \(found 0\)"):
        FedLora(rank=0)


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
        ({"close_after": 0}, r"close_after must be at least 1 \(found 0\)"),
        ({"share": [1.0]}, "equally long"),
        ({"rank": [4, 4]}, "equally long"),
        ({"rank": [4, 0, 4]}, "ranks must be at least 1"),
        ({"share": [0.2, float("nan"), 0.5]}, "shares must be positive"),
    ],
)
def test_infeasible_plans_are_refused(
    observation: Observation, change: dict[str, list[float]], rule: str
) -> None:
    columns = {name: np.array(values) for name, values in {**GOOD, **change}.items()}
    with pytest.raises(RunError, match=f"scheme x, round 1: {rule}|scheme x: .*{rule}"):
        check_plan("x", RoundPlan(**columns), observation)


def test_shares_are_summed_by_gnb_and_the_absent_stay_out(observation: Observation) -> None:
    columns = {
        name: np.array(values) for name, values in {**GOOD, "share": [0.5, 0.5, 1.0]}.items()
    }
    two = replace(observation, gnb=np.arange(12))
    assert check_plan("x", RoundPlan(**columns), two)
    gone = replace(two, available=np.arange(12) != 1)
    with pytest.raises(RunError, match="UEs must be available"):
        check_plan("x", RoundPlan(**columns), gone)


def test_shares_leave_what_is_reserved(observation: Observation) -> None:
    plan = RoundPlan(
        **{name: np.array(values) for name, values in {**GOOD, "share": [0.1, 0.1, 0.2]}.items()}
    )
    assert check_plan("x", plan, replace(observation, free_share=np.full(12, 0.4))) is plan
    rule = r"the shares of a gNB must sum to at most 1 with those of uploads under way, to at most 0\.3 \(found 0\.4"
    with pytest.raises(RunError, match=rule):
        check_plan("x", plan, replace(observation, free_share=np.full(12, 0.3)))


def test_good_plans_pass(observation: Observation) -> None:
    plan = RoundPlan(**{name: np.array(values) for name, values in GOOD.items()})
    assert check_plan("x", plan, observation) is plan
    empty = np.empty(0, dtype=np.int64)
    nobody = RoundPlan(empty, empty, np.empty(0), np.empty(0))
    assert check_plan("x", nobody, observation) is nobody
