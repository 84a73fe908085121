"""Proportional-fair scheduling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from netsim.errors import ScenarioError
from netsim.protocols import Observation
from netsim.results.writer import MemorySink
from netsim.schemes.group import GroupSize
from netsim.schemes.proportional_fair import ProportionalFair


def test_best_against_their_own_average(observation: Observation) -> None:
    fading = np.array([0.1, 3.0, 0.2, 0.9, 2.0, 0.3, 1.5, 0.4, 0.5, 0.6, 0.7, 0.8])
    seen = replace(observation, channel=lambda: (fading * observation.signal_gain, np.zeros(12)))
    assert ProportionalFair(GroupSize(3)).plan(seen).ue.tolist() == [1, 4, 6]


def test_near_and_far_ues_get_the_same_turns_at_their_best(
    simulate: Callable[..., MemorySink],
) -> None:
    rounds, same = 150, {"scheme.ues_per_round": 3, "rounds": 150}
    table = simulate({"scheme.kind": "proportional_fair", **same}).frame("subscriptions")
    counts = table.group_by("ue").agg(pl.col("subscribed").sum())["subscribed"]
    assert len(counts) == 12
    assert np.abs(counts.to_numpy() - rounds / 4).max() < 4 * np.sqrt(rounds * 0.25 * 0.75)
    sinr = {
        kind: simulate({"scheme.kind": kind, **same}).frame("uploads")["sinr_db"].mean()
        for kind in ("proportional_fair", "random")
    }
    assert sinr["proportional_fair"] > sinr["random"] + 3


def test_needs_one_draw_per_upload(observe: Callable[..., Observation]) -> None:
    with pytest.raises(ScenarioError, match=r"radio\.fading: .*one draw per upload"):
        ProportionalFair().plan(observe({"radio.fading": "block"}))
