"""Round trips: A -> native -> A gives the same positions at every sample; what cannot be written
says so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim.errors import DataError, InputError
from netsim.traces import open_trace, read_channel, read_mobility
from netsim.traces.convert import write_trace
from netsim.traces.tracks import tracks_of

BACK = {
    "grid.fcd.xml": "back.xml",
    "grid-geo.fcd.xml": "back.xml.gz",
    "grid.fcd.parquet": "back.fcd.parquet",
    "grid.ns_movements": "back.ns_movements.gz",
    "walks.movements": "back.movements.gz",
}


@pytest.mark.parametrize("native", ["native.parquet", "native.csv", "native.csv.gz"])
@pytest.mark.parametrize("name", BACK)
def test_positions_survive(name: str, native: str, samples: Path, tmp_path: Path) -> None:
    write_trace(open_trace(samples / name), tmp_path / native)
    write_trace(open_trace(tmp_path / native), tmp_path / BACK[name])
    before = tracks_of(read_mobility(samples / name), samples)
    after = tracks_of(read_mobility(tmp_path / BACK[name]), tmp_path)
    at = [
        np.searchsorted(
            after.time_s[slice(*after.first[k : k + 2])],
            before.time_s[slice(*before.first[k : k + 2])],
        )
        for k in range(len(before.nodes))
    ]
    for k, index in enumerate(at):
        a, b = slice(*before.first[k : k + 2]), slice(*after.first[k : k + 2])
        found = after.places_m[b][np.minimum(index, after.first[k + 1] - after.first[k] - 1)]
        assert np.abs(found - before.places_m[a]).max() < 1e-6


@pytest.mark.parametrize(
    "name", ["grid.fcd.xml", "grid-geo.fcd.xml", "grid.fcd.parquet", "walks.movements"]
)
def test_nothing_changes_at_all_in_these(name: str, samples: Path, tmp_path: Path) -> None:
    """Formats that hold samples come back to the last bit, and with their names."""
    write_trace(open_trace(samples / name), tmp_path / "n.csv")
    write_trace(open_trace(tmp_path / "n.csv"), tmp_path / BACK[name])
    before, after = (read_mobility(p).collect() for p in (samples / name, tmp_path / BACK[name]))
    columns = ["time_s", "node", *(["lat", "lon"] if "lat" in before.columns else ["x_m", "y_m"])]
    assert after.select(columns).equals(before.select(columns))


def test_through_gpx_and_back(samples: Path, tmp_path: Path) -> None:
    """GPX has microseconds and degrees; without lat and lon the origin places the trace on
    Earth.
    """
    write_trace(open_trace(samples / "grid-geo.fcd.xml"), tmp_path / "a.parquet")
    write_trace(open_trace(tmp_path / "a.parquet"), tmp_path / "a.gpx")
    before, after = (
        read_mobility(p).sort("time_s", "node").collect()
        for p in (tmp_path / "a.parquet", tmp_path / "a.gpx")
    )
    assert after.select("time_s", "node", "lat", "lon").equals(
        before.select("time_s", "node", "lat", "lon")
    )
    bare = open_trace(tmp_path / "a.parquet")
    table = {"mobility": bare.table("mobility").drop("lat", "lon")}
    write_trace(type(bare)(bare.path, "table", table, bare.metadata), tmp_path / "b.gpx")
    found = read_mobility(tmp_path / "b.gpx").sort("time_s", "node").collect()
    assert np.abs(found["lat"].to_numpy() - before["lat"].to_numpy()).max() < 1e-9


def test_fast_walks_and_jumps_through_ns2(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "time_s,node,x_m,y_m\n0,a,0,0\n1,a,3,4\n1,a,9,9\n4,a,9,9\n5,a,10,9\n0,b,7,7\n5,b,7,7\n"
    )
    write_trace(open_trace(path), tmp_path / "a.tcl")
    found = tracks_of(read_mobility(tmp_path / "a.tcl"), tmp_path)
    own = [
        tuple(row)
        for row in np.column_stack([found.time_s, found.places_m])[: found.first[1]].tolist()
    ]
    for row in [(0, 0, 0), (1, 3, 4), (1, 9, 9), (4, 9, 9), (5, 10, 9)]:
        assert row in own


def test_metadata_of_a_channel_survive(samples: Path, tmp_path: Path) -> None:
    trace = open_trace(samples / "grid.channel.parquet")
    write_trace(trace, tmp_path / "g.csv")
    again = open_trace(tmp_path / "g.csv")
    assert again.metadata["gain_kind"] == "total"
    assert again.metadata["air_seed"] == trace.metadata["air_seed"] == "7"
    assert read_channel(tmp_path / "g.csv").collect().equals(trace.table("channel").collect())


def test_throughput_to_opportunities_and_back(samples: Path, tmp_path: Path) -> None:
    write_trace(open_trace(samples / "walker-a.up"), tmp_path / "t.parquet")
    write_trace(open_trace(tmp_path / "t.parquet"), tmp_path / "t.up")
    assert (tmp_path / "t.up").read_bytes() == (samples / "walker-a.up").read_bytes()


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("walker-a.up", "a.xml", "holds no mobility table, only throughput"),
        ("grid.fcd.xml", "a.up", "holds no throughput table"),
        ("grid.fcd.xml", "a.doc", "the name must end with one of"),
        ("grid.fcd.xml", "a.gpx", "GPX is in degrees"),
        ("walkers.rates.csv", "a.up", "Mahimahi has one node"),
        ("grid.channel.parquet", "a.fad", "needs a gain per resource_block"),
        ("grid.fcd.xml", "none/a.csv", "cannot be written"),
    ],
)
def test_what_cannot_be_written(
    name: str, target: str, message: str, samples: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        write_trace(open_trace(samples / name), tmp_path / target)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_input_leaves_no_output(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    steps = "".join(
        f'<timestep time="{t}"><vehicle id="v" x="{t}" y="500" speed="1"/></timestep>'
        for t in range(6000)
    )
    path.write_text(
        f"<fcd-export>{steps}<timestep time='9999'><vehicle id='v' x='bad' y='1'/></timestep></fcd-export>"
    )
    with pytest.raises(DataError, match="bad"):
        write_trace(open_trace(path), tmp_path / "b.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["a.xml"]


def test_a_table_of_several_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time_s,node,x_m,y_m,snr_db,rate_mbps\n0,a,1,2,10,5\n1,a,2,2,11,6\n")
    for table in ("mobility", "channel", "throughput"):
        assert write_trace(open_trace(path), tmp_path / "b.parquet", table) == table
        assert list(open_trace(tmp_path / "b.parquet").tables) == [table]
    assert pl.read_parquet(tmp_path / "b.parquet")["rate_bps"].to_list() == [5e6, 6e6]
