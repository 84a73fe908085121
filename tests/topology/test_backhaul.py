"""Generated links, fastest paths by hand, and links that cannot be used."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from netsim.errors import DataError
from netsim.topology.backhaul import backhaul_paths
from netsim.topology.deployment import poisson_sites
from netsim.topology.graph import central_site, site_graph
from netsim.topology.links import FIBRE_M_S, with_links


def _chain() -> nx.Graph:
    """a - b - c at 1 Gbit/s with 1 ms each, and a slow short cut a - c of 100 Mbit/s with 0.5
    ms.
    """
    graph = nx.Graph()
    for name, x in (("a", 0.0), ("b", 1e3), ("c", 2e3)):
        graph.add_node(name, x_m=x, y_m=0.0)
    graph.add_edge("a", "b", rate_bps=1e9, delay_s=1e-3)
    graph.add_edge("b", "c", rate_bps=1e9, delay_s=1e-3)
    graph.add_edge("a", "c", rate_bps=1e8, delay_s=0.5e-3)
    return graph


def test_the_fastest_path_depends_on_the_payload() -> None:
    found = backhaul_paths(_chain(), core=2)
    assert found.path(0, 1e3) == [0, 2]  # 10 us + 0.5 ms by the short cut
    assert found.delay_s(1e3) == pytest.approx([0.51e-3, 1.001e-3, 0.0])
    assert found.path(0, 1e8) == [0, 1, 2]  # 2 (100 + 1) ms against 1000.5 ms
    assert found.delay_s(1e8) == pytest.approx([0.202, 0.101, 0.0])
    assert found.path(2, 1e8) == [2]


@pytest.mark.parametrize("kind", ["star", "tree", "mesh"])
def test_generated_links_join_everybody(kind: str) -> None:
    deployment = poisson_sites(density_per_km2=1.0, window_km=8.0, seed=3)
    count = len(deployment.positions_m)
    graph = with_links(deployment.graph, kind, rate_bps=5e9, hop_delay_s=2e-4)
    found = backhaul_paths(graph)
    assert found.core == central_site(deployment.positions_m)
    assert graph.number_of_edges() >= count - 1
    if kind != "mesh":
        assert graph.number_of_edges() == count - 1
    if kind == "star":
        length = np.hypot(*(deployment.positions_m - deployment.positions_m[found.core]).T)
        expected = np.where(length > 0, 1e6 / 5e9 + 2e-4 + length / FIBRE_M_S, 0.0)
        np.testing.assert_allclose(found.delay_s(1e6), expected)
    assert deployment.graph.number_of_edges() == 0  # the input is left alone


def test_the_tree_is_a_minimum_spanning_tree() -> None:
    deployment = poisson_sites(density_per_km2=1.0, window_km=7.0, seed=8)
    positions = deployment.positions_m
    whole = nx.complete_graph(len(positions))
    for a, b in whole.edges:
        whole.edges[a, b]["weight"] = float(np.hypot(*(positions[a] - positions[b])))
    best = sum(d["weight"] for _, _, d in nx.minimum_spanning_edges(whole, data=True))
    tree = with_links(deployment.graph, "tree", hop_delay_s=0.0)
    assert sum(d["delay_s"] for _, _, d in tree.edges(data=True)) * FIBRE_M_S == pytest.approx(best)


@pytest.mark.parametrize("kind", ["star", "tree", "mesh"])
@pytest.mark.parametrize(
    "places",
    [
        [[0, 0]],
        [[0, 0], [5, 0]],
        [[0, 0], [0, 7], [0, 3]],
        [[0, 0], [0, 0], [4, 4], [4, 4], [9, 0], [9, 0]],
    ],
)
def test_awkward_places(kind: str, places: list[list[int]]) -> None:
    graph = with_links(site_graph(np.array(places, dtype=float)), kind)
    assert backhaul_paths(graph).delay_s(1.0).shape == (len(places),)


def test_the_core_may_be_marked() -> None:
    graph = _chain()
    graph.nodes["a"]["core"] = "True"
    assert backhaul_paths(graph).core == 0
    graph.nodes["b"]["core"] = True
    with pytest.raises(DataError, match="at most one site may be the core"):
        backhaul_paths(graph)
    with pytest.raises(DataError, match="core must name one of the 3 sites"):
        backhaul_paths(graph, core=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"rate_bps": 0.0},
            r"x\.json, link a - b: rate_bps: must be a positive finite number \(found 0\.0\)",
        ),
        ({"rate_bps": "fast"}, "rate_bps: must be a positive"),
        ({"rate_bps": float("nan")}, "rate_bps: must be a positive"),
        ({"rate_bps": None}, "rate_bps: must be a positive"),
        ({"delay_s": -1.0}, "delay_s: must be a finite number, at least 0"),
        ({"delay_s": float("inf")}, "delay_s"),
    ],
)
def test_bad_links(change: dict[str, object], message: str) -> None:
    graph = _chain()
    graph.edges["a", "b"].update(change)
    with pytest.raises(DataError, match=message):
        backhaul_paths(graph, where="x.json")


def test_disconnected() -> None:
    graph = _chain()
    graph.remove_edges_from([("a", "b"), ("b", "c")])
    with pytest.raises(
        DataError,
        match="x: disconnected: 1 of 3 sites have no path to the core 'c', the first is 'b'",
    ):
        backhaul_paths(graph, core=2, where="x")


def test_unknown_kind() -> None:
    with pytest.raises(DataError, match="must be one of star, tree, mesh"):
        with_links(_chain(), "ring")
