"""Writes a site graph as GraphML, node-link JSON, CSV or GeoJSON, by the suffix; `files` reads it
back.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from netsim.errors import DataError, OutputError
from netsim.topology.files import file_origin
from netsim.topology.geojson import features_of_graph

SUFFIXES = (".graphml", ".json", ".csv", ".geojson")


def write_sites(graph: nx.Graph, path: Path) -> None:
    """Write the graph; nodes carry `x_m` and `y_m`, links `rate_bps` and `delay_s`.

    CSV holds no links; GeoJSON needs the graph's origin. Raises DataError or OutputError.
    """
    writers = {".graphml": _graphml, ".json": _json, ".csv": _csv, ".geojson": _geojson}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise DataError(
            f"the suffix must be one of {', '.join(SUFFIXES)}", where=path, value=path.suffix
        )
    text = writer(graph, path)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=path) from None


def _graphml(graph: nx.Graph, path: Path) -> str:
    return "\n".join(nx.generate_graphml(graph, prettyprint=True)) + "\n"


def _json(graph: nx.Graph, path: Path) -> str:
    return json.dumps(nx.node_link_data(graph, edges="edges"), indent=1) + "\n"


def _csv(graph: nx.Graph, path: Path) -> str:
    if graph.number_of_edges():
        raise DataError(
            "a CSV file holds sites only; links need .graphml, .json or .geojson",
            where=path,
            value=f"{graph.number_of_edges()} links",
        )
    columns: dict[str, Any] = {"site": None, "x_m": None, "y_m": None}
    for _, data in graph.nodes(data=True):
        columns |= dict.fromkeys(data)
    buffer = io.StringIO()
    table = csv.DictWriter(buffer, list(columns), restval="", lineterminator="\n")
    table.writeheader()
    for name, data in graph.nodes(data=True):
        table.writerow({"site": name, **data})
    return buffer.getvalue()


def _geojson(graph: nx.Graph, path: Path) -> str:
    origin = file_origin(graph)
    if origin is None:
        raise DataError(
            "GeoJSON is in degrees: the sites need an origin (latitude, longitude)", where=path
        )
    positions = np.array(
        [[d["x_m"], d["y_m"]] for _, d in graph.nodes(data=True)], dtype=np.float64
    )
    return json.dumps(features_of_graph(graph, positions, origin), indent=1) + "\n"
