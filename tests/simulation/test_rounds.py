"""Rounds: conservation on several scenarios, ties, timing rules, and what may not depend on
what.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from netsim.assembly import build_parts, build_simulation
from netsim.protocols import Observation, RoundPlan, Silence
from netsim.records import TABLES
from netsim.results.writer import MemorySink
from netsim.scenario.model import Scenario

Simulate = Callable[..., MemorySink]
LOOSE = {"round.deadline_s": math.inf, "round.compute_limit_s": None}


def test_same_seed_same_tables(simulate: Simulate) -> None:
    first, second, other = simulate(), simulate(), simulate({"seed": 99})
    for table in TABLES:
        assert_frame_equal(first.frame(table), second.frame(table))
    assert not first.frame("uploads").equals(other.frame("uploads"))


@pytest.mark.parametrize(
    "overrides", [{}, {"round.alloc_start": "arrival"}, {"radio.fading": "block"}]
)
def test_order_of_ties_changes_no_record(simulate: Simulate, overrides: dict[str, Any]) -> None:
    # equal clock rates and samples make many UEs finish computing at the same time
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
    plain = simulate({**same, **overrides})
    for tie_seed in (1, 2, 3):
        shuffled = simulate({**same, **overrides}, tie_seed=tie_seed)
        for table in TABLES:
            assert_frame_equal(plain.frame(table), shuffled.frame(table))


def test_more_ues_leave_place_hardware_and_fading_of_the_others(simulate: Simulate) -> None:
    few, many = simulate({"ues.count": 10}), simulate({"ues.count": 25})
    assert_frame_equal(few.frame("ues"), many.frame("ues").filter(pl.col("ue") < 10))
    # noise and so SINR depend on the share; on one band of noise 0 they do not
    quiet = {"radio.noise_psd_dbm_hz": -300.0, "round.compute_limit_s": 4.9}
    few, many = (
        simulate({**quiet, "ues.count": n}).frame("uploads").select("round", "ue", "sinr_db")
        for n in (10, 25)
    )
    both = few.join(many, on=["round", "ue"], suffix="_many")
    assert len(both) > 20
    assert np.allclose(both["sinr_db"], both["sinr_db_many"])


def test_more_rounds_leave_the_earlier_ones(simulate: Simulate) -> None:
    short, long = simulate({"rounds": 2}), simulate({"rounds": 5})
    for table in ("spans", "uploads", "rounds", "subscriptions"):
        assert_frame_equal(short.frame(table), long.frame(table).filter(pl.col("round") <= 2))


def test_schemes_meet_the_same_fading(simulate: Simulate) -> None:
    quiet = {"radio.noise_psd_dbm_hz": -300.0}
    one = (
        simulate({**quiet, "scheme.kind": "round_robin"})
        .frame("uploads")
        .select("round", "ue", "sinr_db")
    )
    two = (
        simulate({**quiet, "scheme.kind": "fedlora"})
        .frame("uploads")
        .select("round", "ue", "sinr_db")
    )
    both = one.join(two, on=["round", "ue"], suffix="_two")
    assert len(both) > 20
    assert np.allclose(both["sinr_db"], both["sinr_db_two"])


def test_barrier_starts_all_uploads_together(simulate: Simulate) -> None:
    uploads = simulate().frame("uploads")
    assert (uploads.group_by("round").agg(pl.col("start_s").n_unique())["start_s"] == 1).all()
    compute_end = uploads["start_s"] - uploads["wait_s"]
    last = (
        uploads.with_columns(end=compute_end)
        .group_by("round")
        .agg(pl.col("end").max(), pl.col("start_s").first())
    )
    rounds = simulate().frame("rounds").join(last, on="round")
    limit = rounds["start_s"] + 2.5
    assert ((rounds["end"] - rounds["start_s_right"]).abs() < 1e-9).any() or (
        limit == rounds["start_s_right"]
    ).any()


def test_arrival_starts_each_upload_after_its_computing(simulate: Simulate) -> None:
    uploads = simulate({"round.alloc_start": "arrival"}).frame("uploads")
    assert (uploads["wait_s"] == 0).all()
    assert uploads["start_s"].n_unique() > len(uploads) / 2


def test_who_is_not_ready_at_the_limit_sits_out_and_has_paid(simulate: Simulate) -> None:
    sink = simulate(
        {
            "round.compute_limit_s": 1.0,
            "downlink.bandwidth_hz": 1e9,
            "devices.0.cpu_hz_min": 5e7,
            "devices.0.cpu_hz_max": 6e7,
        }
    )
    rounds, spans = sink.frame("rounds"), sink.frame("spans")
    assert rounds["not_ready"].sum() > 0
    computing = spans.filter((pl.col("kind") == "compute") & (pl.col("outcome") == "aborted"))
    assert len(computing) == rounds["not_ready"].sum()
    assert (computing["energy_j"] > 0).all()
    sent = sink.frame("uploads").select("round", "ue")
    assert len(computing.join(sent, on=["round", "ue"])) == 0


def test_late_uploads_stop_and_pay_until_the_deadline(simulate: Simulate) -> None:
    late = simulate({"ues.count": 40}).frame("uploads").filter(pl.col("outcome") == "late")
    assert len(late) > 0
    assert (late["end_s"] == late["deadline_s"]).all()
    assert (late["bits_sent"] < late["payload_bits"]).all()


def test_outage_is_decided_by_the_threshold(simulate: Simulate) -> None:
    uploads = simulate({"ues.count": 40}).frame("uploads")
    assert ((uploads["sinr_db"] < -5) == (uploads["outcome"] == "outage")).all()
    assert 0 < (uploads["outcome"] == "outage").sum() < len(uploads)


def test_without_deadline_nothing_is_late(simulate: Simulate) -> None:
    rounds = simulate({**LOOSE, "radio.sinr_threshold_db": -60.0}).frame("rounds")
    assert (rounds["on_time"] == rounds["subscribed"]).all()


def test_no_noise_makes_sinr_independent_of_the_share(simulate: Simulate) -> None:
    wide = simulate({"radio.noise_psd_dbm_hz": -300.0}).frame("uploads")
    narrow = simulate({"radio.noise_psd_dbm_hz": -300.0, "radio.bandwidth_hz": 1e8}).frame(
        "uploads"
    )
    both = wide.join(narrow, on=["round", "ue"], suffix="_narrow")
    assert np.allclose(both["sinr_db"], both["sinr_db_narrow"])


def test_a_round_ends_when_its_last_upload_does(simulate: Simulate) -> None:
    sink = simulate(
        {"round.deadline_s": 1e4, "round.compute_limit_s": None, "radio.sinr_threshold_db": -60.0}
    )
    last = sink.frame("uploads").group_by("round").agg(pl.col("end_s").max().alias("last"))
    both = sink.frame("rounds").join(last, on="round")
    assert np.allclose(both["end_s"], both["last"] + 0.01)


def test_foundation_model_is_sent_once_or_every_round(simulate: Simulate) -> None:
    once = (
        simulate()
        .frame("spans")
        .filter((pl.col("kind") == "broadcast") & pl.col("module").is_null())
    )
    assert once["round"].unique().to_list() == [0]
    wide = {"downlink.bandwidth_hz": 1e9, "downlink.w0_broadcast": "every_round"}
    each = (
        simulate(wide)
        .frame("spans")
        .filter((pl.col("kind") == "broadcast") & pl.col("module").is_null())
    )
    assert sorted(each["round"].unique()) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ({"stop.simulated_s": 20.0}, "simulated_s"),
        ({"stop.energy_j": 10.0}, "energy_j"),
        ({"rounds": 3}, "rounds"),
    ],
)
def test_stop_rules(
    network_scenario: Callable[..., Scenario], stop: Mapping[str, Any], reason: str
) -> None:
    scenario = network_scenario({"rounds": 100, **stop})
    parts = build_parts(scenario, Silence())
    end = build_simulation(parts, MemorySink(), Silence()).run(parts.scheme)
    assert end.reason == reason
    assert 0 < end.rounds < 100
    if reason == "simulated_s":
        assert end.time_s >= 20.0
    if reason == "energy_j":
        assert end.energy_j >= 10.0


class _TwoModules:
    """Every UE works on two modules at once."""

    name, citation = "two", "a test"

    def ranks(self, configured: list[int]) -> tuple[int, ...]:
        return tuple(configured)

    def plan(self, observation: Observation) -> RoundPlan:
        count = len(observation.distance_m)
        ue = np.repeat(np.arange(count), 2)
        module = np.tile([1, 3], count)
        share = np.full(2 * count, 0.5 / count)
        return RoundPlan(ue, module, share, np.full(2 * count, observation.max_power_w / 2))

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


def test_two_modules_are_computed_in_turn_and_sent_side_by_side(
    network_scenario: Callable[..., Scenario],
) -> None:
    parts = build_parts(
        network_scenario({"radio.sinr_threshold_db": -60.0, "downlink.bandwidth_hz": 1e9}),
        Silence(),
    )
    sink = MemorySink()
    simulation = build_simulation(parts, sink, Silence())
    simulation.run(_TwoModules())
    spans = sink.frame("spans")
    computing = spans.filter((pl.col("kind") == "compute") & (pl.col("round") == 1)).sort(
        "ue", "module"
    )
    assert np.allclose(computing["start_s"][1::2], computing["end_s"][::2])
    sent = sink.frame("uploads").filter(pl.col("round") == 1)
    assert sent["start_s"].n_unique() == 1
    assert (sent["power_w"] == 0.1).all()
    assert set(sent["module"].to_list()) == {1, 3}


class _Nobody(_TwoModules):
    """Plans an empty round."""

    def plan(self, observation: Observation) -> RoundPlan:
        none = np.empty(0, dtype=np.int64)
        return RoundPlan(none, none, np.empty(0), np.empty(0))


def test_an_empty_round_passes(network_scenario: Callable[..., Scenario]) -> None:
    parts = build_parts(network_scenario(), Silence())
    sink = MemorySink()
    simulation = build_simulation(parts, sink, Silence())
    simulation.run(_Nobody())
    rounds = sink.frame("rounds")
    assert (rounds["subscribed"] == 0).all()
    assert np.allclose(rounds["end_s"] - rounds["start_s"], 5.01)


@pytest.mark.parametrize("federation", ["cell", "network"])
def test_densities_are_compared_on_the_same_ues_data_and_sites(
    simulate: Simulate, federation: str
) -> None:
    """Sites of a lower density are among those of a higher one; UEs differ in what sites decide
    alone.
    """
    few, many = (
        simulate(
            {"federation": federation, "topology.density_per_km2": phi, "learning.local_steps": 1}
        )
        for phi in (0.25, 1.0)
    )
    sites, more = few.frame("sites"), many.frame("sites")
    assert len(more) > 2 * len(sites) > 2
    kept = more.head(len(sites)).select("gnb", "x_m", "y_m")
    assert_frame_equal(sites.select("gnb", "x_m", "y_m"), kept)
    decided = ["gnb", "distance_m", "gain_db"] + (["x_m", "y_m"] if federation == "cell" else [])
    assert_frame_equal(few.frame("ues").drop(decided), many.frame("ues").drop(decided))
    assert not few.frame("ues")["distance_m"].equals(many.frame("ues")["distance_m"])
    computing = [
        sink.frame("spans")
        .filter(pl.col("kind") == "compute")
        .select("round", "ue", "cycles", "energy_j")
        for sink in (few, many)
    ]
    both = computing[0].join(computing[1], on=["round", "ue"], suffix="_many", how="inner")
    whole = both.filter(pl.col("cycles") == pl.col("cycles_many"))
    assert len(whole) > 0.8 * len(both) > 0
