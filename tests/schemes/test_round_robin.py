"""Round-robin: UEs and adapters take turns."""

from __future__ import annotations

from dataclasses import replace

from netsim.protocols import Observation
from netsim.schemes.group import GroupSize
from netsim.schemes.round_robin import RoundRobin


def test_round_robin_shows_every_module_every_ue(observation: Observation) -> None:
    scheme, seen = RoundRobin(), set()
    for number in range(1, 5):
        plan = scheme.plan(replace(observation, round=number))
        seen |= set(zip(plan.ue.tolist(), plan.module.tolist(), strict=True))
    assert seen == {(ue, module) for ue in range(12) for module in range(4)}


def test_round_robin_groups_take_turns(observation: Observation) -> None:
    scheme = RoundRobin(GroupSize(5))
    turns = [scheme.plan(replace(observation, round=t)).ue.tolist() for t in (1, 2, 3)]
    assert turns == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [0, 1, 2, 10, 11]]
