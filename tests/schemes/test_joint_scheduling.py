"""Joint scheduling and bandwidth allocation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from netsim.allocation.staggered import allocate_staggered
from netsim.errors import ScenarioError
from netsim.protocols import Observation
from netsim.results.writer import MemorySink
from netsim.schemes.joint_scheduling import MOST_STARTS, JointScheduling, _starts
from netsim.units import FloatArray

Observe = Callable[..., Observation]
TIGHT = {"ues.count": 8, "radio.bandwidth_hz": 1.5e6}


def _finish(seen: Observation, ue: tuple[int, ...], computed_s: FloatArray) -> float:
    rows = np.array(ue)
    start = computed_s[rows]
    return allocate_staggered(
        seen.max_power_w * seen.signal_gain[rows],
        seen.interference_w[rows],
        seen.payload_bits[(rows + seen.round) % 4],
        np.full(len(rows), start.max()) if seen.barrier else start,
        bandwidth_hz=seen.bandwidth_hz,
        noise_psd_w_hz=seen.noise_psd_w_hz[rows],
    ).finish_s


@pytest.mark.parametrize("start", ["barrier", "arrival"])
@pytest.mark.parametrize("budget_s", [2.0, 3.0, None])
def test_no_larger_set_meets_the_budget(
    observe: Observe, start: str, budget_s: float | None
) -> None:
    seen = observe({**TIGHT, "round.alloc_start": start})
    plan = JointScheduling(budget_s).plan(seen)
    everybody = np.arange(8)
    computed_s, ready = seen.computed(everybody, (everybody + 1) % 4)
    limit = budget_s or seen.deadline_s
    fitting = [
        ue
        for size in range(1, 9)
        for ue in combinations(range(8), size)
        if ready[list(ue)].all() and _finish(seen, ue, computed_s) <= limit
    ]
    assert len(plan.ue) == max(len(ue) for ue in fitting)
    assert tuple(plan.ue.tolist()) in fitting


def test_a_tighter_budget_takes_fewer(observe: Observe) -> None:
    seen = observe(TIGHT)
    sizes = [len(JointScheduling(b).plan(seen).ue) for b in (0.5, 1.0, 1.5, 2.5, 3.5, 4.5)]
    assert sizes == sorted(sizes)
    assert 0 == sizes[0] < sizes[2] < sizes[-1]


@pytest.mark.parametrize("start", ["barrier", "arrival"])
def test_uploads_use_the_whole_band_from_their_own_starts(
    simulate: Callable[..., MemorySink], start: str
) -> None:
    sink = simulate(
        {"scheme.kind": "joint_scheduling", "round.alloc_start": start, "ues.count": 20}
    )
    uploads = sink.frame("uploads").sort("round", "ue")
    assert (uploads["power_w"] == 0.2).all()
    bands = uploads.group_by("round").agg(pl.col("bandwidth_hz").sum())["bandwidth_hz"]
    assert np.allclose(bands.to_numpy(), 1e7, rtol=1e-9)
    if start == "barrier":
        assert (uploads.group_by("round").agg(pl.col("start_s").n_unique())["start_s"] == 1).all()
    else:
        assert (uploads.group_by("round").agg(pl.col("start_s").n_unique())["start_s"] > 1).all()


def test_slow_computers_get_more_band(observe: Observe) -> None:
    seen = observe({"round.alloc_start": "arrival", "ues.count": 2})
    twins = replace(
        seen,
        signal_gain=np.full(2, 1e-10),
        interference_w=np.full(2, 1e-13),
        payload_bits=np.full(1, 1e6),
        computed=lambda ue, *_: (np.array([0.5, 2.0])[ue], np.ones(len(ue), dtype=bool)),
    )
    plan = JointScheduling().plan(twins)
    assert plan.share[1] > plan.share[0]


def test_few_starts_are_tried() -> None:
    assert _starts(np.array([2.0, 1.0, 2.0])).tolist() == [1.0, 2.0]
    many = _starts(np.arange(1000.0))
    assert len(many) == MOST_STARTS
    assert many[-1] == 999.0


def test_nobody_ready(observation: Observation) -> None:
    late = replace(
        observation, computed=lambda ue, *_: (np.ones(len(ue)), np.zeros(len(ue), dtype=bool))
    )
    assert len(JointScheduling().plan(late).ue) == 0
    with pytest.raises(ScenarioError, match=r"scheme\.budget_s: must be above 0"):
        JointScheduling(0.0)
