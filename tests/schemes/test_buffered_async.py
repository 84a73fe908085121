"""Buffered asynchronous aggregation: who is started, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from netsim.errors import ScenarioError
from netsim.protocols import Observation
from netsim.schemes.buffered_async import BufferedAsync


def test_free_places_are_filled_at_random(observe: Callable[..., Observation]) -> None:
    seen: set[int] = set()
    for number in range(1, 9):
        observation = observe(round=number)
        plan = BufferedAsync(concurrency=4, buffer=2).plan(observation)
        assert len(plan.ue) == 4
        assert (np.diff(plan.ue) > 0).all()
        assert (plan.share == 0.25).all()
        assert (plan.power_w == observation.max_power_w).all()
        assert plan.module.tolist() == ((plan.ue + number) % 4).tolist()
        assert (plan.aggregation, plan.close_after) == ("staleness_weighted", 2)
        assert np.array_equal(plan.ue, BufferedAsync(concurrency=4, buffer=2).plan(observation).ue)
        seen |= set(plan.ue.tolist())
    assert len(seen) > 8


def test_only_what_is_free(observation: Observation) -> None:
    """Three of ten places are free, and three UEs are at work."""
    free = np.full(12, 1.0 - 7 * 0.1)  # 0.29999999999999993
    available = np.arange(12) >= 7
    plan = BufferedAsync().plan(replace(observation, free_share=free, available=available))
    assert len(plan.ue) == 3
    assert (plan.ue >= 7).all()
    nobody = replace(observation, available=np.zeros(12, dtype=bool), free_share=np.zeros(12))
    assert len(BufferedAsync().plan(nobody).ue) == 0


def test_each_gnb_has_its_own_places(observe: Callable[..., Observation]) -> None:
    observation = observe({"federation": "network", "topology.window_km": 3, "ues.count": 30})
    plan = BufferedAsync(concurrency=2, buffer=1).plan(observation)
    at_work = np.bincount(observation.gnb[plan.ue], minlength=observation.gnb.max() + 1)
    there = np.bincount(observation.gnb, minlength=observation.gnb.max() + 1)
    assert np.array_equal(at_work, np.minimum(there, 2))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"concurrency": 0}, r"scheme\.concurrency: must be at least 1 \(found 0\)"),
        ({"buffer": -1}, r"scheme\.buffer: must be at least 1 \(found -1\)"),
        ({"buffer": 11}, r"scheme\.buffer: must be at most scheme\.concurrency, 10 \(found 11\)"),
    ],
)
def test_parameters(given: dict[str, Any], error: str) -> None:
    with pytest.raises(ScenarioError, match=error):
        BufferedAsync(**given)
