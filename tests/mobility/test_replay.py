"""Traces replayed: one UE per node, absent outside of its samples, jumps where it cannot have
moved.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pace import slowness

from netsim.errors import DataError, ScenarioError
from netsim.mobility.region import Disc
from netsim.mobility.replay import Replay
from netsim.traces import read_mobility

REGION = Disc((0.0, 0.0), 1.0)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "a.csv"
    path.write_text("time_s,node,x_m,y_m,z_m\n10,a,0,0,1\n20,a,100,0,1\n21,a,900,0,1\n12,b,5,5,\n")
    return str(path)


def test_presence_moves_and_jumps(trace: str) -> None:
    motion = Replay(trace, begin_s=0.0).recorded()
    assert motion.nodes == ("a", "b")
    found = motion.positions(np.array([9.9, 10.0, 15.0, 20.5, 21.0, 21.1]))
    assert found[0].tolist()[1:5] == [[0, 0], [50, 0], [100, 0], [900, 0]]
    assert np.isnan(found[:, [0, 5]]).all()
    assert motion.positions(np.array([12.0]))[1].tolist() == [[5, 5]]
    assert Replay(trace, begin_s=0.0, jump_m_s=1000.0).recorded().positions(np.array([20.5]))[
        0, 0
    ].tolist() == [500, 0]
    there = ~np.isnan(motion.positions(np.array([9.9, 10.0, 12.0, 21.0, 21.1]))[:, :, 0])
    assert there.tolist() == [[False, True, True, True, False], [False, False, True, False, False]]


def test_trace_time_may_be_shifted(trace: str) -> None:
    for begins in (
        Replay(trace),
        Replay(trace, begin_s=10.0),
    ):  # at the first sample if nothing is said
        motion = begins.recorded()
        assert (motion.span_s, motion.end_s) == ((0.0, 11.0), 11.0)
        assert motion.positions(np.array([5.0]))[0, 0].tolist() == [50, 0]
        assert np.isfinite(motion.positions(np.array([0.0, 2.0]))[:, :, 0]).tolist() == [
            [True, True],
            [False, True],
        ]
    assert Replay(trace, begin_s=8.0).recorded().span_s == (2.0, 13.0)


def test_places_may_be_shifted(trace: str) -> None:
    motion = replace(Replay(trace).recorded(), shift_m=(-450.0, 100.0))
    assert motion.positions(np.array([5.0]))[0, 0].tolist() == [-400, 100]


def test_between_samples_far_apart_a_node_may_be_absent(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,id,x,y\n0,a,0,0\n1,a,1,0\n50,a,50,0\n51,a,51,0\n")
    at_s = np.array([0.5, 1.0, 25.0, 50.0, 50.5])
    whole = Replay(str(path)).recorded().positions(at_s)[0, :, 0]
    assert whole.tolist() == [0.5, 1, 25, 50, 50.5]
    gaps = Replay(str(path), gap_s=2.0).recorded().positions(at_s)[0, :, 0]
    assert np.isnan(gaps).tolist() == [False, False, True, False, False]


def test_sumo_s_vehicles_are_absent_while_they_have_no_sample(tmp_path: Path) -> None:
    rows = "".join(f"{t};a;{t};0;1\n" for t in (0, 1, 2, 50, 51))
    path = tmp_path / "a.fcd.csv"
    path.write_text(f"timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_speed\n{rows}")
    motion = Replay(str(path), format="sumo:metres").recorded()
    found = motion.positions(np.array([1.5, 2.0, 25.0, 50.0]))[0, :, 0]
    assert np.isnan(found).tolist() == [False, False, True, False]
    with pytest.raises(ScenarioError, match="must not lie after the trace's last sample, at 51 s"):
        Replay(str(path), begin_s=52.0).recorded()


def test_as_many_nodes_as_ues(trace: str) -> None:
    motion = Replay(trace).motion(np.zeros((1, 2)), REGION, seed=1)
    assert motion.nodes == ("a",)
    assert motion.positions(np.array([0.0])).tolist() == [[[0, 0]]]
    with pytest.raises(ScenarioError, match=r"ues\.count: must be at most the 2 nodes"):
        Replay(trace).motion(np.zeros((3, 2)), REGION, seed=1)


def test_every_sample_of_sumo_is_met(samples: Path) -> None:
    motion = Replay(str(samples / "grid.fcd.xml")).recorded()
    table = read_mobility(samples / "grid.fcd.xml").collect()
    number = {name: k for k, name in enumerate(motion.nodes)}
    found = motion.positions(np.arange(80.0))
    for time_s, node, x, y, _ in table.rows():
        assert found[number[node], int(time_s)].tolist() == [x, y]
    assert (~np.isnan(found[..., 0])).sum() == len(table)


@pytest.mark.parametrize(
    ("values", "key"), [({"begin_s": np.inf}, "begin_s"), ({"jump_m_s": 0.0}, "jump_m_s")]
)
def test_bad_parameters(values: dict[str, float], key: str) -> None:
    with pytest.raises(ScenarioError, match=key):
        Replay("a", **values)  # type: ignore[arg-type]


def test_no_such_trace(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        Replay("none.csv").recorded(folder=tmp_path)


def test_a_million_rows_of_parquet_start_at_once(tmp_path: Path) -> None:
    """A tenth of the ten million rows that must start within 2 s."""
    nodes, steps = 2000, 500
    frame = pl.DataFrame(
        {
            "time_s": np.repeat(np.arange(steps) * 1.0, nodes),
            "node": np.tile(np.array([f"veh{i}" for i in range(nodes)]), steps),
            "x_m": np.arange(nodes * steps) * 1e-3,
            "y_m": np.zeros(nodes * steps),
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")

    def cpu_s() -> float:
        begun = time.process_time()
        found = Replay(str(tmp_path / "a.parquet")).recorded().positions(np.array([250.5]))
        assert found[7, 0, 0] == pytest.approx((250.5 * nodes + 7) * 1e-3)
        return time.process_time() - begun

    assert min(cpu_s() for _ in range(3)) < 0.4 * slowness()
