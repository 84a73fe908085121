"""GPX tracks: several, unordered, with points that lack a time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim.errors import DataError
from netsim.traces import open_trace
from netsim.traces.gpx import write_gpx
from netsim.traces.tables.numbers_only import plausible_readings

GPX = """<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1">
<wpt lat="1" lon="1"/>
<trk><name>walk</name><trkseg>
 <trkpt lat="50.0" lon="7.0"><ele>-99999</ele><time>2024-05-01T12:00:10Z</time><name>no node</name></trkpt>
 <trkpt lat="50.001" lon="7.0"><ele>100.5</ele><time>2024-05-01T14:00:05+02:00</time></trkpt></trkseg>
 <trkseg><trkpt lat="50.002" lon="7.0"/>
 <trkpt lat="50.003" lon="7.0"><time>2024-05-01T12:00:20.5</time></trkpt></trkseg></trk>
<trk><name>ride</name><trkseg>
 <trkpt lat="50.0" lon="7.001"><time>2024-05-01T12:00:05Z</time></trkpt>
 <trkpt lat="50.0" lon="7.002"><time>2024-05-01T12:00:05Z</time></trkpt></trkseg></trk></gpx>"""


def test_tracks_are_nodes_in_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "a.gpx").write_text(GPX)
    trace = open_trace(tmp_path / "a.gpx")
    table = trace.table("mobility").collect()
    assert table.select("time_s", "node", "z_m", "lat", "lon").rows() == [
        (0.0, "walk", 100.5, 50.001, 7.0),
        (5.0, "walk", None, 50.0, 7.0),
        (15.5, "walk", None, 50.003, 7.0),
        (0.0, "ride", None, 50.0, 7.002),
    ]
    assert trace.metadata["time_origin"] == "2024-05-01T12:00:05+00:00"
    assert trace.notes == {
        "points of routes and waypoints, passed over": 1,
        "points without a time, left out": 1,
        "points at the time of another of their track, left out": 1,
        "points out of order of time, sorted": 0,
    }
    assert abs((table["y_m"][2] - table["y_m"][1]) - 333.7) < 0.5  # 0.003 degrees of latitude


def test_tracks_of_one_name_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "a.gpx").write_text(GPX.replace("ride", "walk"))
    assert open_trace(tmp_path / "a.gpx").table("mobility").collect()[
        "node"
    ].unique().sort().to_list() == [
        "0",
        "1",
    ]


@pytest.mark.parametrize("time_s", [1e12, 1e300, -1e12])
def test_a_time_that_no_date_has_is_refused(time_s: float) -> None:
    frame = pl.DataFrame({"node": ["a"], "time_s": [time_s], "lat": [50.0], "lon": [7.0]})
    with pytest.raises(DataError, match=r"^far\.csv: .*years 1 to 9999"):
        list(write_gpx(frame, datetime(2024, 5, 1, tzinfo=UTC), "far.csv"))


@pytest.mark.parametrize("number", [np.inf, 1.7e308, -1e20])
def test_rows_with_a_far_too_large_number_are_no_places_over_time(number: float) -> None:
    rows = np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [2.0, 3.0, 1.0]])
    assert plausible_readings(rows)
    rows[2, 0] = number
    assert plausible_readings(rows) == []
