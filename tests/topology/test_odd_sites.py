"""A site without a place refuses no file, and one at (0, 0) does not stretch the network to it."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pytest

from netsim.errors import DataError
from netsim.topology.files import read_site_file
from netsim.topology.opencellid import COLUMNS
from netsim.topology.summary import summarise
from netsim.topology.writers import write_sites

NOTE = "sites without a place, left out"
PLACES = {"a": (52.5, 13.4), "b": (None, None), "c": (52.51, 13.41), "d": (0.0, 0.0)}


def _csv() -> str:
    rows = (f"{name},{lat or '-'},{lon or ''}\n" for name, (lat, lon) in PLACES.items())
    return "site,lat,lon\n" + "".join(rows).replace("d,-,", "d,0.0,0")


def _json() -> str:
    nodes = [{"id": name, "lat": lat, "lon": lon} for name, (lat, lon) in PLACES.items()]
    return json.dumps({"nodes": nodes, "edges": []})


def _geojson() -> str:
    features = [
        {
            "type": "Feature",
            "id": name,
            "geometry": {"type": "Point", "coordinates": [] if lat is None else [lon, lat]},
            "properties": {},
        }
        for name, (lat, lon) in PLACES.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.mark.parametrize(
    ("name", "text"), [("s.csv", _csv()), ("s.json", _json()), ("s.geojson", _geojson())]
)
def test_sites_without_a_place(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    found = read_site_file(path)
    assert list(found.graph) == ["a", "c"]
    assert found.notes == {NOTE: 2}


def test_degrees_that_no_number_holds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    nodes = [{"id": "a", "lat": 10**400, "lon": 1.0}, {"id": "b", "lat": 1.0, "lon": 1.0}]
    path.write_text(json.dumps({"nodes": nodes, "edges": []}))
    with pytest.raises(DataError, match=r"must be degrees in -90\.\.90"):
        read_site_file(path)
    nodes = [{"id": "a", "x_m": 0.0, "y_m": 0.0}]
    graph = {"origin_lat": 10**400, "origin_lon": 0}
    path.write_text(json.dumps({"graph": graph, "nodes": nodes, "edges": []}))
    assert summarise(read_site_file(path).graph)  # an origin that is no place is none


def _cells(*places: tuple[str, str]) -> str:
    rows = (f"LTE,262,1,1,{k},0,{lon},{lat},1000,9,1,0,0,0" for k, (lat, lon) in enumerate(places))
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def test_cells_without_a_place(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(_cells(("52.5", "13.4"), ("52.51", ""), ("0.0", "0.0"), ("52.52", "13.42")))
    found = read_site_file(path)
    assert len(found.graph) == 2
    assert found.notes == {"cells without a place, left out": 2}
    path.write_text(_cells(("52.5", "13.4"), ("-", "1"), ("NaN", "1")))
    with pytest.raises(DataError, match="more than 50% of the rows have no place"):
        read_site_file(path)


def test_sites_at_0_0_stay_where_the_others_are_near(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("site,lat,lon\na,0.0,0.0\nb,0.01,0.01\n")
    assert len(read_site_file(path).graph) == 2


def test_a_link_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    nodes = [{"id": "a", "x_m": 0, "y_m": 0}, {"id": "b", "x_m": 9, "y_m": 0}]
    links = [{"source": "a", "target": "b", "rate_bps": 1e9}]
    path.write_text(json.dumps({"nodes": nodes, "edges": links}))
    said = summarise(read_site_file(path).graph).backhaul
    assert said.startswith("unusable: link a - b: delay_s: must be a finite number")


def test_what_graphml_cannot_hold_is_said(tmp_path: Path) -> None:
    graph = nx.Graph()
    graph.add_node("a", x_m=0.0, y_m=0.0, sectors=[1, 2])
    with pytest.raises(DataError, match=r"s\.graphml: GraphML holds text, numbers"):
        write_sites(graph, tmp_path / "s.graphml")
