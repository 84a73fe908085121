"""Writes a site graph as GraphML, node-link JSON, CSV or GeoJSON, by the suffix of the file.

`files.py` reads it back.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import networkx as nx

from netsim.errors import DataError, OutputError
from netsim.plain import check_may_be_replaced
from netsim.topology.geojson import features_of_graph
from netsim.topology.graph import graph_origin, site_positions_m
from netsim.traces.tables.formulas import hidden_formula

SUFFIXES = (".graphml", ".json", ".csv", ".geojson")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)


def write_sites(graph: nx.Graph, path: Path) -> None:
    """Write the graph; nodes carry `x_m` and `y_m`, links `rate_bps` and `delay_s`.

    CSV holds no links; GeoJSON needs the graph's origin. Raises DataError or OutputError.
    """
    text = _text(graph, path)
    check_may_be_replaced(path)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=path) from None


def _text(graph: nx.Graph, path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix == ".graphml":
        try:
            return "\n".join(nx.generate_graphml(graph, prettyprint=True)) + "\n"
        except (nx.NetworkXError, TypeError, ValueError):
            rule = "GraphML holds text, numbers and truth values only; .json holds lists, too"
            raise DataError(rule, where=path) from None
    if suffix == ".json":
        return json.dumps(nx.node_link_data(graph, edges="edges"), indent=1) + "\n"
    if suffix == ".csv":
        return _csv(graph, path)
    if suffix == ".geojson":
        return _geojson(graph, path)
    rule = f"the suffix must be one of {', '.join(SUFFIXES)}"
    raise DataError(rule, where=path, value=path.suffix)


def _csv(graph: nx.Graph, path: Path) -> str:
    if graph.number_of_edges():
        raise DataError(
            "a CSV file holds sites only; links need .graphml, .json or .geojson",
            where=path,
            value=f"{graph.number_of_edges()} links",
        )
    rows = [{"site": name, **data} for name, data in graph.nodes(data=True)]
    columns: dict[str, Any] = {"site": None, "x_m": None, "y_m": None}
    for row in rows:
        columns |= dict.fromkeys(row)
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(map(hidden_formula, columns))
    cells = [_cells([row.get(column, "") for row in rows]) for column in columns]
    table.writerows(zip(*cells, strict=True))
    return buffer.getvalue()


def _cells(values: list[Any]) -> list[Any]:
    """A column of a CSV file: one of numbers, as text too, as it stands; of others, no formulas."""
    if all(_is_number(value) for value in values):
        return values
    return [hidden_formula(value) for value in values]


def _is_number(value: Any) -> bool:
    """A number, also as text, or nothing."""
    return not isinstance(value, str) or not value or _NUMBER.fullmatch(value) is not None


def _geojson(graph: nx.Graph, path: Path) -> str:
    origin = graph_origin(graph)
    if origin is None:
        rule = "GeoJSON is in degrees: the sites need an origin (latitude, longitude)"
        raise DataError(rule, where=path)
    features = features_of_graph(graph, site_positions_m(graph), origin)
    return json.dumps(features, indent=1) + "\n"
