"""Site files, untrusted input: CSV, node-link JSON, GraphML, GeoJSON, and cells of OpenCelliD.

Sites are placed in metres (`x_m`, `y_m`) or in degrees (`lat`, `lon`, WGS 84), which are projected
around their middle; the origin is kept as the graph's `origin_lat` and `origin_lon`.
"""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import numpy as np

from netsim.errors import DataError
from netsim.projection import central_origin
from netsim.topology.geojson import graph_of_features, is_geojson
from netsim.topology.graph import graph_origin, keep_origin
from netsim.topology.opencellid import CellChoice
from netsim.topology.site_table import graph_of_table

MAX_BYTES = 256 * 2**20
LIMITS_DEG = {"lat": 90.0, "lon": 180.0}
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
        choice = CellChoice(radio, operator, merge_m)
        graph = graph_of_table(_content(path), path, choice)
    elif name.endswith((".json", ".geojson")):
        graph = _read_json(path)
    elif name.endswith(".graphml"):
        graph = _read_graphml(path)
    else:
        rule = f"the suffix must be one of {', '.join(SUFFIXES)}"
        raise DataError(rule, where=path, value=path.suffix)
    return _located(graph, path)


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked, up to MAX_BYTES."""
    packed = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise DataError(f"cannot be read: {error}", where=path) from None
    if len(content) > MAX_BYTES:
        raise DataError(f"a site file may have at most {MAX_BYTES} bytes", where=path)
    return content


def _read_json(path: Path) -> nx.Graph:
    try:
        data = json.loads(_content(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", where=path) from None
    if is_geojson(data):
        return graph_of_features(data, path)
    _check_nodes(data, path)
    try:
        links = data.get("edges", data.get("links", []))
        return nx.Graph(nx.node_link_graph({**data, "edges": links}, edges="edges"))
    except (nx.NetworkXError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"not node-link JSON: {error}", where=path) from None


def _check_nodes(data: Any, path: Path) -> None:
    """Raises DataError if the nodes of node-link JSON have no names of their own."""
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        rule = "node-link JSON has a list `nodes`, GeoJSON is a FeatureCollection"
        raise DataError(rule, where=path)
    seen: set[str] = set()
    for index, node in enumerate(data["nodes"]):
        name = node.get("id") if isinstance(node, dict) else None
        if name is None or repr(name) in seen:
            where = f"{path}, node {index}"
            raise DataError("every node needs an `id` of its own", where=where, value=name)
        seen.add(repr(name))


def _read_graphml(path: Path) -> nx.Graph:
    text = _content(path)
    if b"\0" in text:  # UTF-16 could hide the next check's words
        raise DataError("GraphML must be UTF-8", where=path)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # entity expansion is refused, not limited
        raise DataError("GraphML with a document type or entities is refused", where=path)
    try:
        return nx.Graph(nx.parse_graphml(text))
    except (
        nx.NetworkXError,
        ElementTree.ParseError,
        KeyError,
        ValueError,
        TypeError,
    ) as error:
        raise DataError(f"not GraphML: {error}", where=path) from None


def _located(graph: nx.Graph, path: Path) -> nx.Graph:
    """The graph with every site in metres; degrees are projected where metres are missing."""
    if len(graph) == 0:
        raise DataError("has no sites", where=path)
    in_metres = _some_site_has(graph, "x_m", "y_m")
    in_degrees = _some_site_has(graph, "lat", "lon")
    if in_metres or not in_degrees:
        _make_numbers(graph, ("x_m", "y_m"), path)
        return graph
    _make_numbers(graph, ("lat", "lon"), path)
    _project(graph)
    return graph


def _some_site_has(graph: nx.Graph, *keys: str) -> bool:
    found = set().union(*(data for _, data in graph.nodes(data=True)))
    return not found.isdisjoint(keys)


def _make_numbers(
    graph: nx.Graph,
    keys: tuple[str, str],
    path: Path,
) -> None:
    for node, data in graph.nodes(data=True):
        for key in keys:
            data[key] = _coordinate(
                data.get(key),
                key,
                f"{path}, site {node}, {key}",
            )


def _coordinate(
    value: Any,
    key: str,
    where: str,
) -> float:
    """A finite coordinate, of degrees in range."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    limit = LIMITS_DEG.get(key, math.inf)
    if not math.isfinite(number) or abs(number) > limit:
        rule = "must be a finite number of metres"
        if key in LIMITS_DEG:
            rule = f"must be degrees in -{limit:g}..{limit:g}"
        raise DataError(rule, where=where, value=value)
    return number


def _project(graph: nx.Graph) -> None:
    """Give every site `x_m` and `y_m` from its degrees; the graph keeps the origin."""
    sites = [data for _, data in graph.nodes(data=True)]
    lat = np.array([data["lat"] for data in sites])
    lon = np.array([data["lon"] for data in sites])
    origin = graph_origin(graph) or central_origin(lat, lon)
    for data, (x, y) in zip(
        sites,
        origin.to_metres(lat, lon),
        strict=True,
    ):
        data["x_m"] = float(x)
        data["y_m"] = float(y)
    keep_origin(graph, origin)
