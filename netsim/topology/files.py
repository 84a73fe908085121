"""Site files, untrusted input: CSV, node-link JSON, GraphML, GeoJSON, and cells of OpenCelliD.

Sites are placed in metres (`x_m`, `y_m`) or in degrees (`lat`, `lon`, WGS 84), under any of the
names that traces may use; degrees are projected around their middle, and the origin is kept as the
graph's `origin_lat` and `origin_lon`.
"""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx as nx

from netsim.errors import DataError
from netsim.plain import check_plain_file, why_unreadable
from netsim.topology.geojson import graph_of_features, is_geojson
from netsim.topology.opencellid import CellChoice
from netsim.topology.site_places import Columns, merge_collocated, place_sites
from netsim.topology.site_table import graph_of_table
from netsim.traces.files import READ_FAILURES
from netsim.traces.tables.choice import ColumnChoice, parse_columns

MAX_BYTES = 24 * 2**20
TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".txt", ".json", ".geojson", ".graphml")
_LINK_ALIASES = {"LinkSpeedRaw": "rate_bps"}  # of the Internet Topology Zoo


@dataclass(frozen=True)
class SiteFile:
    """The sites of a file, and what was odd about it, with how often (0: no count)."""

    graph: nx.Graph
    notes: dict[str, int] = field(default_factory=dict)


def read_sites(
    path: Path,
    *,
    radio: str | None = None,
    operator: str | None = None,
    merge_m: float = 50.0,
    columns: str = "",
) -> nx.Graph:
    """The graph of `read_site_file`."""
    choice = CellChoice(radio, operator, merge_m)
    return read_site_file(path, choice, columns).graph


def read_site_file(
    path: Path,
    choice: CellChoice | None = None,
    columns: str = "",
) -> SiteFile:
    """The sites of a file; every node has finite `x_m` and `y_m`.

    `choice` is for OpenCelliD files. `columns` says what the columns of a CSV file are (see
    `netsim.traces.tables.choice`). Raises DataError naming the file, the site and the rule.
    """
    if not os.path.lexists(path):
        raise DataError("no such site file", where=path)
    check_plain_file(path)
    chosen = parse_columns(columns, f"{path}: columns")
    notes: dict[str, int] = {}
    graph, places = _read(
        path,
        choice or CellChoice(),
        chosen,
        notes,
    )
    placed = place_sites(graph, path, places, notes)
    return SiteFile(merge_collocated(placed, path, notes), notes)


def _read(
    path: Path,
    choice: CellChoice,
    columns: ColumnChoice,
    notes: dict[str, int],
) -> tuple[nx.Graph, Columns]:
    """Sites as they stand in the file, and the columns of their places where they are known."""
    name = path.name.lower()
    if name.endswith(TABLES):
        return graph_of_table(path, choice, columns, notes)
    if columns:
        raise DataError("columns can be named of CSV files only", where=path)
    if name.endswith((".json", ".geojson")):
        return _read_json(path, notes), {}
    if name.endswith(".graphml"):
        return _read_graphml(path), {}
    rule = f"the suffix must be one of {', '.join(SUFFIXES)}"
    raise DataError(rule, where=path, value=path.suffix)


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked, up to MAX_BYTES."""
    packed = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except READ_FAILURES as error:
        raise DataError(why_unreadable(path, error), where=path) from None
    if len(content) > MAX_BYTES:
        raise DataError(f"a site file may have at most {MAX_BYTES} bytes", where=path)
    return content


def _read_json(path: Path, notes: dict[str, int]) -> nx.Graph:
    try:
        data = json.loads(_content(path))
    except RecursionError:
        raise DataError("not JSON of a sane depth", where=path) from None
    except ValueError as error:
        raise DataError(f"not JSON: {error}"[:200], where=path) from None
    if is_geojson(data):
        return graph_of_features(data, path, notes)
    _check_nodes(data, path)
    try:
        links = data.get("edges", data.get("links", []))
        _check_links(links, data["nodes"], path)
        graph = nx.Graph(nx.node_link_graph({**data, "edges": links}, edges="edges"))
    except (nx.NetworkXError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"not node-link JSON: {error}", where=path) from None
    return _with_usual_links(graph)


def _check_nodes(data: Any, path: Path) -> None:
    """Raises DataError if the nodes of node-link JSON have no names of their own."""
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        rule = "node-link JSON has a list `nodes`, GeoJSON is a FeatureCollection"
        raise DataError(rule, where=path)
    seen: set[str] = set()
    for index, node in enumerate(data["nodes"]):
        name = node.get("id") if isinstance(node, dict) else None
        if name is None or repr(name) in seen:
            raise DataError(
                "every node needs an `id` of its own",
                where=f"{path}, node {index}",
                value=name,
            )
        seen.add(repr(name))


def _check_links(
    links: Any,
    nodes: list[dict[str, Any]],
    path: Path,
) -> None:
    """Raises DataError if a link joins something that is no node."""
    names = {repr(node["id"]) for node in nodes}
    for index, link in enumerate(links):
        if not {repr(link["source"]), repr(link["target"])} <= names:
            rule = "source and target must be nodes of the file"
            raise DataError(
                rule,
                where=f"{path}, link {index}",
                value=link,
            )


def _read_graphml(path: Path) -> nx.Graph:
    text = _content(path)
    if b"\0" in text:  # UTF-16 could hide the next check's words
        raise DataError("GraphML must be UTF-8", where=path)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # entity expansion is refused, not limited
        raise DataError("GraphML with a document type or entities is refused", where=path)
    try:
        graph = nx.Graph(nx.parse_graphml(text))
    except (
        nx.NetworkXError,
        ElementTree.ParseError,
        AttributeError,
        LookupError,
        OverflowError,
        TypeError,
        ValueError,
    ) as error:
        raise DataError(f"not GraphML: {error}", where=path) from None
    return _with_usual_links(graph)


def _with_usual_links(graph: nx.Graph) -> nx.Graph:
    """The graph with attributes of its links under the names that netsim uses."""
    for _, _, data in graph.edges(data=True):
        for alias, name in _LINK_ALIASES.items():
            if alias in data:
                data.setdefault(name, data[alias])
    return graph
