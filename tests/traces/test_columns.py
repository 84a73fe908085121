"""Tables by their columns: native, taxis, measurements, and names nobody has standardised."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces import open_trace, read_channel, read_mobility, read_throughput


def _csv(tmp_path: Path, text: str, name: str = "a.csv") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("time,id,x,y", "5,a,1,2", (5.0, "a", 1.0, 2.0)),
        ("Time;Vehicle ID;Pos X;Pos Y", "5;a;1;2", (5.0, "a", 1.0, 2.0)),
        ("t\tnode\tx_m\ty_m", "5\ta\t1\t2", (5.0, "a", 1.0, 2.0)),
        ("node|time_ms|x_km|y_km", "a|5000|0.001|0.002", (5.0, "a", 1.0, 2.0)),
        ("time node x y", "5 a 1 2", (5.0, "a", 1.0, 2.0)),
        ('"time","id","x","y"', '"5","a","1","2"', (5.0, "a", 1.0, 2.0)),
        ("time , id , x , y", "5 ,a, 1 , 2", (5.0, "a", 1.0, 2.0)),
        ("time,x,y", "5,1,2", (5.0, "a", 1.0, 2.0)),  # one node, named by the file
        ("\ufefftime,id,x,y,speed_kmh", "5,a,1,2,36", (5.0, "a", 1.0, 2.0, 10.0)),
    ],
)
def test_names_and_separators(
    header: str, row: str, expected: tuple[object, ...], tmp_path: Path
) -> None:
    assert read_mobility(_csv(tmp_path, f"{header}\n{row}\n")).collect().rows() == [expected]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2024-05-01 12:00:00", "2024-05-01 12:00:01.5"),
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:01.500Z"),
        ("2024-05-01T14:00:00+02:00", "2024-05-01T14:00:01.5+02:00"),
        ("2024/05/01 12:00:00", "2024/05/01 12:00:01.5"),
        ("1714564800", "1714564801.5"),
        ("1714564800000", "1714564801500"),
    ],
)
def test_dates_become_seconds_from_the_first(first: str, second: str, tmp_path: Path) -> None:
    trace = open_trace(_csv(tmp_path, f"timestamp,id,x,y\n{second},a,1,2\n{first},a,1,2\n"))
    assert trace.table("mobility").collect()["time_s"].to_list() == [1.5, 0.0]
    assert trace.metadata["time_origin"] == "2024-05-01T12:00:00+00:00"


def test_a_column_named_time_s_is_taken_as_it_is(tmp_path: Path) -> None:
    path = _csv(tmp_path, "time_s,node,x_m,y_m\n1714564800,a,1,2\n")
    assert read_mobility(path).collect()["time_s"].to_list() == [1714564800.0]


def test_parquet_with_dates_and_integers(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "time": [datetime(2024, 5, 1), datetime(2024, 5, 1, 0, 0, 2)],
            "id": [7, 7],
            "x": [1, 2],
            "y": [3, 4],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    assert read_mobility(tmp_path / "a.parquet").collect().rows() == [
        (0.0, "7", 1.0, 3.0),
        (2.0, "7", 2.0, 4.0),
    ]


def test_degrees_are_projected_around_the_middle_or_an_origin(tmp_path: Path) -> None:
    path = _csv(tmp_path, "time,id,latitude,lng\n0,a,52.0,13.0\n1,a,52.01,13.0\n")
    trace = open_trace(path)
    assert trace.origin == Origin(52.005, 13.0)
    y = trace.table("mobility").collect()["y_m"].to_list()
    assert y[1] == pytest.approx(556.3, abs=0.1)
    assert y[0] == pytest.approx(-y[1], abs=1e-3)
    moved = open_trace(path, origin=Origin(52.0, 13.0)).table("mobility").collect()
    assert moved["y_m"].to_list() == pytest.approx([0, 1112.6], abs=0.1)


def test_taxis(tmp_path: Path) -> None:
    cab = _csv(
        tmp_path,
        "37.75134 -122.39488 0 1213084687\n37.75136 -122.39527 0 1213084659\n",
        "new_abc.txt",
    )
    assert read_mobility(cab).select("time_s", "node", "lat", "lon").collect().rows() == [
        (28.0, "new_abc", 37.75134, -122.39488),
        (0.0, "new_abc", 37.75136, -122.39527),
    ]
    roma = _csv(
        tmp_path,
        "156;2014-02-01 00:00:00.739166+01;POINT(41.88367 12.48778)\n7;2014-02-01 00:00:02+01;POINT(41.9 12.4)\n",
        "r.txt",
    )
    found = read_mobility(roma).select("time_s", "node", "lat", "lon").collect()
    assert found.drop("time_s").rows() == [("156", 41.88367, 12.48778), ("7", 41.9, 12.4)]
    assert found["time_s"].to_list() == pytest.approx([0.0, 1.260834])
    drive = _csv(
        tmp_path,
        "1,2008-02-02 13:30:45,116.47871,39.95\n1,2008-02-02 13:32:03,116.5,39.94\n",
        "1.txt",
    )
    assert read_mobility(drive).select("time_s", "node", "lat", "lon").collect().rows() == [
        (0.0, "1", 39.95, 116.47871),
        (78.0, "1", 39.94, 116.5),
    ]


def test_a_channel_with_and_without_linear_gain(tmp_path: Path) -> None:
    path = _csv(tmp_path, "# gain_kind=total\ntime_s,ue,gnb,gain_db\n0,a,1,-90\n0,a,2,\n")
    assert read_channel(path).collect().rows() == [(0.0, "a", "1", -90.0), (0.0, "a", "2", None)]
    assert open_trace(path).metadata["gain_kind"] == "total"
    loss = _csv(tmp_path, "time,user,cell,pathloss_db\n0,a,1,90\n")
    assert read_channel(loss).collect().rows() == [(0.0, "a", "1", -90.0)]
    linear = _csv(tmp_path, "time_s,ue,gnb,gain,rb\n0,a,1,1e-9,4\n")
    assert read_channel(linear).collect().rows() == [(0.0, "a", "1", pytest.approx(-90.0), 1e-9, 4)]
    with pytest.raises(DataError, match="gain_kind must be one of large_scale, fading, total"):
        open_trace(_csv(tmp_path, "# gain_kind=loud\ntime_s,ue,gnb,gain_db\n0,a,1,-90\n"))


def test_rates_in_other_units(tmp_path: Path) -> None:
    assert read_throughput(
        _csv(tmp_path, "time_s,ue,throughput_kbps\n0,a,5\n")
    ).collect().rows() == [(0.0, "a", 5e3)]
    assert read_channel(tmp_path / "a.csv").collect()["rate_bps"].to_list() == [5e3]


def test_lumos(tmp_path: Path) -> None:
    text = "run_num,seq_num,latitude,longitude,movingSpeed,nr_ssSinr,Throughput\n1,1,44.9,-93.2,1.2,12,320\n2,1,,,1.1,,0.5\n"
    trace = open_trace(_csv(tmp_path, text))
    assert trace.format == "lumos5g"
    assert trace.table("mobility").collect()["node"].to_list() == ["1"]
    assert trace.table("channel").select("ue", "snr_db").collect().rows() == [
        ("1", 12.0),
        ("2", None),
    ]
    assert trace.table("throughput").collect()["rate_bps"].to_list() == [320e6, 0.5e6]
    assert trace.notes["rows without a place, left out of mobility"] == 1


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no channel table, only mobility"):
        open_trace(_csv(tmp_path, "time,id,x,y\n0,a,1,2\n")).table("channel")
