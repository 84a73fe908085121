"""Site files, untrusted input: CSV, node-link JSON, GraphML, GeoJSON, and cells of OpenCelliD.

Sites are placed in metres (`x_m`, `y_m`) or in degrees (`lat`, `lon`, WGS 84), which are projected
around their middle; the origin is kept as the graph's `origin_lat` and `origin_lon`.
"""

from __future__ import annotations

import gzip
import io
import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin, central_origin
from netsim.topology.geojson import graph_of_features, is_geojson
from netsim.topology.opencellid import COLUMNS, RADIOS, is_cell_table, sites_of_cells

MAX_BYTES = 256 * 2**20
LIMITS_DEG = {"lat": 90.0, "lon": 180.0}
_ALIASES = {"latitude": "lat", "longitude": "lon", "lng": "lon", "long": "lon"}
_NAMES = ("site", "id", "name")
SUFFIXES = (".csv", ".csv.gz", ".json", ".geojson", ".graphml")


def read_sites(
    path: Path, *, radio: str | None = None, operator: str | None = None, merge_m: float = 50.0
) -> nx.Graph:
    """The graph of a site file; every node has finite `x_m` and `y_m`.

    `radio` (GSM, UMTS, LTE, NR), `operator` ("mcc-net") and `merge_m`, the distance within which
    cells are one site, are for OpenCelliD files. Raises DataError naming the file, the site and the
    rule.
    """
    if not path.is_file():
        raise DataError("no such site file", where=path)
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        graph = _read_csv(path, radio, operator, merge_m)
    elif name.endswith((".json", ".geojson")):
        graph = _read_json(path)
    elif name.endswith(".graphml"):
        graph = _read_graphml(path)
    else:
        raise DataError(
            f"the suffix must be one of {', '.join(SUFFIXES)}", where=path, value=path.suffix
        )
    return _located(graph, path)


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked, up to MAX_BYTES."""
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise DataError(f"cannot be read: {error}", where=path) from None
    if len(content) > MAX_BYTES:
        raise DataError(f"a site file may have at most {MAX_BYTES} bytes", where=path)
    return content


def _read_csv(path: Path, radio: str | None, operator: str | None, merge_m: float) -> nx.Graph:
    content = _content(path)
    bare = content.startswith(
        tuple(f"{r},".encode() for r in RADIOS)
    )  # OpenCelliD by country: no header
    try:
        table = pl.read_csv(
            io.BytesIO(content), infer_schema=False, has_header=not bare, truncate_ragged_lines=bare
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"not a readable CSV file: {error}", where=path) from None
    if bare:
        table = table.rename(dict(zip(table.columns, COLUMNS, strict=False)))
    names = [_ALIASES.get(c.strip().lower(), c.strip()) for c in table.columns]
    if len(set(names)) < len(names):
        raise DataError("column names must differ", where=path, value=table.columns)
    table.columns = names
    if is_cell_table(table.columns):
        return sites_of_cells(
            {c: table[c].to_list() for c in table.columns},
            path,
            radio=radio,
            operator=operator,
            merge_m=merge_m,
            first_line=1 if bare else 2,
        )
    if not ({"x_m", "y_m"} <= set(names) or {"lat", "lon"} <= set(names)):
        have = {"lat", "lon"} if {"lat", "lon"} & set(names) else {"x_m", "y_m"}
        raise DataError(
            f"column {' and '.join(sorted(have - set(names)))} is missing; a site file has x_m and y_m, in "
            "metres, or lat and lon, in degrees",
            where=path,
            value=table.columns,
        )
    key = next((c for c in _NAMES if c in names), None)
    graph = nx.Graph()
    for line, row in enumerate(table.iter_rows(named=True), start=2):
        node = (row[key] if key else None) or line - 2
        if node in graph:
            raise DataError("site names must differ", where=f"{path}, line {line}", value=node)
        graph.add_node(node, **{k: v for k, v in row.items() if v is not None and k != key})
    return graph


def _read_json(path: Path) -> nx.Graph:
    try:
        data = json.loads(_content(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", where=path) from None
    if is_geojson(data):
        return graph_of_features(data, path)
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        raise DataError(
            "node-link JSON has a list `nodes`, GeoJSON is a FeatureCollection", where=path
        )
    seen: set[str] = set()
    for index, node in enumerate(data["nodes"]):
        name = node.get("id") if isinstance(node, dict) else None
        if name is None or repr(name) in seen:
            raise DataError(
                "every node needs an `id` of its own", where=f"{path}, node {index}", value=name
            )
        seen.add(repr(name))
    try:
        links = data.get("edges", data.get("links", []))
        return nx.Graph(nx.node_link_graph({**data, "edges": links}, edges="edges"))
    except (nx.NetworkXError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"not node-link JSON: {error}", where=path) from None


def _read_graphml(path: Path) -> nx.Graph:
    text = _content(path)
    if b"\0" in text:  # UTF-16 could hide the next check's words
        raise DataError("GraphML must be UTF-8", where=path)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # entity expansion is refused, not limited
        raise DataError("GraphML with a document type or entities is refused", where=path)
    try:
        return nx.Graph(nx.parse_graphml(text))
    except (nx.NetworkXError, ElementTree.ParseError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"not GraphML: {error}", where=path) from None


def _located(graph: nx.Graph, path: Path) -> nx.Graph:
    """The graph with every site in metres; degrees are projected where metres are missing."""
    if len(graph) == 0:
        raise DataError("has no sites", where=path)
    in_metres = any("x_m" in data or "y_m" in data for _, data in graph.nodes(data=True))
    in_degrees = any("lat" in data or "lon" in data for _, data in graph.nodes(data=True))
    if in_metres or not in_degrees:
        for node, data in graph.nodes(data=True):
            for key in ("x_m", "y_m"):
                data[key] = _coordinate(data.get(key), key, node, path)
        return graph
    for node, data in graph.nodes(data=True):
        for key in LIMITS_DEG:
            data[key] = _coordinate(data.get(key), key, node, path)
    lat = np.array([data["lat"] for _, data in graph.nodes(data=True)])
    lon = np.array([data["lon"] for _, data in graph.nodes(data=True)])
    origin = file_origin(graph) or central_origin(lat, lon)
    for data, (x, y) in zip(
        dict(graph.nodes(data=True)).values(), origin.to_metres(lat, lon), strict=True
    ):
        data["x_m"], data["y_m"] = float(x), float(y)
    graph.graph["origin_lat"], graph.graph["origin_lon"] = origin.lat, origin.lon
    return graph


def file_origin(graph: nx.Graph) -> Origin | None:
    """The origin that the graph keeps, if it has one in range."""
    try:
        lat, lon = float(graph.graph["origin_lat"]), float(graph.graph["origin_lon"])
    except (KeyError, TypeError, ValueError):
        return None
    return Origin(lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _coordinate(value: Any, key: str, node: Any, path: Path) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    limit = LIMITS_DEG.get(key, math.inf)
    if not math.isfinite(number) or abs(number) > limit:
        rule = "must be a finite number of metres"
        if key in LIMITS_DEG:
            rule = f"must be degrees in -{limit:g}..{limit:g}"
        raise DataError(rule, where=f"{path}, site {node}, {key}", value=value)
    return number
