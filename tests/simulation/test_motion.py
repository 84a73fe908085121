"""UEs that move, are handed over and leave; channels from traces; a recorded run replayed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal as about_equal

from netsim import run
from netsim.errors import DataError, ScenarioError
from netsim.records import TABLES
from netsim.results.checks import check_run
from netsim.results.reader import Run
from netsim.results.writer import MemorySink
from netsim.scenario.model import Scenario

same = partial(about_equal, check_exact=True)  # to the last bit
MakeScenario = Callable[..., Scenario]
Simulate = Callable[..., MemorySink]

# equal hardware: then nothing but the radio depends on the seed
SAME = {
    f"devices.{i}.{key}": value
    for i in range(3)
    for key, value in (
        ("cpu_hz_min", 1.5e9),
        ("cpu_hz_max", 1.5e9),
        ("samples_min", 16),
        ("samples_max", 16),
    )
}
HEX: dict[str, Any] = {
    **SAME,
    "topology.kind": "hex",
    "federation": "network",
    "learning.local_steps": 1,
}
WALK = {
    "mobility.kind": "random_waypoint",
    "mobility.min_speed_m_s": 20.0,
    "mobility.max_speed_m_s": 40.0,
    "mobility.hysteresis_db": 0.0,
}
MOVING: dict[str, Any] = {**HEX, **WALK, "rounds": 8}
NETWORK = {"radio.interference": "network", "topology.window_km": 2, "rounds": 3}
RESUME = {"mobility.handover": "resume", "radio.reallocation": "events"}


def _tables(kept: Path) -> dict[str, Any]:
    """The scenario keys that replay a recorded run."""
    return {
        "mobility.kind": "replay",
        "mobility.path": str(kept / "mobility"),
        "channel": [{"path": str(kept / "channel")}],
    }


def _balances(made: Run, scenario: Scenario) -> None:
    found = check_run(
        made, bandwidth_hz=scenario.radio.bandwidth_hz, constant_rate=scenario.constant_rate
    )
    assert [(c.name, c.worst) for c in found if not c.passed] == []


def test_recorded_arrivals_replay_as_themselves(
    network_scenario: MakeScenario, samples: Path, tmp_path: Path
) -> None:
    overrides = {
        **HEX,
        "mobility.kind": "replay",
        "ues.count": 20,
        "rounds": 6,
        "model.foundation_bits_override": 1e6,
        "radio.bandwidth_hz": 3e5,
        "topology.density_per_km2": 10,
        "topology.window_km": 2,
    }
    trace = {"mobility.path": str(samples / "grid.fcd.xml")}
    made = run(network_scenario({**overrides, **trace, "record": True}), out=tmp_path / "a")
    assert 1 < made.ues.collect()["x_m"].null_count() < 20  # some come later, others never
    again = run(
        network_scenario({**overrides, **_tables(tmp_path / "a"), "seed": 9}), out=tmp_path / "b"
    )
    assert made.uploads.collect()["ue"].n_unique() > 2
    same(made.uploads.collect(), again.uploads.collect())


def test_changed_sample_of_a_trace_changes_the_upload(
    network_scenario: MakeScenario, tmp_path: Path
) -> None:
    overrides = {**HEX, "rounds": 2}
    made = run(network_scenario({**overrides, "record": True}), out=tmp_path / "a")
    channel = pl.read_parquet(tmp_path / "a" / "channel")
    hit = (pl.col("ue") == 3) & (pl.col("time_s") == channel["time_s"].max())
    doubled = channel.with_columns(
        pl.when(hit).then(2 * pl.col("gain")).otherwise(pl.col("gain")).alias("gain")
    )
    doubled.write_parquet(tmp_path / "channel.parquet")
    traced = {**overrides, "channel": [{"path": str(tmp_path / "channel.parquet")}]}
    again = run(network_scenario(traced), out=tmp_path / "b")
    both = made.uploads.collect().join(again.uploads.collect(), on=["round", "ue"], suffix="_b")
    moved = both.filter(pl.col("sinr_db") != pl.col("sinr_db_b"))
    assert moved.select("round", "ue").rows() == [(2, 3)]
    assert np.allclose(moved["sinr_db_b"] - moved["sinr_db"], 10 * np.log10(2))


def test_recording_changes_nothing(simulate: Simulate) -> None:
    plain, recorded = simulate(), simulate({"record": True})
    for table in ("uploads", "spans", "rounds"):
        same(plain.frame(table), recorded.frame(table))
    assert not len(plain.frame("channel"))


@pytest.mark.parametrize("overrides", [{}, RESUME, {**NETWORK, **RESUME}])
def test_order_of_ties_changes_no_record(simulate: Simulate, overrides: dict[str, Any]) -> None:
    plain = simulate({**MOVING, **overrides, "rounds": 4})
    shuffled = simulate({**MOVING, **overrides, "rounds": 4}, tie_seed=5)
    for table in TABLES:
        same(plain.frame(table), shuffled.frame(table))


def test_what_a_handover_does_to_an_upload(simulate: Simulate) -> None:
    slow = {**MOVING, "radio.bandwidth_hz": 1e6, "radio.sinr_threshold_db": -60.0, "rounds": 12}
    lost, kept, on = (
        simulate({**slow, **more}) for more in ({}, {"mobility.handover": "finish_old"}, RESUME)
    )
    broken = lost.frame("handovers").filter(pl.col("during") == "uplink")
    aborted = lost.frame("uploads").filter(pl.col("outcome") == "aborted")
    assert len(broken) > 3
    assert len(aborted) >= len(broken)
    assert (broken["bits_lost"] > 0).all()
    assert (aborted["bits_sent"] < aborted["payload_bits"]).all()
    assert (kept.frame("uploads")["outcome"] != "aborted").all()
    assert (on.frame("uploads")["outcome"] != "aborted").all()
    across = on.frame("spans").filter(pl.col("kind") == "uplink").group_by("round", "ue", "module")
    assert (across.agg(pl.col("gnb").n_unique())["gnb"] == 2).sum() > 0
    pause = on.frame("spans").filter(pl.col("kind") == "handover")
    assert np.allclose(pause["end_s"] - pause["start_s"], 0.05)


def test_a_handover_before_an_upload_begins_loses_nothing(simulate: Simulate) -> None:
    slow = {f"devices.{i}.{key}": 2e7 for i in range(3) for key in ("cpu_hz_min", "cpu_hz_max")}
    long = {"round.deadline_s": 30.0, "round.compute_limit_s": 29.0, "rounds": 4}
    sink = simulate({**MOVING, **slow, **long, "radio.sinr_threshold_db": -60.0})
    during = sink.frame("handovers")["during"].to_list()
    assert during.count("compute") > 5
    aborted = sink.frame("uploads").filter(pl.col("outcome") == "aborted")
    assert (aborted["airtime_s"] > 0).all()
    assert len(aborted) <= during.count("uplink")


def _handovers(simulate: Simulate, speed_m_s: float, density_per_km2: float) -> int:
    walk = {
        "mobility.kind": "random_waypoint",
        "mobility.min_speed_m_s": speed_m_s,
        "mobility.max_speed_m_s": speed_m_s,
        "mobility.hysteresis_db": 0.0,
        "mobility.step_s": 0.25,
    }
    sink = simulate(
        {
            **SAME,
            **walk,
            "topology.density_per_km2": density_per_km2,
            "topology.window_km": 6,
            "topology.boundary": "torus",
            "federation": "network",
            "ues.count": 60,
            "rounds": 6,
            "round.deadline_s": 10.0,
            "radio.bandwidth_hz": 3e5,
            "learning.local_steps": 1,
        }
    )
    events, ends = sink.frame("handovers"), sink.frame("rounds")["end_s"].max()
    return (
        len(events.filter(pl.col("time_s") <= 40.0))
        if isinstance(ends, float) and ends > 40
        else -1
    )


def test_handovers_follow_speed_and_the_root_of_density(simulate: Simulate) -> None:
    # crossings of Poisson-Voronoi borders: 4/pi v sqrt(phi) per UE and second (Moller, 1989)
    for speed, density in ((20.0, 1.0), (40.0, 1.0), (20.0, 4.0)):
        expected = 4 / np.pi * speed * np.sqrt(density / 1e6) * 60 * 40
        found = _handovers(simulate, speed, density)
        assert abs(found - expected) < 4 * np.sqrt(expected) + 0.08 * expected


def test_hysteresis_and_time_to_trigger_hold_handovers_back(simulate: Simulate) -> None:
    free, held, late = (
        len(simulate({**MOVING, **more}).frame("handovers"))
        for more in ({}, {"mobility.hysteresis_db": 6.0}, {"mobility.time_to_trigger_s": 5.0})
    )
    assert 0 < held < free
    assert 0 < late < free


def test_who_leaves_the_trace_breaks_off(simulate: Simulate, tmp_path: Path) -> None:
    rows = [f"{t},{k},{100 + k},{-50 * k}" for k in range(4) for t in (0, 1000)]
    rows[1] = "3.0,0,100,0"  # UE 0 leaves after 3 s
    rows[6] = "2.0,3,103,-150"  # UE 3 comes at 2 s
    path = tmp_path / "a.csv"
    path.write_text("time_s,node,x_m,y_m\n" + "\n".join(rows) + "\n")
    slow = {
        "radio.bandwidth_hz": 2e4,
        "radio.sinr_threshold_db": -60.0,
        "round.deadline_s": 8.0,
        "model.foundation_bits_override": 1e6,
        "learning.local_steps": 1,
        **SAME,
    }
    sink = simulate(
        {**slow, "mobility.kind": "replay", "mobility.path": str(path), "ues.count": 4, "rounds": 2}
    )
    first = sink.frame("uploads").filter(pl.col("round") == 1)
    gone = first.filter(pl.col("ue") == 0).row(0, named=True)
    assert gone["outcome"] == "aborted"
    assert gone["end_s"] == 4.0  # the first moment of the grid at which it is absent
    assert 0 < gone["bits_sent"] < gone["payload_bits"]
    scheduled = sink.frame("subscriptions")
    assert scheduled.filter(pl.col("round") == 1)["ue"].to_list() == [0, 1, 2]
    assert scheduled.filter(pl.col("round") == 2)["ue"].to_list() == [1, 2, 3]
    assert sink.frame("ues")["x_m"].to_list() == [100, 101, 102, None]
    computing = simulate(
        {
            **slow,
            "mobility.kind": "replay",
            "mobility.path": str(path),
            "ues.count": 4,
            "rounds": 1,
            "round.compute_limit_s": 7.0,
            "devices.0.cpu_hz_min": 1e6,
            "devices.0.cpu_hz_max": 1e6,
            "devices.1.cpu_hz_min": 1e6,
            "devices.1.cpu_hz_max": 1e6,
            "devices.2.cpu_hz_min": 1e6,
            "devices.2.cpu_hz_max": 1e6,
        }
    )
    span = (
        computing.frame("spans")
        .filter((pl.col("kind") == "compute") & (pl.col("ue") == 0))
        .row(0, named=True)
    )
    assert (span["end_s"], span["outcome"]) == (4.0, "aborted")


def test_rates_of_a_trace_rule_by_share_or_as_they_are(simulate: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("time_s,node,rate_bps\n0,a,4e6\n1000,a,4e6\n2000,a,4e6\n")
    entry = {"path": str(path), "ues": [2]}
    for scale, share in (("share", 1 / 12), ("none", 1.0)):
        uploads = simulate({**SAME, "channel": [{**entry, "scale": scale}]}).frame("uploads")
        driven = uploads.filter(pl.col("ue") == 2)
        assert driven["sinr_db"].null_count() == len(driven) > 0
        assert np.allclose(driven["rate_bps"], 4e6 * share)
        assert uploads.filter(pl.col("ue") != 2)["sinr_db"].null_count() == 0
    model = simulate(SAME).frame("uploads").filter(pl.col("ue") != 2)["sinr_db"]
    assert uploads.filter(pl.col("ue") != 2)["sinr_db"].equals(model)


def test_fading_traces_have_a_window_for_each_link(simulate: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "walk.fad"
    gains = np.random.default_rng(1).normal(0, 5, 4000)
    path.write_text(
        " ".join(map(repr, gains.tolist())) + "\n" + " ".join(map(repr, gains.tolist())) + "\n"
    )
    quiet = {**SAME, "radio.sinr_threshold_db": -60.0, "rounds": 1}
    traced = simulate({**quiet, "channel": [{"path": str(path)}]}).frame("uploads")
    plain = simulate(quiet).frame("uploads")
    assert (traced["sinr_db"] != plain["sinr_db"]).all()
    assert traced["sinr_db"].n_unique() == len(traced)


def test_snr_and_gaps(simulate: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "snr.csv"
    path.write_text("time_s,ue,snr_db\n0,1,12.5\n1,1,12.5\n2,1,12.5\n")
    filled = simulate({**SAME, "channel": [{"path": str(path), "fill": "hold"}]}).frame("uploads")
    assert np.allclose(filled.filter(pl.col("ue") == 1)["sinr_db"], 12.5)
    with pytest.raises(DataError, match=r"snr\.csv: gap at .* s of 1, .*; set a fill rule"):
        simulate({**SAME, "channel": [{"path": str(path)}]})


def test_what_cannot_be_is_refused(
    network_scenario: MakeScenario, simulate: Simulate, samples: Path
) -> None:
    with pytest.raises(ScenarioError, match="resume needs federation = network"):
        network_scenario({"mobility.handover": "resume"})
    with pytest.raises(ScenarioError, match=r"ues\.count: must be at most the 10 nodes"):
        simulate({"mobility.kind": "replay", "mobility.path": str(samples / "walks.movements")})
    with pytest.raises(ScenarioError, match="replay needs the trace's path"):
        simulate({"mobility.kind": "replay"})
    with pytest.raises(ScenarioError, match=r"channel\.0\.ues: must name UEs 0\.\.11"):
        simulate({"channel": [{"path": str(samples / "walker-a.up"), "ues": [12]}]})


def test_every_real_channel_replays(
    network_scenario: MakeScenario, real: Path, tmp_path: Path
) -> None:
    from netsim.traces import open_trace

    small = {**HEX, "rounds": 2, "topology.window_km": 4}
    for path in sorted(p for p in real.iterdir() if p.suffix != ".params"):
        tables = open_trace(path).tables
        runs: list[dict[str, Any]] = []
        for table, use in (("throughput", "rate"), ("channel", "snr")):
            if table in tables:
                runs.append(
                    {"channel": [{"path": str(path), "ues": [0], "use": use, "fill": "hold"}]}
                )
        for index, overrides in enumerate(runs):
            scenario = network_scenario({**small, **overrides})
            made = run(scenario, out=tmp_path / f"{path.name}-{index}")
            _balances(made, scenario)
            assert len(made.uploads.filter(pl.col("ue") == 0).collect()) == 2
