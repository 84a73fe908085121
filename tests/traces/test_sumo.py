"""SUMO's floating-car data: real output of SUMO in XML and Parquet, degrees, persons, odd times."""

from __future__ import annotations

import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces import open_trace, read_mobility
from netsim.traces.convert import write_trace


def _fcd(tmp_path: Path, *steps: str, above: str = "") -> Path:
    path = tmp_path / "a.xml"
    rows = "".join(f'<timestep time="{i}.00">{step}</timestep>' for i, step in enumerate(steps))
    path.write_text(f"<?xml version='1.0'?>{above}<fcd-export>{rows}</fcd-export>")
    return path


def _vehicle(name: str, x: float, y: float, more: str = "", speed: float = 10.0) -> str:
    return f'<vehicle id="{name}" x="{x}" y="{y}" speed="{speed}" {more}/>'


def test_real_xml_equals_its_tree(samples: Path) -> None:
    found = read_mobility(samples / "grid.fcd.xml").collect()
    expected = [
        (
            float(step.get("time")),
            m.get("id"),
            float(m.get("x")),
            float(m.get("y")),
            float(m.get("speed")),
        )  # type: ignore[arg-type]
        for step in ElementTree.parse(samples / "grid.fcd.xml").getroot()
        for m in step
    ]
    assert found.rows() == expected
    assert found.columns == ["time_s", "node", "x_m", "y_m", "speed_m_s"]


def test_real_parquet_agrees_with_xml_to_the_centimetre_of_its_text(samples: Path) -> None:
    xml = read_mobility(samples / "grid.fcd.xml").sort("time_s", "node").collect()
    parquet = read_mobility(samples / "grid.fcd.parquet").sort("time_s", "node").collect()
    assert xml["node"].to_list() == parquet["node"].to_list()
    for column in ("time_s", "x_m", "y_m", "speed_m_s"):
        assert np.abs(xml[column].to_numpy() - parquet[column].to_numpy()).max() < 0.00501


def test_real_degrees_are_seen_and_projected(samples: Path) -> None:
    """Distances in the projection equal those in metres, but for SUMO's 1e-6 degrees and UTM's
    scale.
    """
    geo = (
        open_trace(samples / "grid-geo.fcd.xml").table("mobility").sort("time_s", "node").collect()
    )
    metres = (
        read_mobility(samples / "grid.fcd.xml")
        .filter(pl.col("time_s") < 20)
        .sort("time_s", "node")
        .collect()
    )
    assert geo["node"].to_list() == metres["node"].to_list()
    a, b = (t.select("x_m", "y_m").to_numpy() for t in (geo, metres))
    distance = [np.hypot(*(p[:, None] - p[None]).transpose(2, 0, 1)) for p in (a, b)]
    assert np.abs(distance[0] - distance[1]).max() < 0.4
    assert distance[1].max() > 300


def test_degrees_are_seen_without_the_configuration(samples: Path, tmp_path: Path) -> None:
    for name, is_geo in (("grid-geo.fcd.xml", True), ("grid.fcd.xml", False)):
        text = (samples / name).read_text()
        bare = tmp_path / name
        bare.write_text(text[: text.index("<!--")] + text[text.index("-->") + 3 :])
        trace = open_trace(bare)
        assert ("lat" in trace.table("mobility").collect_schema()) == is_geo
        assert bool(trace.notes) == is_geo


def test_a_small_map_in_metres_is_not_taken_for_degrees_and_can_be_forced(tmp_path: Path) -> None:
    path = _fcd(tmp_path, *(_vehicle("a", 10.0 * t, 20) for t in range(5)))
    assert read_mobility(path).collect()["x_m"].to_list() == [0, 10, 20, 30, 40]
    assert read_mobility(path, "sumo:geo").collect()["lon"].to_list() == [0, 10, 20, 30, 40]
    assert "lat" not in read_mobility(path, "sumo:metres").collect().columns
    standing = _fcd(tmp_path, _vehicle("a", 8.123456, 51.654321, speed=0))
    assert "lat" in read_mobility(standing).collect().columns


def test_degrees_out_of_range(tmp_path: Path) -> None:
    path = _fcd(tmp_path, _vehicle("a", 10, 20), _vehicle("a", 10, 95))
    with pytest.raises(DataError, match=r"a, y: must be degrees in -90..90 \(found '95'\)"):
        read_mobility(path, "sumo:geo").collect()


def test_the_origin_can_be_given(samples: Path) -> None:
    origin = Origin(51.33, 12.36)
    trace = open_trace(samples / "grid-geo.fcd.xml", origin=origin)
    table = trace.table("mobility").collect()
    assert trace.origin == origin
    back = origin.to_degrees(table.select("x_m", "y_m").to_numpy())
    assert np.abs(back - table.select("lat", "lon").to_numpy()).max() < 1e-9


def test_persons_in_vehicles_selected_attributes_and_times_of_day(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(
        '<fcd-export><timestep time="01:00:00"><vehicle id="bus" x="1" y="2" z="7"><person id="p" x="1" y="2"/></vehicle>'
        '<container id="c" x="5" y="5"/></timestep><timestep time="1:01:00:00.50"/></fcd-export>'
    )
    trace = open_trace(path, "sumo:metres")
    assert trace.table("mobility").collect().rows() == [
        (3600.0, "bus", 1.0, 2.0, 7.0),
        (3600.0, "p", 1.0, 2.0, None),
        (3600.0, "c", 5.0, 5.0, None),
    ]
    assert trace.notes == {
        "timesteps without vehicles": 1,
        "samples of persons and containers, taken as nodes": 2,
    }


def test_reading_is_a_stream(tmp_path: Path) -> None:
    """The first rows come from a file whose end is broken; the whole of it raises."""
    rows = (_vehicle("a", 10 * t, 500) for t in range(30_000))
    frame = read_mobility(_fcd(tmp_path, *rows, '<vehicle id="broken" x="here" y="1"/>'))
    assert frame.select("x_m").head(3).collect()["x_m"].to_list() == [0, 10, 20]
    with pytest.raises(
        DataError, match=r"time 30000, broken, x: must be a finite number \(found 'here'\)"
    ):
        frame.collect()


def test_escaped_names_survive_writing(tmp_path: Path) -> None:
    name = 'a<b>&"c\td'
    trace = open_trace(
        _fcd(tmp_path, '<vehicle id="a&lt;b&gt;&amp;&quot;c&#9;d" x="1" y="500" speed="2"/>')
    )
    write_trace(trace, tmp_path / "b.xml.gz")
    assert read_mobility(tmp_path / "b.xml.gz").collect().rows() == [(0.0, name, 1.0, 500.0, 2.0)]


def test_conversion_is_at_least_half_as_fast_as_bare_parsing(samples: Path, tmp_path: Path) -> None:
    text = (samples / "grid.fcd.xml").read_text()
    begin, end = text.index("<timestep"), text.rindex("</fcd-export>")
    path = tmp_path / "long.xml"
    body = "".join(_later(text[begin:end], 80 * k) for k in range(60))
    path.write_text(text[:begin] + body + text[end:])

    def bare() -> None:
        for _, element in ElementTree.iterparse(path):
            element.clear()

    def convert() -> None:
        write_trace(open_trace(path), tmp_path / "long.parquet")

    turns: list[tuple[float, float]] = []
    while not _are_close(turns) and len(turns) < 8:  # in turn, since machines are shared
        turns.append((_cpu_s(convert), _cpu_s(bare)))
    assert _are_close(turns)


def _are_close(turns: list[tuple[float, float]]) -> bool:
    """Whether the best of the first is at most twice the best of the second."""
    ours, bare = ([turn[which] for turn in turns] for which in (0, 1))
    return bool(turns) and min(ours) <= 2 * min(bare)


def _later(steps: str, seconds: int) -> str:
    parts = steps.split('time="')
    return parts[0] + "".join(
        f'time="{float(part[: part.index(chr(34))]) + seconds:.2f}{part[part.index(chr(34)) :]}'
        for part in parts[1:]
    )


def _cpu_s(work: object) -> float:
    begun = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - begun
