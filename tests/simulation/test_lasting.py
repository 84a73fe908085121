"""Uploads that outlast their rounds: times, ages and weights by hand, and what may not depend on
what.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from netsim.assembly import build_parts, build_simulation
from netsim.errors import RunError, ScenarioError
from netsim.protocols import Observation, RoundPlan, Scheme, Silence, Tickets
from netsim.records import TABLES
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.scenario.model import Scenario

Make = Callable[..., Scenario]
Simulate = Callable[..., MemorySink]
STALE = {"round.late_uploads": "stale", "round.alloc_start": "arrival", "scheme.kind": "fedlora"}
NETWORK = {
    "radio.interference": "network",
    "federation": "network",
    "topology.window_km": 3,
    "ues.count": 40,
    "radio.bandwidth_hz": 2.5e6,
}
TIGHT = {"round.deadline_s": 1.5, "round.compute_limit_s": None}


class Uneven(Scheme):
    """UE 0 gets 0.8 of the band and UE 1 gets 0.1, whenever they are there; both work on module
    0.
    """

    name, citation, redeem = "uneven", "a test", "at_close"

    def plan(self, observation: Observation) -> RoundPlan:
        ue = np.flatnonzero(observation.available[:2])
        share = np.array([0.8, 0.1])[ue]
        power = np.full(len(ue), observation.max_power_w)
        # type: ignore[arg-type]
        return RoundPlan(ue, np.zeros_like(ue), share, power, redeem=self.redeem)


# a code for -60 dB is always received: rates are constants, 0.5 s on 0.8 of the band, 4 s on 0.1
RATE_BPS = 1e10 * math.log2(1 + 1e-6)
CONSTANT: dict[str, Any] = {
    "radio.rate_model": "threshold",
    "radio.sinr_threshold_db": -60.0,
    "radio.bandwidth_hz": 1e10,
    "round.late_uploads": "stale",
    "round.alloc_start": "arrival",
    "round.deadline_s": 1.5,
    "rounds": 4,
    "round.compute_limit_s": None,
    "modules.0.payload_bits_override": 0.4 * RATE_BPS,
    "ues.count": 2,
    "devices": [{"cpu_hz_min": 1e12, "cpu_hz_max": 1e12}],
}


def test_a_carry_over_by_hand(network_scenario: Make) -> None:
    parts, sink = build_parts(network_scenario(CONSTANT), Silence()), MemorySink()
    simulation = build_simulation(parts, sink, Silence())
    end = simulation.run(Uneven())
    rounds, uploads = sink.frame("rounds"), sink.frame("uploads")
    opened = rounds["start_s"].to_numpy()
    ready = uploads["start_s"][0] - opened[0]  # download and computing, in every round
    assert 0 < ready < 0.1
    # UE 1 ends 4 s after it began to send, in round 3, which then has nobody left to wait for
    assert np.allclose(np.diff(opened), [1.51, 1.51, ready + 4.0 - 2 * 1.51 + 0.01])
    assert rounds["carried"].to_list() == [1, 1, 0, 0]
    assert rounds["subscribed"].to_list() == [2, 1, 1, 2]
    assert rounds["on_time"].to_list() == [1, 1, 2, 1]
    assert rounds["late"].to_list() == [0, 0, 0, 1]
    keys = ("round", "begun", "ue", "staleness", "outcome")
    assert uploads.select(keys).rows() == [
        (1, 1, 0, 0, "on_time"),
        (2, 2, 0, 0, "on_time"),
        (3, 3, 0, 0, "on_time"),
        (3, 1, 1, 2, "on_time"),
        (4, 4, 0, 0, "on_time"),
        (4, 4, 1, 0, "late"),
    ]
    airtime = np.array([0.5, 0.5, 0.5, 4.0, 0.5, 1.5 - ready])
    assert np.allclose(uploads["airtime_s"], airtime)
    assert np.allclose(uploads["energy_j"], 0.2 * airtime)
    assert np.allclose(uploads["download_s"] + uploads["compute_s"], ready)
    late = 0.1 * RATE_BPS * (1.5 - ready)
    assert np.allclose(uploads["bits_sent"], [0.4 * RATE_BPS] * 5 + [late])
    assert np.allclose(rounds["uplink_energy_j"], 0.2 * np.array([0.5, 0.5, 4.5, 2.0 - ready]))
    assert end.energy_j == pytest.approx(sink.frame("spans")["energy_j"].sum())
    sent = sink.frame("spans").filter(pl.col("kind") == "uplink")
    assert len(sent) == len(uploads)  # one span, however many rounds it spans


LEARNING = {
    **CONSTANT,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
    "learning.workers": 1,
    "learning.local_steps": 1,
    "rounds": 3,
}


def learned(redeem: str) -> list[np.ndarray]:
    """Modules after three rounds of `Uneven`."""
    parts = build_parts(load_scenario("quickstart", LEARNING), Silence())
    simulation = build_simulation(parts, MemorySink(), Silence())
    scheme = Uneven()
    scheme.redeem = redeem
    simulation.run(scheme)
    learner: Any = parts.learner
    learner.close()
    return learner.states


def test_age_version_and_samples_reach_the_learner() -> None:
    """As if the learner had been told by hand; UE 1 counts for 1 / sqrt(1 + 2)."""
    learner: Any = build_parts(load_scenario("quickstart", LEARNING), Silence()).learner
    one, first, two = np.array([0]), np.array([1]), np.array([0, 1])
    under_way = Tickets(1, first, one, one, sampled=first)
    for number in (1, 2):
        mine = Tickets(number, one, one, one + number - 1, sampled=one + number, staleness=one)
        learner.redeem(mine, "staleness_weighted", under_way)
    before = learner.states[0].copy()
    last = Tickets(
        3,
        two,
        np.array([0, 0]),
        np.array([2, 0]),
        sampled=np.array([3, 1]),
        staleness=np.array([0, 2]),
    )
    learner.redeem(last, "staleness_weighted")
    found = learned("at_close")
    assert [a.tobytes() for a in found] == [a.tobytes() for a in learner.states]
    assert not np.array_equal(before, found[0])
    learner.close()


def test_eager_and_lazy_learn_the_same() -> None:
    for eager, lazy in zip(learned("before_uplink"), learned("at_close"), strict=True):
        assert np.allclose(eager, lazy, rtol=0, atol=1e-6)


MODES: dict[str, dict[str, Any]] = {
    "round": TIGHT,
    "blocks": {**TIGHT, "radio.fading": "block"},
    "again": {**TIGHT, "radio.retransmissions": 2, "radio.sinr_threshold_db": 0.0},
    "barrier": {
        "round.alloc_start": "barrier",
        "ues.count": 40,
        "downlink.w0_broadcast": "every_round",
        "downlink.bandwidth_hz": 1e9,
    },
    "network": {**TIGHT, **NETWORK, "radio.retransmissions": 1, "radio.sinr_threshold_db": 0.0},
    "network-blocks": {**TIGHT, **NETWORK, "radio.fading": "block"},
    "async": {"scheme.kind": "buffered_async", "scheme.concurrency": 5, "scheme.buffer": 2},
    "async-network": {
        **NETWORK,
        "scheme.kind": "buffered_async",
        "scheme.buffer": 2,
        "scheme.concurrency": 3,
    },
}


@pytest.mark.parametrize("mode", MODES)
def test_order_of_ties_changes_no_record(simulate: Simulate, mode: str) -> None:
    # equal hardware makes many UEs finish computing at the same time
    same = {
        f"devices.{i}.{key}": value
        for i in range(3)
        for key, value in (
            ("cpu_hz_min", 1.5e9),
            ("cpu_hz_max", 1.5e9),
            ("samples_min", 16),
            ("samples_max", 16),
        )
    }
    plain = simulate({**STALE, **same, **MODES[mode]})
    assert plain.frame("rounds")["carried"].sum() > 0
    late = plain.frame("uploads").filter(pl.col("begun") < pl.col("round"))
    assert (late["outcome"] == "on_time").any()
    for tie_seed in (1, 2):
        shuffled = simulate({**STALE, **same, **MODES[mode]}, tie_seed=tie_seed)
        for table in TABLES:
            assert_frame_equal(plain.frame(table), shuffled.frame(table))


@pytest.mark.parametrize("mode", ["round", "network"])
def test_a_deadline_that_holds_nobody_up_changes_nothing(simulate: Simulate, mode: str) -> None:
    """Where everything ends in its round, stale and drop are the same."""
    loose = {
        **STALE,
        **MODES[mode],
        "round.deadline_s": 1e4,
        "radio.retransmissions": 0,
        "rounds": 2,
    }
    stale, drop = simulate(loose), simulate({**loose, "round.late_uploads": "drop"})
    for table in TABLES:
        assert_frame_equal(stale.frame(table), drop.frame(table))


ALONE = {"radio.interference": "network", "radio.background_ues": 3, "radio.retransmissions": 0}
LAST = {
    "round": {},
    "blocks": {"radio.fading": "block"},
    "again": MODES["again"],
    "network-again": {**ALONE, **MODES["again"]},
    "network-blocks": {**ALONE, "radio.fading": "block"},
}


@pytest.mark.parametrize("mode", LAST)
def test_the_last_round_is_that_of_drop(simulate: Simulate, mode: str) -> None:
    """A run of one round: what is under way at its end has done what it does when late uploads are
    dropped.
    """
    one = {
        **STALE,
        "ues.count": 30,
        **LAST[mode],
        "round.compute_limit_s": None,
        "rounds": 1,
        "round.deadline_s": 2.0,
    }
    stale, drop = simulate(one), simulate({**one, "round.late_uploads": "drop"})
    assert {"on_time", "late"} <= set(drop.frame("uploads")["outcome"])
    for table in ("uploads", "rounds", "spans"):
        assert_frame_equal(stale.frame(table), drop.frame(table), check_exact=False, rel_tol=1e-9)


def test_a_network_upload_is_carried_through_a_block(simulate: Simulate) -> None:
    """Bits, time and energy of what outlasted its round agree, though rounds end within blocks."""
    sink = simulate({**STALE, **MODES["network-blocks"], "rounds": 8, "radio.bandwidth_hz": 1e6})
    uploads = sink.frame("uploads").filter(
        (pl.col("begun") < pl.col("round")) & (pl.col("outcome") == "on_time")
    )
    assert len(uploads) > 20
    assert np.allclose(uploads["bits_sent"], uploads["payload_bits"], rtol=1e-9)
    opened = sink.frame("rounds").select(
        "gnb", pl.col("round").alias("begun"), pl.col("start_s").alias("opened_s")
    )
    both = uploads.join(opened, on=["begun", "gnb"])
    parts = both["download_s"] + both["compute_s"] + both["wait_s"] + both["airtime_s"]
    assert np.allclose(parts, both["end_s"] - both["opened_s"])


def test_a_full_buffer_closes_the_round(simulate: Simulate) -> None:
    sink = simulate(
        {
            "scheme.kind": "buffered_async",
            "scheme.concurrency": 6,
            "scheme.buffer": 3,
            "rounds": 12,
            "round.deadline_s": math.inf,
            "round.compute_limit_s": None,
            "radio.sinr_threshold_db": -60.0,
        }
    )
    rounds, uploads = sink.frame("rounds"), sink.frame("uploads")
    assert (rounds["on_time"] == 3).all()
    arrived = uploads.filter(pl.col("outcome") == "on_time")
    third = arrived.group_by("round").agg(pl.col("end_s").max().alias("third_s"))
    closed = rounds.join(third, on="round")
    assert np.allclose(closed["end_s"], np.maximum(closed["third_s"], closed["start_s"]) + 0.01)
    assert arrived["staleness"].max() > 0
    in_flight = rounds["carried"].to_numpy()
    assert in_flight[:-1].max() <= 6
    assert in_flight[-1] == 0
    assert np.allclose(uploads["bandwidth_hz"], 1e7 / 6, rtol=1e-15)
    begun = rounds["subscribed"].to_numpy()
    assert begun[0] == 6
    assert (begun[1:] <= 6 - in_flight[:-1] + 1).all()


class Closing(Uneven):
    def plan(self, observation: Observation) -> RoundPlan:
        return replace(super().plan(observation), close_after=1)


def test_a_plan_may_not_close_early_where_nothing_goes_on(network_scenario: Make) -> None:
    scenario = network_scenario({**CONSTANT, "round.late_uploads": "drop"})
    simulation = build_simulation(build_parts(scenario, Silence()), MemorySink(), Silence())
    with pytest.raises(RunError, match="close_after needs"):
        simulation.run(Closing())


@pytest.mark.parametrize(
    ("key", "value"),
    [("radio.reallocation", "events"), ("mobility.kind", "random_waypoint"), ("record", True)],
)
@pytest.mark.parametrize(
    "how", [{"round.late_uploads": "stale"}, {"scheme.kind": "buffered_async"}]
)
def test_what_does_not_go_together_is_one_error(
    how: dict[str, Any], key: str, value: Any, network_scenario: Make
) -> None:
    speed = (
        {"mobility.min_speed_m_s": 1.0, "mobility.max_speed_m_s": 2.0}
        if key == "mobility.kind"
        else {}
    )
    scenario = network_scenario({**how, key: value, **speed})
    with pytest.raises(
        ScenarioError, match=rf"scenario: {key}.*must be .* with {next(iter(how))} = "
    ):
        build_parts(scenario, Silence())
