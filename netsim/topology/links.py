"""Generated backhaul links: a star, a tree of least length, or a mesh of neighbours."""

from __future__ import annotations

import networkx as nx
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay, QhullError

from netsim.errors import DataError
from netsim.topology.backhaul import check_core
from netsim.topology.graph import central_site, site_positions_m
from netsim.units import FloatArray, IntArray

KINDS = ("star", "tree", "mesh")
FIBRE_M_S = 2e8
"""Speed of light in fibre, m/s."""
_LEAST_LENGTH_M = 1e-9  # the sparse tree search takes a stored zero for no edge


def with_links(
    graph: nx.Graph,
    kind: str,
    *,
    core: int | None = None,
    rate_bps: float = 10e9,
    hop_delay_s: float = 1e-4,
) -> nx.Graph:
    """A copy of the graph with links of kind star, tree (least length) or mesh (Delaunay).

    Delay of a link is its length over the speed of light in fibre, plus `hop_delay_s` for the
    equipment. The core (default: the most central site) is marked by its attribute `core`. Raises
    DataError for an unknown kind or core.
    """
    positions_m = site_positions_m(graph)
    core = central_site(positions_m) if core is None else core
    check_core(core, len(positions_m), "backhaul")
    pairs = _pairs(kind, positions_m, core)
    linked = nx.Graph(graph)
    linked.remove_edges_from(list(graph.edges))
    names = list(graph)
    for index, name in enumerate(names):
        linked.nodes[name]["core"] = index == core
    for a, b in pairs.reshape(-1, 2).tolist():
        length_m = float(np.hypot(*(positions_m[a] - positions_m[b])))
        delay_s = hop_delay_s + length_m / FIBRE_M_S
        linked.add_edge(
            names[a],
            names[b],
            rate_bps=rate_bps,
            delay_s=delay_s,
        )
    return linked


def _pairs(
    kind: str,
    positions_m: FloatArray,
    core: int,
) -> IntArray:
    """Sites that a link joins. [E, 2]."""
    if kind == "star":
        others = [site for site in range(len(positions_m)) if site != core]
        return np.array([[core, site] for site in others], dtype=np.int64)
    if kind == "tree":
        return _spanning_pairs(positions_m, mesh_pairs(positions_m))
    if kind == "mesh":
        return mesh_pairs(positions_m)
    raise DataError(
        f"must be one of {', '.join(KINDS)}",
        where="backhaul",
        value=kind,
    )


def mesh_pairs(positions_m: FloatArray) -> IntArray:
    """Delaunay neighbours. [S, 2] -> [E, 2].

    Sites on a line become a chain; sites at one place are all joined to the first of them.
    """
    unique, first, place = np.unique(
        positions_m,
        axis=0,
        return_index=True,
        return_inverse=True,
    )
    if len(unique) == len(positions_m):
        return _neighbours(positions_m)
    first_of = first[place.reshape(-1)]
    twins = np.flatnonzero(first_of != np.arange(len(positions_m)))
    to_first = np.column_stack([first_of[twins], twins])
    between = first[_neighbours(unique)].reshape(-1, 2)
    return np.vstack([between, to_first]).astype(np.int64)


def _neighbours(positions_m: FloatArray) -> IntArray:
    """Delaunay neighbours of sites at different places. [E, 2]."""
    try:
        simplices = Delaunay(positions_m).simplices
    except (QhullError, ValueError):  # fewer than three sites, or all on one line
        axis = int(np.argmax(np.ptp(positions_m, axis=0)))
        order = np.argsort(positions_m[:, axis], kind="stable")
        return np.column_stack([order[:-1], order[1:]]).astype(np.int64)
    sides = [
        simplices[:, [0, 1]],
        simplices[:, [1, 2]],
        simplices[:, [0, 2]],
    ]
    edges = np.sort(np.vstack(sides), axis=1)
    return np.unique(edges, axis=0).astype(np.int64)


def _spanning_pairs(positions_m: FloatArray, pairs: IntArray) -> IntArray:
    """Minimum spanning tree, which is a part of the Delaunay graph. [S - 1, 2]."""
    if not len(pairs):
        return pairs
    a, b = pairs.T
    length_m = np.hypot(*(positions_m[a] - positions_m[b]).T)
    length_m = np.maximum(length_m, _LEAST_LENGTH_M)
    size = (len(positions_m), len(positions_m))
    pair = (a.astype(np.int32), b.astype(np.int32))  # older scipy finds no tree of wider indices
    lengths = coo_array((length_m, pair), shape=size).tocsr()
    tree = minimum_spanning_tree(lengths).tocoo()
    return np.column_stack([tree.row, tree.col]).astype(np.int64)
