"""ns-2 movements: motion by hand, SUMO's own export beside its FCD, scripts with other lines."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from netsim.mobility.replay import Replay
from netsim.traces import open_trace, read_mobility
from netsim.units import FloatArray


def _places(tmp_path: Path, text: str, *times_s: float) -> FloatArray:
    (tmp_path / "a.tcl").write_text(text)
    return Replay(str(tmp_path / "a.tcl")).recorded().positions(np.array(times_s))


def test_motion_by_hand(tmp_path: Path) -> None:
    """A leg cut short starts the next from where the node is; it stops on arrival; set is a jump
    and a stop.
    """
    text = """
        $ns_ at 2.0 "$node_(0) setdest 100.0 0.0 10.0"
        $ns_ at 7.0 "$node_(0) setdest 50.0 30.0 1.0e+1";  # at (50, 0), arrives at 10
        $ns_ at 12.0 "$node_(0) setdest 50.0 130.0 10.0"
        $ns_ at 13.0 "$node_(0) set X_ -5.0"
        $ns_ at 20.0 "$node_(0) setdest 0 0 0.0"
        $node_(0) set X_ 0.0
        $node_(0) set Y_ 0.0
        $god_ set-dist 0 1 2
    """
    times = (0.0, 2.0, 5.0, 7.0, 8.0, 10.0, 11.0, 12.5, 12.999999, 13.0, 20.0)
    expected = [
        (0, 0),
        (0, 0),
        (30, 0),
        (50, 0),
        (50, 10),
        (50, 30),
        (50, 30),
        (50, 35),
        (50, 40),
        (-5, 40),
        (-5, 40),
    ]
    assert np.abs(_places(tmp_path, text, *times)[0] - expected).max() < 1e-4
    assert open_trace(tmp_path / "a.tcl").notes == {"lines that are no movement, passed over": 1}


def test_other_variables_three_dimensions_and_the_order_of_time(tmp_path: Path) -> None:
    text = (
        "$n(7) set X_ 1\n$n(7) set Y_ 1\n$n(7) set Z_ 5\n"
        '$sim at 9 "$n(7) setdest 1 1 0 1"\n$sim at 1 "$n(7) setdest 1 4 9 5"\n'
    )
    (tmp_path / "a.tcl").write_text(text)
    trace = open_trace(tmp_path / "a.tcl")
    rows = trace.table("mobility").collect().rows()
    assert rows[:3] == [
        (0.0, "7", 1.0, 1.0, 5.0),
        (1.0, "7", 1.0, 1.0, 5.0),
        (2.0, "7", 1.0, 4.0, 9.0),
    ]
    assert rows[-1][0] == 9 + np.hypot(3, 9)
    assert "sorted" in next(iter(trace.notes))


def test_nodes_are_there_to_the_end_of_all(tmp_path: Path) -> None:
    text = "$node_(0) set X_ 1\n$node_(0) set Y_ 2\n$node_(1) set X_ 0\n$node_(1) set Y_ 0\n"
    text += '$ns_ at 0 "$node_(1) setdest 10 0 1"\n'
    places = _places(tmp_path, text, 10.0, 10.001)
    assert places[:, 0].tolist() == [[1, 2], [10, 0]]
    assert np.isnan(places[:, 1]).all()


_DESTINATION = re.compile(r'at (\S+) "\$node_\((\w+)\) setdest (\S+) (\S+) (\S+)"')


def read_destinations(path: Path) -> pl.DataFrame:
    """The `setdest` commands of a file as they stand, one a line, in the plane."""
    found = [m.groups() for m in map(_DESTINATION.search, path.read_text().splitlines()) if m]
    columns = ["time_s", "node", "x_m", "y_m", "speed_m_s"]
    table = pl.DataFrame(found, schema=columns, orient="row")
    return table.with_columns(pl.col("time_s", "x_m", "y_m", "speed_m_s").cast(pl.Float64))


def test_destinations_of_sumo_are_its_fcd(samples: Path) -> None:
    """SUMO's traceExporter numbers vehicles by appearance and sends them at each time to where they
    are.
    """
    fcd = (
        read_mobility(samples / "grid.fcd.xml")
        .filter(~pl.col("node").str.starts_with("p"))
        .collect()
    )
    numbers = {name: str(i) for i, name in enumerate(fcd["node"].unique(maintain_order=True))}
    fcd = fcd.with_columns(pl.col("node").replace_strict(numbers)).sort("time_s", "node")
    sent = read_destinations(samples / "grid.ns_movements").sort("time_s", "node")
    assert sent.select("time_s", "node").equals(fcd.select("time_s", "node"))
    for column in ("x_m", "y_m"):
        assert np.abs(sent[column].to_numpy() - fcd[column].to_numpy()).max() <= 0.01


def test_between_its_commands_the_motion_of_sumo_s_export_follows_ns_2(samples: Path) -> None:
    """Stepping each node along its commands, in small steps, ends where the reader says."""
    commands = (
        read_destinations(samples / "grid.ns_movements")
        .filter(pl.col("node") == "3")
        .sort("time_s")
    )
    motion = Replay(str(samples / "grid.ns_movements")).recorded()
    node = motion.nodes.index("3")
    here = motion.positions(np.zeros(1))[node, 0]
    step, rows = 1e-3, commands.rows()
    for (begin, _, *goal, speed), (end, *_) in pairwise(rows):
        for _ in range(round((end - begin) / step)):
            offset = np.array(goal) - here
            distance = np.hypot(*offset)
            here = here + offset * min(1.0, speed * step / distance) if distance > 0 else here
        assert (
            np.hypot(*(motion.positions(np.array([end]))[node, 0] - here)) < 2 * speed * step + 1e-6
        )
