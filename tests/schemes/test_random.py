"""Random scheduling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from netsim.errors import ScenarioError
from netsim.protocols import Observation
from netsim.schemes.group import GroupSize
from netsim.schemes.random import Random


def test_every_ue_is_as_likely(observation: Observation) -> None:
    scheme, rounds = Random(GroupSize(3)), 800
    counts = np.zeros(12)
    for number in range(1, rounds + 1):
        plan = scheme.plan(replace(observation, round=number))
        assert len(np.unique(plan.ue)) == 3
        assert (plan.module == (plan.ue + number) % 4).all()
        counts[plan.ue] += 1
    spread = np.sqrt(rounds * 0.25 * 0.75)
    assert np.abs(counts - rounds / 4).max() < 4 * spread


def test_draws_depend_on_seed_and_round_only(observe: Callable[..., Observation]) -> None:
    scheme = Random(GroupSize(5))
    first = observe()
    groups = {
        tuple(scheme.plan(replace(first, round=t, seed=s)).ue) for t in (1, 2, 3) for s in (1, 2)
    }
    assert len(groups) > 4
    assert tuple(scheme.plan(observe({"radio.bandwidth_hz": 1e6})).ue) == tuple(
        scheme.plan(first).ue
    )


def test_group_size() -> None:
    assert GroupSize(None).of(7) == 7
    assert GroupSize(10).of(7) == 7
    assert GroupSize(2).of(7) == 2
    with pytest.raises(
        ScenarioError, match=r"scheme\.ues_per_round: must be at least 1 \(found 0\)"
    ):
        GroupSize(0)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_modules_drawn_for_everybody(observation: Observation, count: int) -> None:
    scheme, rounds = Random(GroupSize(None), modules_per_ue=count), 400
    times = np.zeros((12, 4))
    for number in range(1, rounds + 1):
        plan = scheme.plan(replace(observation, round=number))
        assert np.bincount(plan.ue, minlength=12).tolist() == [count] * 12
        times[plan.ue, plan.module] += 1
    spread = np.sqrt(rounds * count / 4 * (1 - count / 4))
    assert np.abs(times - rounds * count / 4).max() <= 4.5 * spread


def test_modules_do_not_depend_on_the_band(observe: Callable[..., Observation]) -> None:
    scheme = Random(GroupSize(None), modules_per_ue=1)
    wide = scheme.plan(observe())
    narrow = scheme.plan(observe({"radio.bandwidth_hz": 1e6}))
    assert wide.module.tolist() == narrow.module.tolist()


def test_ranks_of_drawn_modules() -> None:
    assert Random().ranks((4, 8, 16)) == (4, 8, 16)
    assert Random(equal_rank=8).ranks((4, 8, 16)) == (8, 8, 8)
    with pytest.raises(ScenarioError, match=r"scheme\.modules_per_ue: must be at most"):
        Random(modules_per_ue=4).ranks((4, 8, 16))
