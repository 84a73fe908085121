"""Near-IID groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from netsim.errors import ScenarioError
from netsim.protocols import Observation
from netsim.schemes.near_iid_groups import NearIidGroups, near_iid_groups
from netsim.units import FloatArray, IntArray


def _mixtures(label_counts: IntArray, samples: IntArray, group: IntArray) -> FloatArray:
    rows = samples[:, None] * label_counts / label_counts.sum(axis=1, keepdims=True)
    sums = np.array([rows[group == g].sum(axis=0) for g in np.unique(group)])
    return sums / sums.sum(axis=1, keepdims=True)


def test_opposites_are_put_together() -> None:
    # population 1/2, 1/2; two UEs of each extreme, two in between
    counts = np.array([[10, 0], [8, 2], [2, 8], [0, 10]])
    group = near_iid_groups(counts, np.full(4, 5), 2)
    assert group[0] == group[3] != group[1]
    assert group[1] == group[2]


def test_samples_weigh() -> None:
    # the UE that trains on twice as much is balanced by two
    counts = np.array([[10, 0], [0, 10], [0, 10], [5, 5], [5, 5], [5, 5]])
    group = near_iid_groups(counts, np.array([20, 10, 10, 10, 10, 10]), 2)
    assert group[0] == group[1] == group[2]


def test_groups_are_much_nearer_the_population_than_by_chance() -> None:
    generator = np.random.default_rng(3)
    mixture = generator.dirichlet([0.3] * 5, size=60)
    counts = np.array([generator.multinomial(200, q) for q in mixture])
    samples = generator.integers(8, 32, 60)
    population = _mixtures(counts, samples, np.zeros(60, dtype=int))

    def farthest(group: IntArray) -> float:
        return float(np.abs(_mixtures(counts, samples, group) - population).sum(axis=1).max())

    found = near_iid_groups(counts, samples, 4)
    assert np.bincount(found).max() <= 15
    chance = [farthest(generator.permutation(60) % 4) for _ in range(50)]
    assert farthest(found) < min(chance)
    assert farthest(found) < 0.5 * np.median(chance)


def test_each_adapter_meets_each_group(observation: Observation) -> None:
    scheme, seen = NearIidGroups(), set()
    for number in range(1, 5):
        plan = scheme.plan(replace(observation, round=number))
        group = scheme.state()["group"]
        assert plan.ue.tolist() == list(range(12))
        assert (plan.module == (group + number) % 4).all()
        seen |= set(zip(group.tolist(), plan.module.tolist(), strict=True))
    assert seen == {(g, n) for g in range(4) for n in range(4)}


def test_more_groups_than_ues(observe: Callable[..., Observation]) -> None:
    plan = NearIidGroups(groups=20).plan(observe({"ues.count": 3}))
    assert len(plan.ue) == 3
    with pytest.raises(ScenarioError, match=r"scheme\.groups: must be at least 1 \(found 0\)"):
        NearIidGroups(groups=0)
