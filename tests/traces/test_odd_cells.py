"""One odd cell refuses no file: what lacks a value is passed over and counted, in every reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim.errors import DataError
from netsim.traces import open_trace
from netsim.traces.fading_series import fading_trace

NS2 = (
    "$node_(0) set X_ 1.0\n$node_(0) set Y_ 2.0\n$node_(1) set X_ -\n$node_(1) set Y_ 2.0\n"
    '$ns_ at 1.0 "$node_(0) setdest 9.0 2.0 4.0"\n'
    '$ns_ at 2.0 "$node_(0) setdest nan 9.0 2.5"\n$ns_ at 9.0 "$node_(0) setdest 1 2.0 4.0"\n'
)
POINT = '<trkpt lat="{0}" lon="7.2"><ele>-</ele><time>{1}</time></trkpt>'
GPX = "".join(
    POINT.format(lat, time)
    for lat, time in (
        ("50.1", 0),
        ("50.1", "-"),
        ("nan", 3),
        ("50.1", ""),
        ("50.2", 9),
        ("50.3", 12),
    )
)
VEHICLE = '<timestep time="{0}"><vehicle id="a" x="{1}" y="2" z="{2}" speed="{3}"/></timestep>'
XML = VEHICLE.format(0, 1, "-", "NaN") + VEHICLE.format(1, "-", 2, 3) + VEHICLE.format(2, 5, 2, 4)
PORTO = (
    '"TRIP_ID","TIMESTAMP","POLYLINE"\n"T1","100","[[-8.6,41.1],[-8.7,null],[-8.8,41.3]]"\n'
    '"T2","160","-"\n"T3","130","[[-8.6,41.1]]"\n'
)
FILES = {
    "a.up": ("1\n-\n5\n\nnan\n9\n# c\n12\n", 7, {"lines without a time, passed over": 2}),
    "a.fad": ("1.0 -2.0 - 3\n\n-3 nan 5 6\n", 8, {"gains that are missing": 2}),
    "a.movements": (
        "0 1 2 5 - 4 9 3 4\n\n0 5 6 7 8 9 8 NaN n/a\n0 5 6 7 8 9 8 1 2\n- - -\n",
        7,
        {"points without a place, left out": 3, "nodes without a point, left out": 1},
    ),
    "a.tcl": (
        NS2,
        5,
        {
            "nodes without a place, left out": 1,
            "commands without a place, passed over": 1,
        },
    ),
    "a.gpx": (
        f"<gpx><trk><name>w</name><trkseg>{GPX}</trkseg></trk></gpx>",
        3,
        {"points without a time, left out": 2, "points without a place, left out": 1},
    ),
    "a.xml": (f"<fcd-export>{XML}</fcd-export>", 2, {"samples without a place, left out": 1}),
    "a.csv": (
        "time,id,x,y\n0,a,1,2\n\n1,a,-,3\n2,a,2,3\n,a,2,3\n3,,2,3\n4,a,2,4\n5,a,4,4\n",
        4,
        {
            "rows without a time, left out": 1,
            "rows without a node, left out": 1,
            "rows without a place, left out of mobility": 1,
        },
    ),
    "porto.csv": (
        PORTO,
        3,
        {"trips without places, left out": 1, "samples without a place, left out": 1},
    ),
}
BLANK = {"a.up", "a.fad", "a.movements", "a.csv"}
"""Files with a blank line, where that means nothing."""
MOSTLY_ODD = {
    "b.up": ("1\n-\n-\n-\n", "more than 50% of the rows have no time (found '3 of 4')"),
    "b.fad": ("- 1 -\nnan - -\n", "more than 50% of the rows have no gain (found '5 of 6')"),
    "b.movements": ("0 1 2 5 - -\n5 - - 6 - -\n", "more than 50% of the rows have no place"),
    "b.tcl": ("$n(1) set X_ nan\n$n(1) set Y_ 2\n", "no row has a place"),
    "c.tcl": (
        NS2.replace("9.0 2.0", "- -").replace("1 2.0", "- -"),
        "no row has a place",
    ),
    "b.gpx": (
        f"<gpx><trk>{POINT.format('50.1', 1)}{POINT.format('50.1', '-') * 2}</trk></gpx>",
        "more than 50% of the rows have no time (found '2 of 3')",
    ),
    "b.xml": (
        f"<fcd-export>{VEHICLE.format(0, 1, 1, 1)}{VEHICLE.format(1, '-', 1, 1) * 2}</fcd-export>",
        "more than 50% of the rows have no place (found '2 of 3')",
    ),
}


def _file(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def _rows(path: Path) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows of the first table, and the notes."""
    trace = open_trace(path)
    rows = next(iter(trace.tables.values())).collect()
    return rows, trace.notes


@pytest.mark.parametrize("name", FILES)
def test_what_lacks_a_value_is_passed_over_and_counted(name: str, tmp_path: Path) -> None:
    text, count, expected = FILES[name]
    rows, notes = _rows(_file(tmp_path, name, text))
    assert len(rows) == count
    assert expected.items() <= notes.items()
    assert (notes.get("blank lines, passed over") == 1) == (name in BLANK)


@pytest.mark.parametrize("name", MOSTLY_ODD)
def test_too_much_that_lacks_a_value_is_an_error(name: str, tmp_path: Path) -> None:
    text, message = MOSTLY_ODD[name]
    with pytest.raises(DataError) as caught:
        _rows(_file(tmp_path, name, text))
    assert message in str(caught.value)


def test_a_command_without_a_place_leaves_the_node_on_its_way(tmp_path: Path) -> None:
    rows, _ = _rows(_file(tmp_path, "a.tcl", NS2))
    assert rows.select("time_s", "node", "x_m").rows() == [
        (0.0, "0", 1.0),
        (1.0, "0", 1.0),
        (3.0, "0", 9.0),
        (9.0, "0", 9.0),
        (11.0, "0", 1.0),
    ]


def test_values_beside_odd_ones_are_kept(tmp_path: Path) -> None:
    rows, _ = _rows(_file(tmp_path, "a.xml", FILES["a.xml"][0]))
    assert rows["z_m"].to_list() == [None, 2.0]
    assert rows["speed_m_s"].to_list() == [None, 4.0]
    rows, _ = _rows(_file(tmp_path, "a.fad", FILES["a.fad"][0]))
    assert rows["gain_db"].to_list() == [1.0, -2.0, None, 3.0, -3.0, None, 5.0, 6.0]


def test_places_that_are_none_on_earth_are_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, "porto.csv", PORTO.replace("41.3", "141.3"))
    with pytest.raises(DataError, match=r"trip T1: places must be \[lon, lat\] in degrees"):
        open_trace(path)


def test_gaps_of_a_fading_trace(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.fad", "- 0 - 0 10\nnan 10 nan 20 -\n")
    trace = open_trace(path)
    with pytest.raises(DataError, match=r"no resource block has a gain at 0 s; set a fill rule"):
        fading_trace(trace)
    held = fading_trace(trace, fill="hold").mean
    assert held.tolist() == pytest.approx([10.0, 5.5, 5.5, 50.5, 10.0])
    joined = fading_trace(trace, fill="interpolate").mean
    assert joined.tolist() == pytest.approx([7.75, 5.5, 28.0, 50.5, 10.0])
    times = np.arange(5) / 1e3
    assert fading_trace(trace, fill="hold").at(times, np.array([1]))[0, 4] == pytest.approx(10.0)
