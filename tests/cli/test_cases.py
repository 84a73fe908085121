"""Runs and conversions of files as people have them: done, or refused in words with exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]
SMALL = ("run", "--network-only", "--quiet", "--set", "rounds=2")
LOG = (
    "Timestamp,Longitude,Latitude,Speed,CellID,NetworkMode,SNR,DL_bitrate,UL_bitrate\n"
    "2018.02.12_16.14.01,13.4000,52.5,0,11,LTE,4.0,12000,300\n"
    "2018.02.12_16.14.02,13.4002,52.5,36,11,LTE,5.0,15000,310\n"
    "2018.02.12_16.14.03,13.4004,52.5,36,11,LTE,-,18000,320\n"
)


@pytest.fixture
def walk(tmp_path: Path) -> str:
    """Cars within a kilometre, one of them with a far-off place now and then."""
    rows = []
    for time in range(0, 40, 2):
        for car in range(8):
            x, y = (400 * car + time, 300 * (car % 3))
            rows.append(f"{time},car{car},{x},{y}\n")
    rows[70] = f"{16},car6,-9000000,9000000\n"
    (tmp_path / "walk.csv").write_text("time,id,x,y\n" + "".join(rows))
    return "walk.csv"


def test_a_log_without_5g_drives_a_channel(command: Command, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    code, _, complaint = command(
        *SMALL, "--set", 'channel=[{path="log.csv", fill="hold"}]', "--out", "a"
    )
    assert code == 0
    assert "log.csv: no row has NetworkMode = 5G" in complaint


def test_columns_of_a_channel_can_be_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text("when,who,what\n0,0,5\n1,0,6\n2,0,7\n")
    channel = (
        'channel=[{path="rates.csv", columns="time=when,node=who,rate=what:Mbit/s", fill="hold"}]'
    )
    assert command(*SMALL, "--set", channel, "--out", "a")[0] == 0
    code, _, complaint = command(*SMALL, "--set", 'channel=[{path="rates.csv"}]', "--out", "b")
    assert code == 2
    assert "no column is seen to be the time; say --columns time=COLUMN" in complaint
    assert "when, who, what" in complaint


def test_one_far_off_place_does_not_end_a_run(command: Command, walk: str, tmp_path: Path) -> None:
    replay = ("--set", "mobility.kind=replay", "--set", f"mobility.path={walk}")
    code, out, complaint = command(
        "run", "--network-only", "--set", "rounds=2", *replay, "--out", "a"
    )
    assert code == 0
    assert "1 places lie far from all others, of car6" in out + complaint


def test_nobody_ever_there_is_an_error(command: Command, walk: str, tmp_path: Path) -> None:
    replay = ("--set", "mobility.kind=replay", "--set", f"mobility.path={walk}")
    late = command(*SMALL, *replay, "--set", "mobility.begin_s=1e6", "--out", "a")
    assert late[0] == 2
    assert "mobility.begin_s: must not lie after the trace's last sample, at 38 s" in late[2]
    (tmp_path / "sites.csv").write_text("site,x_m,y_m\nA,500000,0\nB,501000,0\nC,500000,1000\n")
    sites = ("--set", "topology.kind=file", "--set", "topology.path=sites.csv")
    code, _, complaint = command(*SMALL, *replay, *sites, "--out", "b")
    assert code == 2
    assert "no place of the trace lies in the cell of site" in complaint


def test_folders_with_brackets_are_no_patterns(command: Command, walk: str, tmp_path: Path) -> None:
    assert command(*SMALL, "--out", "x[1]")[0] == 0
    assert command("report", "x[1]", "--out", "a.html")[0] == 0
    (tmp_path / "walk[1].csv").write_text((tmp_path / walk).read_text())
    assert command("trace", "convert", "walk[1].csv", "b[1].parquet")[0] == 0
    assert command("trace", "inspect", "b[1].parquet")[0] == 0


def test_inspect_prints_the_reading_it_chose(command: Command, walk: str) -> None:
    code, out, _ = command("trace", "inspect", walk)
    assert code == 0
    assert "read as" in out
    assert "--columns time=time,node=id,x=x:m,y=y:m" in out


def test_series_that_drive_nobody_are_told(command: Command, tmp_path: Path) -> None:
    rows = "".join(f"{time},{ue},1e6\n" for ue in ("a", "b", "c") for time in range(3))
    (tmp_path / "rates.csv").write_text(f"time_s,node,rate_bps\n{rows}")
    channel = 'channel=[{path="rates.csv", ues=[0], fill="hold"}]'
    code, _, complaint = command(*SMALL, "--set", channel, "--out", "a")
    assert code == 0
    assert "rates.csv: 2 of its 3 series drive no UE" in complaint


def test_a_timetable_is_replayed(command: Command, tmp_path: Path) -> None:
    (tmp_path / "feed").mkdir()
    for name, text in {
        "stops.txt": "stop_id,stop_lat,stop_lon\nA,51.000,7.00\nB,51.002,7.00\n",
        "trips.txt": "service_id,trip_id\nday,t1\nday,t2\n",
        "stop_times.txt": (
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
            "t1,8:00:00,8:00:30,A,1\nt1,8:04:00,8:04:00,B,2\n"
            "t2,8:00:00,8:01:00,B,1\nt2,8:05:00,8:05:00,A,2\n"
        ),
    }.items():
        (tmp_path / "feed" / name).write_text(text)
    replay = ("--set", "mobility.kind=replay", "--set", "mobility.path=feed")
    assert command(*SMALL, *replay, "--out", "a")[0] == 0
