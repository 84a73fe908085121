"""The backhaul: links between sites, and the fastest path from each site to the core node.

Links are edges of the site graph with `rate_bps` and `delay_s`. A transfer is stored and forwarded:
each link takes payload / rate + delay. The core node is one of the sites (the aggregation sits
there).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay, QhullError

from netsim.errors import DataError
from netsim.units import FloatArray, IntArray

KINDS = ("star", "tree", "mesh")
FIBRE_M_S = 2e8
"""Speed of light in fibre, m/s."""


@dataclass(frozen=True)
class Backhaul:
    """Links of S sites in the graph's order, all of them reachable from the core."""

    graph: nx.Graph
    core: int  # index of the core site

    def delay_s(self, payload_bits: float) -> FloatArray:
        """Time of a payload from each site to the core, or back: links are symmetric. Shape [S]."""
        lengths = nx.single_source_dijkstra_path_length(
            self.graph, self._names[self.core], weight=_time(payload_bits)
        )
        return np.array([lengths[name] for name in self.graph])

    def path(self, site: int, payload_bits: float) -> list[int]:
        """Indices of the sites from `site` to the core along the fastest path, both included."""
        names = nx.dijkstra_path(
            self.graph, self._names[site], self._names[self.core], weight=_time(payload_bits)
        )
        index = {name: i for i, name in enumerate(self.graph)}
        return [index[name] for name in names]

    @property
    def _names(self) -> list[Any]:
        return list(self.graph)


def backhaul(graph: nx.Graph, *, core: int | None = None, where: str = "backhaul") -> Backhaul:
    """The backhaul that the graph's links make.

    The core is the site index `core`, else the site with attribute `core` true, else the one
    nearest to the centre. Raises DataError for links without a positive rate or with a negative
    delay, a wrong core, and sites that no path joins to it.
    """
    names = list(graph)
    marked = [i for i, (_, data) in enumerate(graph.nodes(data=True)) if _is_true(data.get("core"))]
    if core is None and len(marked) > 1:
        raise DataError(
            "at most one site may be the core", where=where, value=[names[i] for i in marked]
        )
    if core is None:
        core = marked[0] if marked else central_site(_positions(graph))
    if not 0 <= core < len(names):
        raise DataError(f"core must name one of the {len(names)} sites", where=where, value=core)
    checked = nx.Graph()
    checked.add_nodes_from(names)
    for a, b, data in graph.edges(data=True):
        if a == b:
            continue
        place = f"{where}, link {a} - {b}"
        checked.add_edge(
            a,
            b,
            rate_bps=_number(data, "rate_bps", place, positive=True),
            delay_s=_number(data, "delay_s", place, positive=False),
        )
    reached = nx.node_connected_component(checked, names[core])
    lost = [name for name in names if name not in reached]
    if lost:
        raise DataError(
            f"disconnected: {len(lost)} of {len(names)} sites have no path to the core {names[core]!r}, "
            f"the first is {lost[0]!r}",
            where=where,
        )
    return Backhaul(checked, core)


def with_links(
    graph: nx.Graph,
    kind: str,
    *,
    core: int | None = None,
    rate_bps: float = 10e9,
    hop_delay_s: float = 1e-4,
) -> nx.Graph:
    """A copy of the graph with generated links of kind star, tree (least length) or mesh
    (Delaunay).

    Delay of a link is its length over the speed of light in fibre, plus `hop_delay_s` for the
    equipment. The core (default: the most central site) is marked by its attribute `core`.
    """
    positions = _positions(graph)
    core = central_site(positions) if core is None else core
    if not 0 <= core < len(positions):
        raise DataError(
            f"core must name one of the {len(positions)} sites", where="backhaul", value=core
        )
    if kind == "star":
        pairs = np.array(
            [[core, site] for site in range(len(positions)) if site != core], dtype=np.int64
        )
    elif kind == "tree":
        pairs = _spanning(positions, mesh_pairs(positions))
    elif kind == "mesh":
        pairs = mesh_pairs(positions)
    else:
        raise DataError(f"must be one of {', '.join(KINDS)}", where="backhaul", value=kind)
    linked = nx.Graph(graph)
    linked.remove_edges_from(list(graph.edges))
    names = list(graph)
    for index, name in enumerate(names):
        linked.nodes[name]["core"] = index == core
    for a, b in pairs.reshape(-1, 2).tolist():
        length = float(np.hypot(*(positions[a] - positions[b])))
        linked.add_edge(
            names[a], names[b], rate_bps=rate_bps, delay_s=hop_delay_s + length / FIBRE_M_S
        )
    return linked


def central_site(positions_m: FloatArray) -> int:
    """Index of the site nearest to the mean position."""
    return int(np.argmin(((positions_m - positions_m.mean(axis=0)) ** 2).sum(axis=1)))


def mesh_pairs(positions_m: FloatArray) -> IntArray:
    """Delaunay neighbours; sites on a line become a chain, sites at one place hang together. [E,
    2].
    """
    unique, first = np.unique(positions_m, axis=0, return_index=True)
    if len(unique) < len(positions_m):  # coincident sites are joined to the first at their place
        twin = np.unique(positions_m, axis=0, return_inverse=True)[1].reshape(-1)
        extra = [(int(first[t]), i) for i, t in enumerate(twin) if first[t] != i]
        return np.vstack(
            [first[mesh_pairs(unique)].reshape(-1, 2), np.array(extra, dtype=np.int64)]
        )
    try:
        simplices = Delaunay(positions_m).simplices
    except (QhullError, ValueError):  # fewer than three sites, or all on one line
        spread = np.ptp(positions_m, axis=0)
        order = np.argsort(positions_m[:, int(np.argmax(spread))], kind="stable")
        return np.column_stack([order[:-1], order[1:]]).astype(np.int64)
    edges = np.sort(
        np.vstack([simplices[:, [0, 1]], simplices[:, [1, 2]], simplices[:, [0, 2]]]), axis=1
    )
    return np.unique(edges, axis=0).astype(np.int64)


def _spanning(positions_m: FloatArray, pairs: IntArray) -> IntArray:
    """Minimum spanning tree; it is a part of the Delaunay graph. [S - 1, 2]."""
    if not len(pairs):
        return pairs
    length = np.hypot(*(positions_m[pairs[:, 0]] - positions_m[pairs[:, 1]]).T)
    length = np.maximum(length, 1e-9)  # a stored zero would count as no edge
    size = (len(positions_m), len(positions_m))
    tree = minimum_spanning_tree(
        coo_array((length, (pairs[:, 0], pairs[:, 1])), shape=size).tocsr()
    ).tocoo()
    return np.column_stack([tree.row, tree.col]).astype(np.int64)


def _positions(graph: nx.Graph) -> FloatArray:
    return np.array(
        [[data["x_m"], data["y_m"]] for _, data in graph.nodes(data=True)], dtype=np.float64
    )


def _time(payload_bits: float) -> Any:
    def seconds(_a: Any, _b: Any, data: dict[str, float]) -> float:
        return payload_bits / data["rate_bps"] + data["delay_s"]

    return seconds


def _number(data: dict[str, Any], key: str, where: str, *, positive: bool) -> float:
    try:
        value = float(data.get(key))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value) or value < 0 or (positive and value == 0):
        rule = (
            "must be a positive finite number"
            if positive
            else "must be a finite number, at least 0"
        )
        raise DataError(rule, where=f"{where}: {key}", value=data.get(key))
    return value


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "1")
