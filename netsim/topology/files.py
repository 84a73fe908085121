"""Site files: CSV with columns x_m and y_m, node-link JSON, GraphML. Untrusted input."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import polars as pl

from netsim.errors import DataError

MAX_BYTES = 256 * 2**20


def read_sites(path: Path) -> nx.Graph:
    """The graph of a site file; every node has finite `x_m` and `y_m`.

    Raises DataError naming the file, the site and the rule.
    """
    if not path.is_file():
        raise DataError("no such site file", where=path)
    if path.stat().st_size > MAX_BYTES:
        raise DataError(
            f"a site file may have at most {MAX_BYTES} bytes", where=path, value=path.stat().st_size
        )
    readers = {".csv": _read_csv, ".json": _read_json, ".graphml": _read_graphml}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"the suffix must be one of {', '.join(readers)}", where=path, value=path.suffix)
    return _checked(reader(path), path)


def _read_csv(path: Path) -> nx.Graph:
    try:
        table = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"not a readable CSV file: {error}", where=path) from None
    missing = {"x_m", "y_m"} - set(table.columns)
    if missing:
        raise DataError(
            f"column {' and '.join(sorted(missing))} is missing; a site file has x_m and y_m, in metres",
            where=path,
            value=table.columns,
        )
    graph = nx.Graph()
    for line, row in enumerate(table.iter_rows(named=True), start=2):
        node = row.get("site") or line - 2
        if node in graph:
            raise DataError("site names must differ", where=f"{path}, line {line}", value=node)
        graph.add_node(node, **row)
    return graph


def _read_json(path: Path) -> nx.Graph:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", where=path) from None
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        raise DataError("node-link JSON has a list `nodes`", where=path)
    seen: set[str] = set()
    for index, node in enumerate(data["nodes"]):
        name = node.get("id") if isinstance(node, dict) else None
        if name is None or repr(name) in seen:
            raise DataError("every node needs an `id` of its own", where=f"{path}, node {index}", value=name)
        seen.add(repr(name))
    try:
        return nx.node_link_graph(data, edges="edges" if "edges" in data else "links")
    except (nx.NetworkXError, KeyError, TypeError) as error:
        raise DataError(f"not node-link JSON: {error}", where=path) from None


def _read_graphml(path: Path) -> nx.Graph:
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # entity expansion is refused, not limited
        raise DataError("GraphML with a document type or entities is refused", where=path)
    try:
        return nx.Graph(nx.parse_graphml(text))
    except (nx.NetworkXError, ElementTree.ParseError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"not GraphML: {error}", where=path) from None


def _checked(graph: nx.Graph, path: Path) -> nx.Graph:
    if len(graph) == 0:
        raise DataError("has no sites", where=path)
    for node, data in graph.nodes(data=True):
        for key in ("x_m", "y_m"):
            data[key] = _coordinate(data.get(key), key, node, path)
    return graph


def _coordinate(value: Any, key: str, node: Any, path: Path) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError("must be a finite number of metres", where=f"{path}, site {node}, {key}", value=value)
    return number
