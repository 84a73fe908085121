"""Hostile traces from the outside: one line and exit code 2, or a repair that is told, in bounded
memory.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from netsim.errors import DataError
from netsim.traces import read_mobility

SUMO = "timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_speed\n"
NATIVE = "time_s,node,x_m,y_m\n"
LAUGHS = "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def _xml(*steps: str) -> str:
    return f"<fcd-export>{''.join(steps)}</fcd-export>"


def _step(time: float, x: str = "1", y: str = "2", name: str = "v") -> str:
    return f'<timestep time="{time}"><vehicle id="{name}" x="{x}" y="{y}" speed="1"/></timestep>'


LONG = _xml(*(_step(t, str(t)) for t in range(2000)))
BAD: dict[str, tuple[bytes | str, str]] = {
    "cut.xml.gz": (gzip.compress(LONG.encode())[:-40], "cannot be read"),
    "cut.csv.gz": (gzip.compress((NATIVE + "0,a,1,2\n" * 9999).encode())[:-40], "cannot be read"),
    "cut.tcl.gz": (gzip.compress(b"$node_(0) set X_ 1.0\n" * 9999)[:-40], "cannot be read"),
    "laughs.xml": (
        f'<!DOCTYPE x [<!ENTITY a "ha">{LAUGHS}]>{_xml(_step(0, name="&i;"))}',
        "entities is refused",
    ),
    "laughs.gpx": (f'<!DOCTYPE x [<!ENTITY a "ha">{LAUGHS}]><gpx>&i;</gpx>', "entities is refused"),
    "nan.xml": (_xml(_step(0, "NaN"), _step(1, "NaN")), "no row has a place"),
    "inf.xml": (
        _xml(_step(0), _step(1, "1", "-Infinity")),
        "y: must be a finite number (found '-Infinity')",
    ),
    "nan.fcd.csv": (
        SUMO + "0;v;1;2;3\n1;v;nan;2;3\n2;v;nan;2;3\n",
        "more than 50% of the rows have no place (found '2 of 3')",
    ),
    "inf.csv": (NATIVE + "0,a,1,2\n1,a,1,1e999\n", "row 2, y_m: must be a finite number"),
    "nan.movements": ("0 nan 2 5 nan 4 6 3 3\n", "more than 50% of the rows have no place"),
    "inf.ns_movements": ("$node_(0) set X_ inf\n", "line 1: must be a finite number (found 'inf')"),
    "back.xml": (_xml(_step(5), _step(4)), "time must not go backwards"),
    "back.movements": ("0 1 2 5 3 4 4 3 4\n", "time not decreasing"),
    "back.ns_movements": (
        '$node_(0) set X_ 1\n$node_(0) set Y_ 1\n$ns_ at -5.0 "$node_(0) setdest 1 2 3"\n',
        "-5",
    ),
    "delimiter.fcd.csv": (SUMO + "0,v,1,2,3\n1,v,2,2,3\n", "timestep_time: times must be seconds"),
    "decimals.csv": (
        "time_s;node;x_m;y_m\n0;a;1,500;2\n",
        "may have a decimal comma, or thousands",
    ),
    "metres.xml": (
        _xml(
            *(_step(t, f"7.1{t:06}", "50.1") for t in range(14000)),
            _step(14000, "400000", "5550000"),
        ),
        "must be degrees",
    ),
    "metres.csv": (
        "time,id,lat,lon\n0,a,50.1,7.2\n1,a,5550000,800000\n",
        "row 2, lat: must be degrees in -90..90",
    ),
    "clock.csv": (
        "unix,id,x,y\n1213084687,a,1,2\n1213084687000,a,1,2\n",
        "in seconds and in smaller units",
    ),
}

Command = Callable[..., Any]


@pytest.mark.parametrize("name", BAD)
def test_one_line_and_exit_code_2(name: str, command: Command, tmp_path: Path) -> None:
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    replays = ("--network-only", "--set", "mobility.kind=replay", "--set", f"mobility.path={name}")
    for words in (
        ("trace", "inspect", name),
        ("trace", "convert", name, "a.parquet"),
        ("run", *replays),
    ):
        code, _, complaint = command(*words)
        assert (code, len(complaint.splitlines())) == (2, 1), complaint
        assert name in complaint
        assert message in complaint
    assert not (tmp_path / "a.parquet").exists()
    with pytest.raises(DataError):
        read_mobility(name).collect()


def test_a_quarter_of_a_million_empty_timesteps_take_no_memory(
    command: Command,
    tmp_path: Path,
    memory_below: Callable[[float], AbstractContextManager[None]],
) -> None:
    """A hundred bytes of each step would be 25 MB."""
    (tmp_path / "b.xml").write_text(_xml(_step(0)))
    command("trace", "inspect", "b.xml")  # loads modules
    steps = '<timestep time="7"/>\n' * 250_000
    (tmp_path / "a.xml.gz").write_bytes(gzip.compress(_xml(steps, _step(1e6)).encode(), 1))
    with memory_below(25):
        code, said, _ = command("trace", "inspect", "a.xml.gz")
    assert code == 0
    assert "timesteps without vehicles: 250000" in said


def test_times_backwards_in_a_table_are_sorted_and_told(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(NATIVE + "2,a,30,0\n0,a,10,0\n1,a,20,0\n")
    code, said, _ = command("trace", "inspect", "a.csv")
    assert code == 0
    assert any(line.split()[-1] == "1" for line in said.splitlines() if "backwards" in line)
    assert command("trace", "convert", "a.csv", "a.xml")[0] == 0
    assert read_mobility("a.xml").collect()["x_m"].to_list() == [10, 20, 30]


@pytest.mark.parametrize("separator", [",", "\t", "|"])
def test_a_delimiter_that_sumo_does_not_write_is_seen(
    separator: str, command: Command, tmp_path: Path
) -> None:
    text = (SUMO + "0;v;1;2;3\n1;v;2;2;3\n").replace(";", separator)
    (tmp_path / "a.fcd.csv").write_text(text)
    assert command("trace", "inspect", "a.fcd.csv")[0] == 0
    assert read_mobility("a.fcd.csv").select(pl.col("x_m")).collect()["x_m"].to_list() == [1, 2]
