"""JCPBA: what its plans say, and what is charged and learnt for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.protocols import Exchange, Observation, Silence, Tickets
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.schemes.jcpba import Jcpba

LOADED = Loaded()
PHI = 2 / 3  # two feed-forward matrices of h x 4h, four of h x h


def test_slow_ues_prune_more_and_the_mean_is_kept(observe: Callable[..., Observation]) -> None:
    observation = observe({"round.alloc_start": "arrival"})
    plan = Jcpba().plan(observation)
    pruned = np.asarray(plan.exchange.pruned)
    weight = observation.samples[plan.ue] / observation.samples[plan.ue].sum()
    assert weight @ pruned == pytest.approx(0.2, abs=1e-6)
    assert pruned.max() <= 0.5
    assert np.asarray(plan.exchange.work) == pytest.approx(1 - PHI * pruned)
    assert plan.share.sum() == pytest.approx(1.0)
    assert pruned.std() > 0
    barrier = Jcpba().plan(observe())
    alone = Exchange(heard=0)
    computing_s, _ = observation.computed(barrier.ue, barrier.module, None, alone)
    slowest = np.argsort(-computing_s)[:2]
    levelled = np.asarray(barrier.exchange.pruned)
    assert levelled[slowest[0]] == levelled.max() > levelled[slowest[1]] - 1e-12
    assert barrier.close_after is None


def test_who_would_be_late_is_left_out(observe: Callable[..., Observation]) -> None:
    observation = observe()
    everybody = len(Jcpba().plan(observation).ue)
    few = Jcpba().plan(replace(observation, deadline_s=observation.deadline_s / 3))
    assert len(few.ue) < everybody
    assert len(Jcpba().plan(replace(observation, deadline_s=1e-3)).ue) == 0


SMALL: dict[str, Any] = {
    "scheme.kind": "jcpba",
    "rounds": 1,
    "ues.count": 6,
    "topology.window_km": 8,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
    "devices": [{"samples_min": 2, "samples_max": 9, "cpu_hz_min": 1e9, "cpu_hz_max": 2e9}],
    "learning.local_steps": 1,
    "learning.workers": 1,
    "round.deadline_s": 100.0,
}


def test_what_is_pruned_saves_time_and_joules_and_changes_what_is_learnt() -> None:
    parts = build_parts(load_scenario("quickstart", SMALL), Silence(), LOADED)
    sink = MemorySink()
    simulation = build_simulation(parts, sink, Silence())
    plan = parts.scheme.plan(simulation.observe())
    simulation.step(plan)
    fleet, learner = parts.setting.fleet, parts.learner
    assert learner is not None
    work = dict(zip(plan.ue.tolist(), np.asarray(plan.exchange.work).tolist(), strict=True))
    spans = sink.frame("spans").filter(pl.col("kind") == "compute")
    for row in spans.iter_rows(named=True):
        ue = row["ue"]
        assert row["energy_j"] == pytest.approx(fleet.compute_energy_j[ue] * work[ue])
        assert row["end_s"] - row["start_s"] == pytest.approx(fleet.compute_s[ue] * work[ue])
    arrived = np.array(sink.frame("uploads").filter(pl.col("outcome") == "on_time")["ue"])
    pruned = np.asarray(plan.exchange.pruned)[np.isin(plan.ue, arrived)]
    states = []
    for left_out in (pruned, np.zeros_like(pruned)):
        made: Any = build_parts(parts.scenario, Silence(), LOADED).learner
        zero = np.zeros_like(arrived)
        made.redeem(Tickets(1, arrived, zero, zero, pruned=left_out), "average")
        states.append(made.states[0])
    assert learner.states[0].tobytes() == states[0].tobytes()  # type: ignore[attr-defined]
    assert states[0].tobytes() != states[1].tobytes()
