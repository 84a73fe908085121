"""Files as people have them: each stands for a kind that was once refused, or read wrongly."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.io import savemat

from netsim.errors import DataError
from netsim.mobility.replay import Replay
from netsim.traces import open_trace, read_mobility, read_throughput
from netsim.traces.trace import Trace


def _file(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _mobility(trace: Trace) -> pl.DataFrame:
    return trace.table("mobility").collect()


def _refusal(path: Path, **options: str) -> str:
    with pytest.raises(DataError) as caught:
        open_trace(path, **options)
    assert "polars" not in str(caught.value).lower()
    return str(caught.value)


# -- numbers without a header ----------------------------------------------------------------------


def test_times_and_rates_are_no_fading(tmp_path: Path) -> None:
    path = _file(tmp_path, "bus.txt", "".join(f"{0.9 * k:.2f}\t{1.5 + k % 3}\n" for k in range(30)))
    assert "could be several things; say --columns time=1,rate=2:Mbit/s" in _refusal(path)
    found = read_throughput(path, columns="time=1,rate=2:Mbit/s").collect()
    assert found["rate_bps"].to_list()[:3] == [1.5e6, 2.5e6, 3.5e6]
    assert found["time_s"].to_list()[:2] == [0.0, 0.9]
    pensieve = read_throughput(path, "pensieve").collect()
    assert pensieve.equals(found)


def test_hsdpa_logs(tmp_path: Path) -> None:
    rows = (
        f"{1_400_000_000 + k} {1000 * k} 51.00{k:02d} 7.00{k:02d} 25000 500\n" for k in range(9)
    )
    trace = open_trace(_file(tmp_path, "bus.log", "".join(rows)))
    assert trace.format == "hsdpa"
    assert trace.table("throughput").collect()["rate_bps"].unique().to_list() == [4e5]
    assert _mobility(trace)["lat"].to_list()[:2] == [51.0, 51.0001]


def test_a_bare_list_of_numbers(tmp_path: Path) -> None:
    path = _file(tmp_path, "rate.txt", "820\n790\n1410\n0\n905\n")
    assert "is a bare list of numbers" in _refusal(path)
    found = read_throughput(path, columns="rate=1:kbit/s,step=2").collect()
    assert found["time_s"].to_list() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert found["rate_bps"].to_list() == [820e3, 790e3, 1410e3, 0.0, 905e3]


def test_rows_of_one_sample_are_no_bonnmotion(tmp_path: Path) -> None:
    text = "".join(f"{30.0 * k} {100 + 3 * k} {-20 * k}\n" for k in range(20))
    path = _file(tmp_path, "walk.txt", text)
    trace = open_trace(path)
    assert trace.format == "table"
    found = _mobility(trace)
    assert found["node"].n_unique() == 1
    assert found["time_s"].to_list() == [30.0 * k for k in range(20)]
    assert found["x_m"].to_list() == [100.0 + 3 * k for k in range(20)]
    assert any("columns have no names; taken as" in note for note in trace.notes)


def test_two_plausible_readings_are_named(tmp_path: Path) -> None:
    rows = (f"{node} {k}.0 {10 * node + k}.0 20.0\n" for node in range(3) for k in range(10))
    path = _file(tmp_path, "ids.txt", "".join(rows))
    said = _refusal(path)
    assert "--columns node=1,time=2,x=3,y=4" in said
    assert "--columns time=1,node=2,x=3,y=4" in said
    found = read_mobility(path, columns="node=1,time=2,x=3,y=4").collect()
    assert found.group_by("node").len().sort("node").rows() == [("0", 10), ("1", 10), ("2", 10)]


# -- units and columns that are said ---------------------------------------------------------------


def test_units_in_headers(tmp_path: Path) -> None:
    text = (
        "Time,rsrp(dBm),RATE(MBit/s)\n2025-03-04 08:00:00,-90,12.5\n2025-03-04 08:00:03,-91,13.0\n"
    )
    trace = open_trace(_file(tmp_path, "rate.csv", text))
    found = trace.table("throughput").collect()
    assert found.select("time_s", "rate_bps").rows() == [(0.0, 12.5e6), (3.0, 13e6)]
    assert trace.notes["columns that are not used (rsrp(dBm))"] == 1


@pytest.mark.parametrize(
    ("header", "factor"),
    [
        ("rate (kbit/s)", 1e3),
        ("rate[kB/s]", 8e3),
        ("rate (Mb/s)", 1e6),
        ("rate (MB/s)", 8e6),
        ("rate_kbps", 1e3),
        ("Rate (bytes/s)", 8.0),
        ("Throughput (MBPS)", 1e6),
    ],
)
def test_units_of_rates(header: str, factor: float, tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", f"time,{header}\n0,5\n1,6\n")
    assert read_throughput(path).collect()["rate_bps"].to_list() == [5 * factor, 6 * factor]


def test_what_is_missing_is_said_and_can_be_named(tmp_path: Path) -> None:
    text = "protocol,run_num,seq_num,throughput_mbps\nTCP,1,0,1.5\nTCP,1,1,2.5\nTCP,2,0,9.5\nTCP,2,1,8.5\n"
    path = _file(tmp_path, "a.csv", text)
    said = _refusal(path)
    assert "no column is seen to be the time; say --columns time=COLUMN" in said
    assert "protocol, run_num, seq_num, throughput_mbps" in said
    found = read_throughput(path, columns="time=seq_num").collect()
    assert found.rows() == [
        (0.0, "1", 1.5e6),
        (1.0, "1", 2.5e6),
        (0.0, "2", 9.5e6),
        (1.0, "2", 8.5e6),
    ]
    bare = _file(tmp_path, "b.csv", "time,speedtest\n0,5\n")
    assert "rate=COLUMN:UNIT" in _refusal(bare)
    unit = _file(tmp_path, "c.csv", "time,rate\n0,5\n")
    assert "the unit of rate is not known; say --columns rate=rate:kbit/s" in _refusal(unit)
    assert read_throughput(unit, columns="rate=kbit/s").collect()["rate_bps"].to_list() == [5e3]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("tempo=a", "the role must be one of time, date, node"),
        ("time", "must be ROLE=COLUMN, ROLE=UNIT or ROLE=COLUMN:UNIT"),
        ("time=t,time=t", "time is given twice"),
        ("time=clock", "time names no column of the file; it has t, x, y"),
        ("x=x:parsec", "the unit of x must be one of m, km, ft"),
        ("rate=kbit/s", "rate=kbit/s is a unit, and no column is seen to be the rate"),
        ("decimal=semicolon", "decimal must be one of comma, point"),
        ("step=-1", "step must be a positive number of seconds"),
    ],
)
def test_a_choice_that_cannot_be(columns: str, message: str, tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "t,x,y\n0,1,2\n")
    assert message in _refusal(path, columns=columns)


def test_the_reading_that_is_printed_reads_the_same(tmp_path: Path) -> None:
    text = "Zeit;Fahrzeug;X;Y\n1700000000000;a;1,5;2,25\n1700000000500;a;1,75;2,5\n"
    path = _file(tmp_path, "a.csv", text)
    trace = open_trace(path, columns="time=Zeit:ms,node=Fahrzeug")
    option = trace.reading.removeprefix("--columns ").strip("'")
    assert _mobility(open_trace(path, columns=option)).equals(_mobility(trace))
    assert _mobility(trace).rows() == [(0.0, "a", 1.5, 2.25), (0.5, "a", 1.75, 2.5)]


def test_columns_are_for_tables(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.up", "1\n2\n")
    assert "columns can be named of tables" in _refusal(path, format="mahimahi", columns="time=1")


# -- nothing vanishes ------------------------------------------------------------------------------

_G_NET_TRACK = (
    "Timestamp,Longitude,Latitude,Speed,Operatorname,CellID,NetworkMode,RSRP,SNR,DL_bitrate,UL_bitrate\n"
    "2018.02.12_16.14.01,13.4000,52.5,0,A,11,LTE,-98,4.0,12000,300\n"
    "2018.02.12_16.14.02,13.4002,52.5,36,A,11,LTE,-97,5.0,15000,310\n"
    "2018.02.12_16.14.03,13.4004,52.5,36,A,11,LTE,-96,-,18000,320\n"
    "2018.02.12_16.14.04,13.4006,52.5,36,A,12,HSPA+,-95,-,9000,200\n"
)


def test_a_log_without_5g_keeps_the_mode_it_has(tmp_path: Path) -> None:
    trace = open_trace(_file(tmp_path, "log.csv", _G_NET_TRACK))
    assert trace.table("throughput").collect()["rate_bps"].to_list() == [12e6, 15e6, 18e6]
    assert trace.table("channel").collect()["snr_db"].to_list() == [4.0, 5.0, None]
    assert trace.notes["no row has NetworkMode = 5G"] == 0
    assert trace.notes["radio of rows with NetworkMode = LTE only; others left out"] == 1


def test_rates_without_a_unit_are_named_and_a_wrong_unit_of_speed_is_seen(tmp_path: Path) -> None:
    rows = (f"{k},7.0,{51 + 0.00009 * k:.5f},36,4,-90,5.5,12000\n" for k in range(5))
    text = "time,Longitude,Latitude,Speed,CellID,RSRP,SNR,DL_bitrate\n" + "".join(rows)
    notes = open_trace(_file(tmp_path, "a.csv", text)).notes
    assert (
        "DL_bitrate is not used: its unit is not known (--columns downlink=DL_bitrate:UNIT)"
        in notes
    )
    assert "columns that are not used (RSRP)" in notes
    assert any("Speed is 3.6 times the distance moved per second" in note for note in notes)
    said = open_trace(tmp_path / "a.csv", columns="speed=km/h,downlink=kbit/s")
    assert said.table("mobility").collect()["speed_m_s"].to_list() == pytest.approx([10.0] * 5)
    assert said.table("throughput").collect()["rate_bps"].to_list() == [12e6] * 5
    assert not any("times the distance" in note for note in said.notes)


def test_comments_among_the_rows_are_counted(tmp_path: Path) -> None:
    trace = open_trace(_file(tmp_path, "a.csv", "# made up\ntime,x,y\n0,1,2\n#1,1,2\n2,1,2\n"))
    assert trace.notes["lines beginning with #, passed over"] == 1
    assert _mobility(trace)["time_s"].to_list() == [0.0, 2.0]


# -- one odd cell refuses no file ------------------------------------------------------------------


def test_blank_lines_and_rows_without_a_place(tmp_path: Path) -> None:
    text = "time,id,lat,lon\n0,a,51.0,7.0\n1,a,,\n2,a,51.0002,7.0\n3,a,NaN,-\n4,a,51.0004,7\n\n"
    trace = open_trace(_file(tmp_path, "a.csv", text))
    assert _mobility(trace)["time_s"].to_list() == [0.0, 2.0, 4.0]
    assert trace.notes == {
        "blank lines, passed over": 1,
        "rows without a place, left out of mobility": 2,
    }


def test_a_dash_is_a_missing_value(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "time,ue,snr_db\n0,u1,-5\n1,u1,-\n2,u1,3.5\n")
    assert open_trace(path).table("channel").collect()["snr_db"].to_list() == [-5.0, None, 3.5]


def test_too_many_missing_values_are_an_error(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "time,id,x,y\n0,a,1,2\n1,a,,\n2,a,-,\n")
    assert "more than 50% of the rows have no place (found '2 of 3')" in _refusal(path)


def test_empty_steps_and_clock_times_of_sumo(tmp_path: Path) -> None:
    header = "timestep_time;vehicle_angle;vehicle_id;vehicle_speed;vehicle_x;vehicle_y;person_id;person_x;person_y\n"
    rows = (
        "0.00;;;;;;;;\n1.00;;;;;;;;\n2.00;0;c0;4;10;20;;;\n3.00;0;c0;4;14;20;;;\n3.00;;;;;;p1;5;6\n"
    )
    trace = open_trace(_file(tmp_path, "a.fcd.csv", header + rows))
    assert _mobility(trace).select("time_s", "node", "x_m").rows() == [
        (2.0, "c0", 10.0),
        (3.0, "c0", 14.0),
        (3.0, "p1", 5.0),
    ]
    assert trace.notes["timesteps without vehicles"] == 2
    assert trace.notes["samples of persons, taken as nodes"] == 1
    text = "timestep_time;vehicle_id;vehicle_x;vehicle_y\n07:15:00;c0;10;20\n1:00:00:01;c0;14;20\n"
    clock = _mobility(open_trace(_file(tmp_path, "b.fcd.csv", text), "sumo:metres"))
    assert clock["time_s"].to_list() == [26_100.0, 86_401.0]


def test_seconds_in_gpx_as_sumo_writes_them(tmp_path: Path) -> None:
    point = '<trkpt lon="7.000{0}" lat="51.0"><time>{1}</time></trkpt>'
    text = f"<gpx><trk><name>c0</name><trkseg>{point.format(0, 600.0)}{point.format(1, 601.0)}</trkseg></trk></gpx>"
    trace = open_trace(_file(tmp_path, "a.gpx", text))
    assert _mobility(trace)["time_s"].to_list() == [0.0, 1.0]
    assert "time_origin" not in trace.metadata


def test_samples_without_a_place_in_xml(tmp_path: Path) -> None:
    vehicle = '<vehicle id="a" x="{0}" y="2" speed="1"/>'
    steps = [
        f'<timestep time="{t}">{vehicle.format(x)}</timestep>'
        for t, x in enumerate(("1", "NaN", "3"))
    ]
    steps.append(
        '<timestep time="3"><vehicle id="a" x="-1073741824.00" y="-1073741824.00"/></timestep>'
    )
    steps.append('<timestep time="4"><vehicle id="a" x="5" y="2" speed="1"/></timestep>')
    trace = open_trace(_file(tmp_path, "a.xml", f"<fcd-export>{''.join(steps)}</fcd-export>"))
    assert _mobility(trace)["x_m"].to_list() == [1.0, 3.0, 5.0]
    assert trace.notes == {"samples without a place, left out": 2}


# -- places and presence ---------------------------------------------------------------------------


def test_a_fix_at_0_0_and_sumo_s_invalid_value_are_no_places(tmp_path: Path) -> None:
    rows = "".join(f"{k},a,48.1978{k},11.4952\n" for k in range(9))
    trace = open_trace(_file(tmp_path, "a.csv", f"time,id,lat,lon\n{rows}9,a,0.0,0.0\n"))
    assert _mobility(trace)["lat"].min() == 48.1978
    assert trace.notes["rows without a place, left out of mobility"] == 1
    planar = "time,veh_id,x,y\n0,v,1,2\n1,v,-1073741824.0,-1073741824.0\n2,v,3,4\n"
    assert _mobility(open_trace(_file(tmp_path, "b.csv", planar)))["x_m"].to_list() == [1.0, 3.0]


def test_a_trace_at_0_0_stays_there(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "time,id,lat,lon\n0,a,0.0,0.0\n1,a,0.001,0.0\n")
    assert len(_mobility(open_trace(path))) == 2


def test_x_and_y_in_degrees_are_asked_about(tmp_path: Path) -> None:
    rows = "".join(f"{k},a,{7 + k / 1e4:.5f},51.00000\n" for k in range(5))
    path = _file(tmp_path, "a.csv", f"t,id,x,y\n{rows}")
    assert "x and y look like degrees: say --columns lon=x,lat=y or x=x:m,y=y:m" in _refusal(path)
    found = read_mobility(path, columns="lon=x,lat=y").collect()
    x, y = (found[axis].diff().drop_nulls().to_numpy() for axis in ("x_m", "y_m"))
    steps = np.hypot(x, y)
    assert steps.tolist() == pytest.approx([7.02] * 4, abs=0.01)
    metres = read_mobility(path, columns="x=x:m,y=y:m").collect()
    assert metres["x_m"].to_list()[1] == 7.0001


def test_bonnmotion_s_nodes_stay_to_the_end(tmp_path: Path) -> None:
    _file(tmp_path, "a.params", "model=RandomWaypoint\nduration=200.0\nnn=3\nJ=2D\n")
    text = "0.0 10.0 10.0 40.0 50.0 10.0\n0.0 30.0 30.0 200.0 90.0 30.0\n0.0 70.0 80.0\n"
    motion = Replay(str(_file(tmp_path, "a.movements", text))).recorded()
    assert motion.positions(np.array([150.0, 200.0]))[:, :, 0].tolist() == [
        [50.0, 50.0],
        [75.0, 90.0],
        [70.0, 70.0],
    ]


def test_ns_2_begins_when_something_moves(tmp_path: Path) -> None:
    text = (
        "$node_(0) set X_ 10.0\n$node_(0) set Y_ 20.0\n"
        '$ns_ at 36000.0 "$node_(0) setdest 14.0 20.0 4.00"\n'
        '$ns_ at 36001.0 "$node_(0) setdest 18.0 20.0 4.00"\n'
    )
    path = _file(tmp_path, "late.ns_movements", text)
    motion = Replay(str(path)).recorded()
    assert motion.begin_s == 36_000.0
    assert "nothing moves before 36000 s: a replay begins then" in open_trace(path).notes


def test_a_vehicle_that_comes_back_was_away(tmp_path: Path) -> None:
    def step(time: int, *names: str) -> str:
        rows = (f'<vehicle id="{name}" x="{time}.5" y="500" speed="1"/>' for name in names)
        return f'<timestep time="{time}">{"".join(rows)}</timestep>'

    there = [*range(10), *range(110, 115)]
    steps = "".join(step(t, "steady", *(["loop"] if t in there else [])) for t in range(115))
    path = _file(tmp_path, "a.xml", f"<fcd-export>{steps}</fcd-export>")
    motion = Replay(str(path)).recorded()
    found = motion.positions(np.array([5.0, 9.0, 50.0, 110.0]))[motion.nodes.index("loop"), :, 0]
    assert np.isnan(found).tolist() == [False, False, True, False]


# -- nodes, names, dialects ------------------------------------------------------------------------


def test_a_row_number_is_no_node(tmp_path: Path) -> None:
    text = (
        "id,vehicle_id,timestamp,x,y\n1,bus7,2025-03-04 08:00:00,0,0\n2,bus7,2025-03-04 08:00:10,5,0\n"
        "3,bus9,2025-03-04 08:00:00,9,0\n4,bus9,2025-03-04 08:00:10,9,5\n"
    )
    trace = open_trace(_file(tmp_path, "a.csv", text))
    assert _mobility(trace)["node"].to_list() == ["bus7", "bus7", "bus9", "bus9"]
    assert "nodes are named by vehicle_id; id differs in every row" in trace.notes
    alone = open_trace(_file(tmp_path, "b.csv", "id,time,x,y\n1,0,0,0\n2,1,1,0\n3,2,2,0\n"))
    assert _mobility(alone)["node"].unique().to_list() == ["b"]
    assert "id numbers the rows: taken for one node" in alone.notes
    placed = open_trace(_file(tmp_path, "c.csv", "id,time,x,y\n1,0,0,0\n2,0,1,0\n3,0,2,0\n"))
    assert _mobility(placed)["node"].to_list() == ["1", "2", "3"]


def test_quotes_without_a_quoted_header(tmp_path: Path) -> None:
    text = 'time,id,lat,lon\n0,"van, red",51.0,7.0\n1,"van, red",51.0001,7.0\n'
    assert _mobility(open_trace(_file(tmp_path, "a.csv", text)))["node"].unique().to_list() == [
        "van, red"
    ]
    path = _file(tmp_path, "b.csv", text + '2,"van, red,51.0,7.0\n')
    assert "line 4: a quoted field must end on its line" in _refusal(path)
    more = _file(tmp_path, "c.csv", "time,id,x,y\n0,a,1,2\n1,a,1,2,3\n")
    with pytest.raises(DataError, match="line 3: has 5 fields where the first line has 4"):
        open_trace(more).table("mobility").collect()


def test_names_that_are_no_utf_8_are_never_merged(tmp_path: Path) -> None:
    rows = ((0, "Zoé", 51.0), (0, "Zoë", 51.2), (1, "Zoé", 51.0001), (1, "Zoë", 51.2001))
    text = "time,id,lat,lon\n" + "".join(f"{t},{name},{lat},7.0\n" for t, name, lat in rows)
    path = _file(tmp_path, "a.csv", text.encode("latin-1"))
    assert "line 2: is not UTF-8; say --columns encoding=windows-1252" in _refusal(path)
    found = read_mobility(path, columns="encoding=windows-1252").collect()
    assert found["node"].unique(maintain_order=True).to_list() == ["Zoé", "Zoë"]
    wide = _file(tmp_path, "b.csv", text.encode("utf-16"))
    assert read_mobility(wide).collect()["node"].to_list() == found["node"].to_list()


def test_file_names_are_no_patterns(tmp_path: Path) -> None:
    path = _file(tmp_path, "trace[1].csv", "time,id,x,y\n0,a,51.0,7.0\n1,a,51.5,7.0\n")
    assert len(_mobility(open_trace(path))) == 2
    pl.read_csv(path, glob=False).write_parquet(tmp_path / "trace[2].parquet")
    assert len(_mobility(open_trace(tmp_path / "trace[2].parquet"))) == 2


def test_column_names_must_differ_but_may_be_empty(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "time,x,y,,\n0,1,2,,\n1,2,2,,\n")
    assert len(_mobility(open_trace(path))) == 2
    assert "column names must differ" in _refusal(_file(tmp_path, "b.csv", "time,x,y,x\n0,1,2,3\n"))


def test_decimal_commas(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "time;id;x;y\n0,5;a;1,25;2\n1;a;1,5;2,75\n")
    assert read_mobility(path).collect().rows() == [(0.5, "a", 1.25, 2.0), (1.0, "a", 1.5, 2.75)]
    unclear = _file(tmp_path, "b.csv", "time;id;x;y\n0;a;1,250;2\n")
    assert "may have a decimal comma, or thousands" in _refusal(unclear)
    assert read_mobility(unclear, columns="decimal=comma").collect()["x_m"].to_list() == [1.25]


# -- dates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "columns"),
    [
        (("13/03/2025 08:00:00", "13/03/2025 08:00:30"), ""),
        (("03/13/2025 08:00:00", "03/13/2025 08:00:30"), ""),
        (("03/04/2025 08:00:00", "03/04/2025 08:00:30"), "time=day_first"),
        (("03/04/2025 08:00:00", "03/04/2025 08:00:30"), "time=month_first"),
        (("03.04.2025 08:00:00", "03.04.2025 08:00:30"), ""),
        (("2025-03-04 08:00", "2025-03-04 08:00:30"), None),
        (("2025-03-04 08:00:00 UTC", "2025-03-04 08:00:30 UTC"), ""),
        (("20250304080000", "20250304080030"), ""),
        (("3/4/2025 8:00:00 AM", "3/4/2025 8:00:30 AM"), "time=month_first"),
        (("08:00:00", "08:00:30"), ""),
        (("8:00:00.0", "8:00:30.0"), ""),
        (("1700000000", "1700000030"), ""),
        (("1700000000000", "1700000030000"), ""),
        (("1700000000000000", "1700000030000000"), ""),
        (("1700000000000000000", "1700000030000000000"), ""),
        (("0", "30000"), "time=ms"),
        (("0", "0.5"), "time=min"),
    ],
)
def test_forms_of_time(times: tuple[str, str], columns: str | None, tmp_path: Path) -> None:
    text = "time,id,x,y\n" + "".join(f"{time},a,1,2\n" for time in times)
    path = _file(tmp_path, "a.csv", text)
    if columns is None:
        assert "must be a date and time like the first (found '2025-03-04 08:00:30')" in _refusal(
            path
        )
        return
    time_s = read_mobility(path, columns=columns).collect()["time_s"].to_list()
    assert time_s[1] - time_s[0] == pytest.approx(30.0)


def test_day_or_month_first_is_asked_where_both_fit(tmp_path: Path) -> None:
    path = _file(
        tmp_path, "a.csv", "time,id,x,y\n03/04/2025 08:00:00,a,1,2\n04/04/2025 08:00:00,a,1,2\n"
    )
    assert "day or month may come first: say --columns time=day_first" in _refusal(path)
    day = open_trace(path, columns="time=day_first")
    assert day.metadata["time_origin"] == "2025-04-03T08:00:00+00:00"
    month = open_trace(path, columns="time=month_first")
    assert month.metadata["time_origin"] == "2025-03-04T08:00:00+00:00"


def test_a_date_and_a_time_in_columns_of_their_own(tmp_path: Path) -> None:
    text = "id,x,y,date,time\na,1,2,2025-03-04,23:59:59\na,1,2,2025-03-05,00:00:01\n"
    trace = open_trace(_file(tmp_path, "a.csv", text))
    assert _mobility(trace)["time_s"].to_list() == [0.0, 2.0]
    assert trace.metadata["time_origin"] == "2025-03-04T23:59:59+00:00"
    clock = _file(tmp_path, "b.csv", "time,id,x,y\n23:59:59,a,1,2\n00:00:01,a,1,2\n")
    assert "clock times pass midnight" in _refusal(clock)


# -- formats that are presets of the table reader --------------------------------------------------


def test_geolife(tmp_path: Path) -> None:
    head = "Geolife trajectory\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,My Track,0,0,2,8421376\n0\n"
    rows = "39.90,116.30,0,492,39745.1,2008-10-24,02:09:59\n39.91,116.30,0,-777,39745.1,2008-10-24,02:10:04\n"
    trace = open_trace(_file(tmp_path, "20081024.plt", head + rows))
    assert trace.format == "geolife"
    found = _mobility(trace)
    assert found["time_s"].to_list() == [0.0, 5.0]
    assert found["z_m"].to_list() == [pytest.approx(492 * 0.3048), None]


def test_trackintel_and_g_net_track(tmp_path: Path) -> None:
    text = "user_id;tracked_at;latitude;longitude;accuracy\n1;2025-03-04T08:00:00Z;51.0;7.0;5\n1;2025-03-04T08:00:10Z;51.0005;7.0;5\n"
    trace = open_trace(_file(tmp_path, "fixes.csv", text))
    assert trace.format == "trackintel"
    assert _mobility(trace)["time_s"].to_list() == [0.0, 10.0]
    log = _G_NET_TRACK.replace(",NetworkMode", "").replace(",LTE", "").replace(",HSPA+", "")
    track = open_trace(_file(tmp_path, "log.txt", log.replace(",", "\t")))
    assert track.format == "gnettrack"
    assert track.table("throughput").collect()["rate_bps"].to_list() == [12e6, 15e6, 18e6, 9e6]


def test_pedestrians_of_eth_and_ucy(tmp_path: Path) -> None:
    text = "".join(f"{10 * k}\t{p}\t{p + 0.3 * k:.2f}\t{2.5}\n" for k in range(4) for p in (1, 2))
    trace = open_trace(_file(tmp_path, "zara.txt", text), "ethucy")
    found = _mobility(trace).filter(pl.col("node") == "1")
    assert found["time_s"].to_list() == pytest.approx([0.0, 0.4, 0.8, 1.2])
    assert found["x_m"].to_list() == [1.0, 1.3, 1.6, 1.9]


def test_bonnmotion_s_interval_format(tmp_path: Path) -> None:
    text = "0 0.0 1.0 2.0\n0 1.0 2.0 2.0\n1 0.0 5.0 5.0\n1 1.0 5.0 6.0\n"
    found = read_mobility(_file(tmp_path, "a.if", text)).collect()
    assert found.rows()[2:] == [(0.0, "1", 5.0, 5.0), (1.0, "1", 5.0, 6.0)]


def test_fcc_s_measurements(tmp_path: Path) -> None:
    text = "unit_id,dtime,target,bytes_total,bytes_sec\n7,2016-06-01 00:00:00,x,9,1000\n7,2016-06-01 00:00:05,x,9,2000\n"
    found = read_throughput(_file(tmp_path, "a.csv", text)).collect()
    assert found.rows() == [(0.0, "7", 8000.0), (5.0, "7", 16000.0)]


def test_timetables(tmp_path: Path) -> None:
    tables = {
        "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\nA,a,51.00,7.00\nB,b,51.01,7.00\nC,c,51.02,7.00\n",
        "trips.txt": "route_id,service_id,trip_id\n1,weekday,t1\n1,weekday,t2\n1,sunday,t3\n",
        "stop_times.txt": (
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
            "t1,23:59:00,23:59:30,A,1\nt1,,,B,2\nt1,24:05:00,24:05:00,C,3\n"
            "t2,8:00:00,8:00:00,C,1\nt2,٣:02:00,8:02:٣٣,A,2\nt2,8:04:00,8:05:00,B,3\nt3,9:00:00,9:00:00,A,1\nt3,9:09:00,9:09:00,B,2\n"
        ),
    }
    with zipfile.ZipFile(tmp_path / "feed.zip", "w") as archive:
        for name, text in tables.items():
            archive.writestr(name, text)
    trace = open_trace(tmp_path / "feed.zip")
    assert trace.format == "gtfs"
    found = _mobility(trace).select("time_s", "node", "lat").rows()
    assert found == [
        (86_340.0, "t1", 51.0),
        (86_370.0, "t1", 51.0),
        (86_700.0, "t1", 51.02),
        (28_800.0, "t2", 51.02),
        (29_040.0, "t2", 51.01),
        (29_100.0, "t2", 51.01),
    ]
    assert trace.notes["stops without a time, passed without stopping"] == 2  # one not in 0..9
    assert trace.notes["trips of service weekday only (gtfs:SERVICE_ID chooses); others"] == 1
    (tmp_path / "feed").mkdir()
    for name, text in tables.items():
        (tmp_path / "feed" / name).write_text(text)
    sunday = _mobility(open_trace(tmp_path / "feed", "gtfs:sunday"))
    assert sunday["node"].unique().to_list() == ["t3"]
    with pytest.raises(DataError, match="must name a service of the timetable"):
        open_trace(tmp_path / "feed", "gtfs:monday")
    (tmp_path / "feed" / "stops.txt").write_text("stop_id,name\nA,a\n")
    with pytest.raises(DataError, match=r"stops\.txt: has no column stop_lat"):
        open_trace(tmp_path / "feed")


def test_taxi_trips_of_porto(tmp_path: Path) -> None:
    text = (
        '"TRIP_ID","CALL_TYPE","TAXI_ID","TIMESTAMP","MISSING_DATA","POLYLINE"\n'
        '"T1","C","20000589","1372636858","False","[[-8.618,41.141],[-8.619,41.142]]"\n'
        '"T2","B","20000596","1372637303","False","[]"\n'
        '"T3","B","20000596","1372636888","False","[[-8.6,41.1]]"\n'
    )
    trace = open_trace(_file(tmp_path, "train.csv", text))
    assert trace.format == "porto"
    assert _mobility(trace).select("time_s", "node", "lat", "lon").rows() == [
        (0.0, "T1", 41.141, -8.618),
        (15.0, "T1", 41.142, -8.619),
        (30.0, "T3", 41.1, -8.6),
    ]
    assert trace.notes == {"trips without places, left out": 1}
    broken = _file(tmp_path, "b.csv", text.replace("[[-8.6,41.1]]", "[[-8.6,"))
    assert "must have TRIP_ID, TIMESTAMP and POLYLINE" in _refusal(broken)


def test_users_that_move_through_ray_traced_scenes(tmp_path: Path) -> None:
    a = np.ones((2, 1, 1, 1, 1, 3), dtype=np.complex128)
    places = np.arange(18, dtype=float).reshape(3, 2, 3)
    np.savez(tmp_path / "rt.npz", a=a, rx_pos=places, time_s=[0.0, 0.5, 1.0])
    found = _mobility(open_trace(tmp_path / "rt.npz")).filter(pl.col("node") == "1")
    assert found.select("time_s", "x_m", "z_m").rows() == [
        (0.0, 3.0, 5.0),
        (0.5, 9.0, 11.0),
        (1.0, 15.0, 17.0),
    ]
    for scene in (2, 10):
        folder = tmp_path / "scenes" / f"scene_{scene}"
        folder.mkdir(parents=True)
        savemat(folder / "power_t001_tx000_r000.mat", {"power": np.full((1, 2), -90.0 - scene)})
        savemat(folder / "rx_pos_t001_tx000_r000.mat", {"rx_pos": np.array([[scene, 0.0, 1.5]])})
    assert "has 2 scenes: say --format deepmimo:STEP_S" in _refusal(tmp_path / "scenes")
    trace = open_trace(tmp_path / "scenes", "deepmimo:0.1")
    assert _mobility(trace).select("time_s", "x_m").rows() == [(0.0, 2.0), (0.1, 10.0)]
    assert trace.table("channel").collect()["time_s"].to_list() == [0.0, 0.1]


def test_types_of_parquet_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    good = {"time": [0, 1], "id": ["a", "a"], "x": [1.0, 2.0], "y": [1, 2]}
    for name, values in (
        ("x", [[1.0], [2.0]]),
        ("id", [[1], [2]]),
        ("time", [b"0", b"1"]),
        ("y", [True, False]),
    ):
        pl.DataFrame({**good, name: values}).write_parquet(path)
        assert f"a.parquet, {name}: cannot be the" in _refusal(path)
    pl.DataFrame(good).with_columns(pl.col("id").cast(pl.Categorical)).write_parquet(path)
    assert _mobility(open_trace(path))["node"].to_list() == ["a", "a"]


def test_units_of_degrees(tmp_path: Path) -> None:
    text = "time,Latitude (rad),Longitude (rad)\n0,0.89,0.12\n1,0.8901,0.12\n"
    found = _mobility(open_trace(_file(tmp_path, "a.csv", text)))
    assert found["lat"].to_list() == pytest.approx(np.degrees([0.89, 0.8901]).tolist())
    gon = _file(tmp_path, "b.csv", text.replace("rad", "gon"))
    assert "the unit of Longitude (gon) is not known; say --columns lon=" in _refusal(gon)
