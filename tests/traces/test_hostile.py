"""Hostile and broken files: one DataError or a stated repair, never a traceback, in bounded
memory.
"""

from __future__ import annotations

import gzip
import io
import math
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from netsim.errors import DataError, InputError
from netsim.traces import open_trace
from netsim.traces.files import reading
from netsim.traces.mahimahi import write_mahimahi
from netsim.traces.summary import summarise
from netsim.traces.tracks import tracks_of

FCD = (
    '<fcd-export>\n<timestep time="0.00">\n<vehicle id="a" x="1.0" y="2.0" speed="3.0"/>\n</timestep>\n'
    '<timestep time="1.00">\n<vehicle id="a" x="4.0" y="2.0" speed="3.0"/>\n'
    '<person id="p" x="1" y="1" speed="1"/>\n</timestep>\n</fcd-export>\n'
)
GPX = (
    '<gpx version="1.1"><trk><name>w</name><trkseg>\n'
    '<trkpt lat="50.1" lon="7.2"><ele>3</ele><time>2024-05-01T10:00:00Z</time></trkpt>\n'
    '<trkpt lat="50.2" lon="7.3"><time>2024-05-01T10:00:09Z</time></trkpt></trkseg></trk></gpx>\n'
)
NS2 = (
    "$node_(0) set X_ 1.0\n$node_(0) set Y_ 2.0\n"
    '$ns_ at 1.0 "$node_(0) setdest 9.0 9.0 2.5"\n$ns_ at 2.0 "$node_(0) set X_ 5.0"\n'
)
IRISH = (
    "Timestamp,Longitude,Latitude,Speed,CellID,NetworkMode,SNR,DL_bitrate,UL_bitrate\n"
    "2019.12.16_14.23.32,-8.39,51.88,0,11,5G,-11.0,100,66\n2019.12.16_14.23.33,-8.38,51.89,36,12,LTE,-,98,36\n"
)
LUMOS = "run_num,seq_num,latitude,longitude,movingSpeed,nr_ssSinr,Throughput\n1,1,44.9,-93.2,1.2,12,320\n1,2,44.91,-93.2,1.1,,0\n"
TEXTS = {
    "a.xml": FCD,
    "a.gpx": GPX,
    "a.tcl": NS2,
    "a.movements": "0 1 2 5 3 4\n0 5 6 7 8 9\n",
    "a.fcd.csv": "timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_speed\n0;a;1;2;3\n1;a;4;2;3\n",
    "a.csv": "time_s,node,x_m,y_m,speed_m_s\n0,a,1,2,\n1,a,2,3,1\n",
    "geo.csv": "timestamp,id,lat,lon\n2024-05-01 10:00:00,a,50.1,7.2\n2024-05-01 10:00:01,a,50.2,7.2\n",
    "gain.csv": "# gain_kind=total\ntime_s,ue,gnb,gain_db\n0,a,0,-90\n1,a,0,-91\n",
    "rate.csv": "time_s,node,rate_mbps\n0,a,10\n1,a,11\n",
    "irish.csv": IRISH,
    "lumos.csv": LUMOS,
    "new_taxi.txt": "37.75134 -122.39488 0 1213084687\n37.75136 -122.39527 0 1213084659\n",
    "roma.txt": "156;2014-02-01 00:00:00.739166+01;POINT(41.88 12.48)\n187;2014-02-01 00:00:01+01;POINT(41.9 12.4)\n",
    "1131.txt": "1131,2008-02-02 13:30:45,116.47871,39.95\n1131,2008-02-02 13:32:03,116.47871,39.94\n",
    "a.up": "1\n5\n5\n9\n",
    "comma.csv": "Time;id;X;Y\n08:00:00;a;1,5;2,25\n08:00:01;a;1,75;-\n08:00:02;a;2,0;2,5\n",
    "quoted.csv": 'time,id,lat,lon\n0,"van, red",51.0,7.0\n1,"van, red",51.0001,7.0\n',
    "a.plt": "Geolife trajectory\n1\n2\n3\n4\n5\n39.9,116.3,0,492,39745.1,2008-10-24,02:09:59\n",
    "train.csv": '"TRIP_ID","TIMESTAMP","POLYLINE"\n"T1","1372636858","[[-8.6,41.1]]"\n"T2","1","[]"\n',
    "bus.log": "1400000000 5000 51.000000 7.000000 200000 1000\n1400000001 6000 51.0 7.1 2000 1000\n",
    "walk.txt": "0.0 1.0 2.0\n1.0 2.0 -3.0\n2.0 3.0 -5.0\n",
    "a.fad": "1.0 -2.0 0\n-3 4 5\n",
}


def _refusal(path: Path, format: str | None = None) -> str:
    """What an InputError says about a file; its path if there is none."""
    try:
        _exhaust(path, format)
    except InputError as error:
        return str(error)
    return str(path)


def _exhaust(path: Path, format: str | None = None) -> None:
    """Read everything; every number that comes out is finite."""
    trace = open_trace(path, format)
    summarise(trace)
    for name, frame in trace.tables.items():
        with reading(path):
            table = frame.collect()
        for column in table.select(pl.col(pl.Float64)).get_columns():
            assert column.drop_nulls().is_finite().all(), (name, column.name)
    if "mobility" in trace.tables:
        tracks_of(trace.table("mobility"), path)


def test_every_example_is_read(tmp_path: Path) -> None:
    found = {}
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
        _exhaust(tmp_path / name)
        found[name] = open_trace(tmp_path / name).format
    assert list(found.values()) == [
        "sumo",
        "gpx",
        "ns2",
        "bonnmotion",
        "sumo",
        "table",
        "table",
        "table",
        "table",
        "irish5g",
        "lumos5g",
        "cabspotting",
        "roma",
        "tdrive",
        "mahimahi",
        "table",
        "table",
        "geolife",
        "porto",
        "hsdpa",
        "table",
        "fad",
    ]


TOKENS = [
    "nan",
    "inf",
    "-1",
    "1e999",
    "",
    "<",
    '"',
    ";",
    ",",
    "\n",
    "\0",
    "é",
    "9" * 400,
    " ",
    "&x;",
    "0x1",
    "1_0",
    "-",
]


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(sorted(TEXTS)),
    edits=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.integers(0, 12),
            st.one_of(st.sampled_from(TOKENS), st.text(max_size=4)),
        ),
        min_size=1,
        max_size=4,
    ),
    packed=st.booleans(),
)
def test_edited_files_end_in_one_error_or_none(
    name: str, edits: list[tuple[float, int, str]], packed: bool, tmp_path: Path
) -> None:
    text = TEXTS[name]
    for place, cut, token in edits:
        at = int(place * len(text))
        text = text[:at] + token + text[at + cut :]
    content = text.encode("utf-8", "replace")
    path = tmp_path / name
    path.write_bytes(
        gzip.compress(content, 1)[: -3 if len(content) % 2 else None] if packed else content
    )
    said = _refusal(path)
    assert str(path) in said
    assert "\n" not in said


FORMATS = (
    "sumo",
    "ns2",
    "bonnmotion",
    "gpx",
    "table",
    "cabspotting",
    "roma",
    "tdrive",
    "mahimahi",
    "fad",
    "deepmimo",
    "sionna",
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.text(alphabet="0123456789.,; \n-eE<>/$()abxyt", max_size=200).map(str.encode),
        st.sampled_from([b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"MATLAB 5.0 MAT-file"]).flatmap(
            lambda magic: st.binary(max_size=150).map(magic.__add__)
        ),
    ),
    format=st.sampled_from(FORMATS),
)
def test_noise_under_every_reader(content: bytes, format: str, tmp_path: Path) -> None:
    path = tmp_path / "power_t001_tx000_r000.mat"
    path.write_bytes(content)
    for forced in (format, None):
        assert str(tmp_path) in _refusal(path, forced)


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


# the same bytes every time: polars can abort the process on some damaged pages, which no caller can
# catch
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    place=st.floats(0, 1), flip=st.integers(1, 255), kind=st.sampled_from(["npz", "mat", "parquet"])
)
def test_flipped_bytes_of_binary_files(place: float, flip: int, kind: str, tmp_path: Path) -> None:
    path = (
        tmp_path
        / {"npz": "a.npz", "mat": "power_t001_tx000_r000.mat", "parquet": "a.parquet"}[kind]
    )
    if kind == "npz":
        path.write_bytes(_npz(a=np.ones((2, 1, 1, 1, 3, 1)), rx_pos=np.zeros((2, 3))))
    elif kind == "mat":
        savemat(path, {"power": np.full((2, 3), -90.0)}, do_compression=True)
    else:
        pl.DataFrame(
            {"time_s": [0.0, 1.0], "node": ["a", "a"], "x_m": [0.0, 1.0], "y_m": [0.0, 1.0]}
        ).write_parquet(path)
    content = bytearray(path.read_bytes())
    at = min(int(place * len(content)), len(content) - 1)
    content[at] ^= flip
    path.write_bytes(content)
    assert str(tmp_path) in _refusal(path)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def _fcd(rows: str) -> str:
    return f"<fcd-export>{rows}</fcd-export>"


def _step(time: str, x: str = "1", y: str = "2", more: str = "") -> str:
    return f'<timestep time="{time}"><vehicle id="v" x="{x}" y="{y}" speed="1"{more}/></timestep>'


CASES = {
    "bomb.xml": (
        BOMB + "]>" + _fcd(_step("0", more=' type="&i;"')),
        "document type or entities is refused",
    ),
    "bomb.gpx": (BOMB + "]><gpx>&i;</gpx>", "document type or entities is refused"),
    "outside.xml": ('<!DOCTYPE x SYSTEM "file:///etc/hostname">' + _fcd(""), "refused"),
    "nan.xml": (_fcd(_step("0", "nan")), "no row has a place"),
    "inf.xml": (
        _fcd(_step("0", "1", "inf")),
        "time 0, v, y: must be a finite number (found 'inf')",
    ),
    "back.xml": (
        _fcd(_step("5") + _step("4")),
        "time must not go backwards; 5 s lies before (found '4')",
    ),
    "never.xml": (_fcd(_step("soon")), "finite number of seconds (found 'soon')"),
    "noplace.xml": (
        _fcd('<timestep time="0"><vehicle id="v" speed="1"/></timestep>'),
        "no row has a place",
    ),
    "empty.xml": (_fcd('<timestep time="0"/>'), "has no vehicle"),
    "cut.xml": (_fcd(_step("0"))[:-15], "not well-formed XML"),
    "latitude.gpx": (
        GPX.replace("50.1", "91"),
        "lat of a trkpt must be degrees in -90..90 (found '91')",
    ),
    "notime.gpx": (
        GPX.replace("<time>", "<tame>").replace("</time>", "</tame>"),
        "no track points with a time",
    ),
    "nan.csv": (
        "time_s,node,x_m,y_m\n0,a,1,2\n1,a,nan,2\n2,a,nan,2\n",
        "more than 50% of the rows have no place (found '2 of 3')",
    ),
    "inf.csv": (
        "time_s,node,x_m,y_m\n0,a,1,-inf\n",
        "row 1, y_m: must be a finite number (found '-inf')",
    ),
    "comma.csv": (
        "time_s;node;x_m;y_m\n0;a;1,500;2\n",
        "may have a decimal comma, or thousands: say --columns decimal=comma or decimal=point",
    ),
    "units.csv": (
        "time,id,lat,lon\n0,a,50.1,7.2\n1,a,5550000,800000\n",
        "row 2, lat: must be degrees in -90..90",
    ),
    "mixed.csv": (
        "unix,id,x,y\n1213084687,a,1,2\n1213084687000,a,1,2\n",
        "seconds and in smaller units",
    ),
    "dates.csv": (
        "date,id,x,y\n2024-05-01 10:00:00,a,1,2\n7,a,1,2\n",
        "row 2, date: must be a date and time like",
    ),
    "ragged.csv": ("time_s,node,x_m,y_m\n0,a,1,2\n1,a,1\n2,a,1,2,3,4\n", "ragged.csv"),
    "columns.csv": ("alpha,beta\n1,2\n", "no column is seen to be the time"),
    "negative.csv": (
        "time_s,node,rate_bps\n0,a,-1\n",
        "row 1, rate_bps: must be a finite number, not negative",
    ),
    "back.movements": ("0 1 2 5 3 4 4 3 4\n", "time not decreasing"),
    "words.movements": ("0 1 2 5 x 4\n", "line 1: must be numbers"),
    "odd.movements": ("0 1 2 5 3\n", "lines must be t x y"),
    "speed.tcl": (NS2.replace("9.0 2.5", "9.0 -2.5"), "line 3: speed must not be negative"),
    "loop.tcl": ('$ns_ at 1 "$node_($i) setdest $x 2 3"\n', "line 1: a setdest with numbers only"),
    "inf.tcl": (NS2.replace("1.0\n", "inf\n", 1), "line 1: must be a finite number (found 'inf')"),
    "nan.tcl": (NS2.replace("1.0\n", "nan\n", 1), "no row has a place"),
    "back.up": ("5\n4\n", "line 2: time must not go backwards (found '4')"),
    "words.up": ("5\nsix\n", "whole milliseconds"),
    "zero.up": ("0\n0\n", "after 0 ms"),
    "shape.fad": ("1 2 3\n4 5\n", "say --format fad:BLOCKSxSTEPS"),
    "huge.fad": ("1 2 3\n4 5 1e9\n", "line 2: must be gains in -200..100 dB"),
    "void.csv": ("", "is empty"),
    "zeros.csv": ("time_s,node\0,x_m\n", "zero bytes"),
    "riddle.txt": ("to be or not to be\n", "looks like no known trace"),
}


@pytest.mark.parametrize("name", CASES)
def test_one_clear_error(name: str, tmp_path: Path) -> None:
    text, message = CASES[name]
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        _exhaust(path)
    assert message in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_truncated_gzip(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(TEXTS[name].encode())[:-10])
    with pytest.raises(DataError, match=name):
        _exhaust(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        open_trace(tmp_path / "none.xml")


@pytest.mark.parametrize(
    ("format", "message"),
    [
        ("sumoo", "format must be one of"),
        ("gpx:3", "has no detail"),
        ("sumo:feet", "must be sumo:geo or sumo:metres"),
    ],
)
def test_forced_formats_are_checked(format: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(FCD)
    with pytest.raises(DataError, match=message):
        open_trace(tmp_path / "a.xml", format)


def test_pickles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(_npz(a=np.array([{"x": 1}], dtype=object)))
    with pytest.raises(DataError, match="not a readable npz file"):
        open_trace(path)


def test_an_npz_that_would_unpack_to_terabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(
        128
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header)
    with pytest.raises(DataError, match="not a readable npz file"):
        open_trace(path)


@pytest.mark.parametrize("name", ["a.xml", "a.tcl"])
def test_an_endless_line_is_refused_in_bounded_memory(
    name: str, tmp_path: Path, memory_below: Callable[[float], AbstractContextManager[None]]
) -> None:
    path = tmp_path / f"{name}.gz"
    opening = "<fcd-export><vehicle id='" if name.endswith("xml") else TEXTS[name]
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(opening.encode())
        for _ in range(80):
            file.write(b"1" * 2**20)
    with pytest.raises(DataError, match=r"may have at most|more than"), memory_below(400):
        _exhaust(path)


def test_mixed_repairs_are_stated(tmp_path: Path) -> None:
    path = tmp_path / "taxi.csv"
    path.write_text("timestamp_ms,id,x,y\n2000,a,5,6\n1000,a,1,2\n")
    assert summarise(open_trace(path))["mobility"].steps.backwards == 1
    assert tracks_of(open_trace(path).table("mobility"), path).time_s.tolist() == [1.0, 2.0]
    assert math.isclose(open_trace(path).table("mobility").collect()["x_m"][0], 5.0)


def test_what_mahimahi_cannot_hold_is_not_worked_out() -> None:
    for times, rate_bps, period_s in (([0.0], 1e6, 1e12), ([0.0], 1e15, 1.0)):
        written = write_mahimahi(np.array(times), np.array([rate_bps]), period_s)
        with pytest.raises(DataError, match=r"may (be|hold) at most"):
            next(written)
