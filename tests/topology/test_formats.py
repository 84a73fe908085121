"""Files in degrees, OpenCelliD cells, writers that read back, and one clear error for each bad
file.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from pyproj import Geod

from netsim.errors import DataError, OutputError
from netsim.projection import Origin, central_origin
from netsim.topology.deployment import explicit_sites
from netsim.topology.files import read_site_file, read_sites
from netsim.topology.graph import graph_origin, site_graph
from netsim.topology.links import with_links
from netsim.topology.writers import write_sites

DEGREES = [(52.5163, 13.3777), (52.5208, 13.4094), (52.4989, 13.4183)]  # three places in one town


def _geojson(features: list[dict]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


def _point(lon: float, lat: float, **rest: object) -> dict:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {},
        **rest,
    }


@pytest.mark.parametrize("header", ["site,lat,lon", "id,Latitude,Longitude", "name,lat,lng"])
def test_degrees_become_true_distances(header: str, tmp_path: Path) -> None:
    rows = [f"{name},{lat},{lon}" for name, (lat, lon) in zip("abc", DEGREES, strict=True)]
    (tmp_path / "s.csv").write_text("\n".join([header, *rows]) + "\n")
    graph = read_sites(tmp_path / "s.csv")
    assert list(graph) == ["a", "b", "c"]
    positions = explicit_sites(graph).positions_m
    for i, j in ((0, 1), (0, 2), (1, 2)):
        geodesic = Geod(ellps="WGS84").inv(*DEGREES[i][::-1], *DEGREES[j][::-1])[2]
        assert np.hypot(*(positions[i] - positions[j])) == pytest.approx(geodesic, rel=1e-6)
    assert positions[1, 0] > positions[0, 0]  # further east
    assert positions[2, 1] < positions[0, 1]  # further south
    origin = graph_origin(graph)
    assert origin is not None
    np.testing.assert_allclose(origin.to_degrees(positions), DEGREES, atol=1e-9)


def test_sites_on_both_sides_of_the_date_line_stay_together() -> None:
    lat, lon = np.array([-17.0, -17.0]), np.array([179.99, -179.99])
    origin = central_origin(lat, lon)
    assert abs(abs(origin.lon) - 180) < 1e-5
    assert np.ptp(origin.to_metres(lat, lon)[:, 0]) == pytest.approx(2129, rel=1e-3)


def test_geojson_with_links(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[13.0, 52.0], [13.1, 52.0]]}
    link = {
        "type": "Feature",
        "geometry": line,
        "properties": {"source": "a", "target": 7, "rate_bps": 1e9, "delay_s": 0},
    }
    points = [_point(13.0, 52.0, id="a"), _point(13.1, 52.0, properties={"site": 7, "core": True})]
    (tmp_path / "s.geojson").write_text(_geojson([link, *points]))
    graph = read_sites(tmp_path / "s.geojson")
    assert list(graph) == ["a", 7]
    assert graph.edges["a", 7]["rate_bps"] == 1e9
    assert graph.nodes[7]["core"] is True
    assert graph.nodes[7]["x_m"] - graph.nodes["a"]["x_m"] == pytest.approx(6867, abs=2)


HEADER = (
    "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal"
)
CELLS = [
    "LTE,262,1,10,256,,13.40000,52.50000,1000,90,1,0,0,0",
    "LTE,262,1,10,257,,13.40030,52.50000,1000,10,1,0,0,0",  # 20 m east of the first
    "LTE,262,1,10,512,,13.42000,52.50000,1000,5,1,0,0,0",  # 1.4 km away
    "GSM,262,1,10,256,,13.44000,52.50000,1000,5,1,0,0,0",
    "LTE,262,2,10,256,,13.40000,52.51000,1000,5,1,0,0,0",
]


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_cells_become_sites(bare: bool, packed: bool, tmp_path: Path) -> None:
    text = "\n".join(CELLS if bare else [HEADER, *CELLS]) + "\n"
    path = tmp_path / ("262.csv.gz" if packed else "262.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert len(read_sites(path)) == 4
    graph = read_sites(path, radio="LTE", operator="262-1")
    assert [data["cells"] for _, data in graph.nodes(data=True)] == [2, 1]
    site = graph.nodes["LTE-262-1-10-256"]
    assert site["samples"] == 100
    assert site["lon"] == pytest.approx(13.40003)  # mean by samples
    assert len(read_sites(path, radio="LTE", operator="262-1", merge_m=5.0)) == 3
    assert len(read_sites(path, radio="LTE", operator="262-1", merge_m=5000.0)) == 1


def _linked() -> nx.Graph:
    graph = site_graph(np.array([[0.0, 0.0], [650.5, -20.0], [10.0, 900.0], [-400.0, 300.0]]))
    graph.graph["origin_lat"], graph.graph["origin_lon"] = 48.1, 11.5
    return with_links(graph, "mesh", core=2, rate_bps=2e9)


@pytest.mark.parametrize("name", ["s.graphml", "s.json", "s.geojson"])
def test_written_files_read_back(name: str, tmp_path: Path) -> None:
    graph = _linked()
    write_sites(graph, tmp_path / name)
    again = read_sites(tmp_path / name)
    assert [str(n) for n in again] == [str(n) for n in graph]
    a, b = explicit_sites(graph).positions_m, explicit_sites(again).positions_m
    np.testing.assert_allclose(b, a, atol=1e-3)
    assert {frozenset(map(str, e)) for e in again.edges} == {
        frozenset(map(str, e)) for e in graph.edges
    }
    for _, _, data in again.edges(data=True):
        assert data["rate_bps"] == 2e9
        assert data["delay_s"] > 1e-4
    assert [bool(d["core"]) for _, d in again.nodes(data=True)] == [False, False, True, False]
    assert graph_origin(again) == Origin(48.1, 11.5)


def test_csv_holds_sites_only(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="sites only"):
        write_sites(_linked(), tmp_path / "s.csv")
    bare = nx.Graph(_linked())
    bare.remove_edges_from(list(bare.edges))
    write_sites(bare, tmp_path / "s.csv")
    again = read_sites(tmp_path / "s.csv")
    assert explicit_sites(again).positions_m.tolist() == explicit_sites(bare).positions_m.tolist()


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="suffix"):
        write_sites(_linked(), tmp_path / "s.xml")
    with pytest.raises(DataError, match="need an origin"):
        write_sites(site_graph(np.zeros((1, 2))), tmp_path / "s.geojson")
    with pytest.raises(OutputError, match="cannot be written"):
        write_sites(_linked(), tmp_path / "none" / "s.json")


BAD = {
    "lat.csv": (
        "site,lat,lon\na,91,0\n",
        r"site a, lat: must be degrees in -90\.\.90 \(found '91'\)",
    ),
    "lon.csv": ("site,lat,lon\na,9,181\n", r"site a, lon: must be degrees in -180\.\.180"),
    "nan.csv": ("lat,lon\n9,nan\n", "no row has a place"),
    "half.csv": ("site,lat\na,9\n", "lon is missing; sites have"),
    "mixed.json": (
        '{"nodes": [{"id": 1, "x_m": 1, "y_m": 2}, {"id": 2, "lat": 1, "lon": 2}]}',
        "site 2: has its place in degrees, others in metres",
    ),
    "twice.csv": (
        "lat,latitude,lon\n1,2,3\n",
        "lat and latitude could both be the lat; say --columns lat=lat",
    ),
    "cell.csv": (
        f"{HEADER}\n{CELLS[0].replace('52.50000', '95')}\n",
        "line 2, lat: must be degrees",
    ),
    "cellnan.csv": (CELLS[0].replace("13.40000", "nan") + "\n", "no row has a place"),
    "celltwice.csv": (
        "\n".join([HEADER, CELLS[0], CELLS[2], CELLS[0]]),
        "line 4: a cell .* also in line 2 ",
    ),
    "empty.geojson": (_geojson([]), "has no sites"),
    "nopoint.geojson": (
        _geojson([{"type": "Feature", "geometry": None}]),
        "has no sites",
    ),
    "short.geojson": (
        _geojson([{"geometry": {"type": "Point", "coordinates": [1]}}]),
        "has coordinates",
    ),
    "lat.geojson": (_geojson([_point(0, 95)]), "must be degrees"),
    # type: ignore[arg-type]
    "text.geojson": (_geojson([_point("x", 5)]), "site 0, lon: must be degrees"),
    "twice.geojson": (
        _geojson([_point(0, 5, id="a"), _point(1, 5, id="a")]),
        "feature 1: site names must differ",
    ),
    "link.geojson": (
        _geojson(
            [
                _point(0, 5, id="a"),
                {"geometry": {"type": "LineString"}, "properties": {"source": "a", "target": "b"}},
            ]
        ),
        "must name sites .*'b'",
    ),
    "nolist.geojson": ('{"type": "FeatureCollection"}', "a list `features`"),
    "ghost.json": (
        '{"nodes": [{"id": 1, "x_m": 1, "y_m": 2}], "edges": [{"source": 1, "target": 9}]}',
        "link 0: source and target must be nodes of the file",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name: str, tmp_path: Path) -> None:
    text, message = BAD[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_sites(tmp_path / name)
    assert name in str(caught.value)


def test_bad_filters_and_packed_files(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("\n".join([HEADER, *CELLS]))
    with pytest.raises(DataError, match="has no cells of radio NR"):
        read_sites(tmp_path / "c.csv", radio="NR")
    with pytest.raises(DataError, match="radio must be one of GSM"):
        read_sites(tmp_path / "c.csv", radio="5G")
    (tmp_path / "c.csv.gz").write_bytes(b"not packed")
    with pytest.raises(DataError, match="has no columns of places"):
        read_sites(tmp_path / "c.csv.gz")
    (tmp_path / "bomb.graphml").write_bytes(
        '<!DOCTYPE x [<!ENTITY a "b">]><graphml/>'.encode("utf-16")
    )
    with pytest.raises(DataError, match="UTF-8"):
        read_sites(tmp_path / "bomb.graphml")


# -- files as people have them ---------------------------------------------------------------------


def _sites(tmp_path: Path, name: str, text: str, **options: str) -> nx.Graph:
    (tmp_path / name).write_text(text)
    return read_sites(tmp_path / name, **options)


def test_sectors_at_one_place_are_one_site(tmp_path: Path) -> None:
    text = (
        "station,carrier_mhz,azimuth,latitude,longitude\nNord,763,0,54.3210,10.12\n"
        "Nord,763,120,54.3210,10.12\nHafen,763,0,54.3260,10.1350\nNord,1845,0,54.3210,10.12\n"
    )
    (tmp_path / "sectors.csv").write_text(text)
    found = read_site_file(tmp_path / "sectors.csv")
    assert dict(found.graph.nodes(data="sectors")) == {"Nord": 3, "Hafen": 1}
    assert found.notes == {"sectors at the place of another, merged into one site": 2}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("name;lat;lon\nA;51.00;7.00\nB;51.01;7.02\n", ""),
        ("id,Latitude (deg),Longitude (deg)\nA,51.00,7.00\nB,51.01,7.02\n", ""),
        ("Site\tLAT\tLNG\nA\t51.00\t7.00\nB\t51.01\t7.02\n", ""),
        ("site;lat;lon\nA;51,00;7,00\nB;51,01;7,02\n", ""),
        ("mast,north,east\nA,51.00,7.00\nB,51.01,7.02\n", "node=mast,lat=north,lon=east"),
    ],
)
def test_names_separators_and_units_of_columns(text: str, columns: str, tmp_path: Path) -> None:
    graph = _sites(tmp_path, "a.csv", text, columns=columns)
    assert list(graph) == ["A", "B"]
    assert [data["lat"] for _, data in graph.nodes(data=True)] == [51.0, 51.01]
    assert [data["lon"] for _, data in graph.nodes(data=True)] == [7.0, 7.02]


def test_places_in_kilometres(tmp_path: Path) -> None:
    graph = _sites(tmp_path, "a.csv", "site,x (km),y_km\nA,1,2\nB,3,4.5\n")
    assert [(data["x_m"], data["y_m"]) for _, data in graph.nodes(data=True)] == [
        (1000.0, 2000.0),
        (3000.0, 4500.0),
    ]


def test_names_of_the_topology_zoo(tmp_path: Path) -> None:
    graph = nx.Graph()
    graph.add_node("0", Latitude=48.2, Longitude=11.5, label="Alpha")
    graph.add_node("1", Latitude=48.3, Longitude=11.6, label="Beta")
    graph.add_node("2", label="somewhere")
    graph.add_edge("0", "1", LinkSpeedRaw=1e9)
    nx.write_graphml(graph, tmp_path / "zoo.graphml")
    found = read_site_file(tmp_path / "zoo.graphml")
    assert [data["lat"] for _, data in found.graph.nodes(data=True)] == [48.2, 48.3]
    assert found.graph.edges["0", "1"]["rate_bps"] == 1e9
    assert found.notes == {"sites without a place, left out": 1}
    (tmp_path / "zoo.json").write_text(json.dumps(nx.node_link_data(graph, edges="edges")))
    again = read_sites(tmp_path / "zoo.json")
    assert [data["lon"] for _, data in again.nodes(data=True)] == [11.5, 11.6]


def test_features_that_are_no_points_are_counted(tmp_path: Path) -> None:
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [7.0, 51.0]}}
    ring = [[[7.0, 51.0], [7.1, 51.0], [7.1, 51.1], [7.0, 51.0]]]
    area = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": ring}}
    road = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": ring[0]}}
    data = {"type": "FeatureCollection", "features": [point, area, road, area]}
    (tmp_path / "osm.geojson").write_text(json.dumps(data))
    found = read_site_file(tmp_path / "osm.geojson")
    assert len(found.graph) == 1
    assert found.notes == {
        "features that are no sites or links (Polygon), passed over": 2,
        "features that are no sites or links (LineString), passed over": 1,
    }


def test_x_and_y_in_degrees_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="x and y look like degrees; name them lon and lat"):
        _sites(tmp_path, "a.csv", "site,x,y\nA,7.01,51.2\nB,7.02,51.21\n")
    metres = _sites(tmp_path, "b.csv", "site,x_m,y_m\nA,7.01,51.2\nB,7.02,55.21\n")
    assert len(metres) == 2
