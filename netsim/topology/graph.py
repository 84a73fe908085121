"""The site graph: a networkx graph whose nodes carry `x_m` and `y_m`, in the order of the sites."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

from netsim.projection import Origin
from netsim.units import FloatArray

Window = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max, m."""


def site_graph(positions_m: FloatArray) -> nx.Graph:
    """A graph of sites numbered in the order of `positions_m` [S, 2], without links."""
    graph = nx.Graph()
    for index, (x, y) in enumerate(positions_m):
        graph.add_node(
            index,
            x_m=float(x),
            y_m=float(y),
        )
    return graph


def site_positions_m(graph: nx.Graph) -> FloatArray:
    """Positions of the sites, in the graph's order. [S, 2], m."""
    places = []
    for _, data in graph.nodes(data=True):
        place = (data["x_m"], data["y_m"])
        places.append(place)
    return np.array(places, dtype=np.float64).reshape(-1, 2)


def central_site(positions_m: FloatArray) -> int:
    """Index of the site nearest to the mean position."""
    offset = positions_m - positions_m.mean(axis=0)
    return int(np.argmin((offset**2).sum(axis=1)))


def core_sites(graph: nx.Graph) -> list[int]:
    """Indices of the sites whose attribute `core` is true."""
    marked = []
    for index, (_, data) in enumerate(graph.nodes(data=True)):
        if _is_true(data.get("core")):
            marked.append(index)
    return marked


def _is_true(value: Any) -> bool:
    return str(value).lower() in ("true", "1")


def graph_origin(graph: nx.Graph) -> Origin | None:
    """The place of the local (0, 0) that the graph keeps, if it has one in range."""
    try:
        lat = float(graph.graph["origin_lat"])
        lon = float(graph.graph["origin_lon"])
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    in_range = abs(lat) <= 90 and abs(lon) <= 180
    return Origin(lat, lon) if in_range else None


def keep_origin(graph: nx.Graph, origin: Origin) -> None:
    """Note in the graph where on Earth its (0, 0) is."""
    graph.graph["origin_lat"] = origin.lat
    graph.graph["origin_lon"] = origin.lon
