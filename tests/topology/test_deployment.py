"""Sites: Poisson counts, nesting over density, hexagons, and UEs inside their cell."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from netsim.errors import ScenarioError
from netsim.topology.association import drop_in_cell, nearest_site
from netsim.topology.deployment import explicit_sites, hexagonal_sites, poisson_sites
from netsim.topology.graph import site_graph


def test_poisson_counts_have_the_mean_and_variance_of_a_poisson_law() -> None:
    counts = [
        len(poisson_sites(density_per_km2=2.0, window_km=5.0, seed=s).positions_m) - 1
        for s in range(400)
    ]
    assert np.mean(counts) == pytest.approx(50.0, abs=4 * np.sqrt(50 / 400))
    assert np.var(counts) == pytest.approx(50.0, rel=0.3)


def test_a_lower_density_is_a_subset_of_a_higher_one() -> None:
    sparse = poisson_sites(density_per_km2=0.7, window_km=6.0, seed=5)
    dense = poisson_sites(density_per_km2=3.0, window_km=6.0, seed=5)
    assert len(sparse.positions_m) < len(dense.positions_m)
    assert np.array_equal(sparse.positions_m, dense.positions_m[: len(sparse.positions_m)])


def test_hexagons_have_their_density_and_six_neighbours() -> None:
    sites = hexagonal_sites(density_per_km2=1.0, window_km=40.0)
    assert len(sites.positions_m) / 1600 == pytest.approx(1.0, rel=0.05)
    reach = np.sort(np.sqrt((sites.positions_m**2).sum(axis=1)))
    assert reach[0] == 0
    assert np.allclose(reach[1:7], reach[1])
    assert reach[7] == pytest.approx(np.sqrt(3) * reach[1])


def test_the_graph_carries_the_positions() -> None:
    sites = poisson_sites(density_per_km2=1.0, window_km=4.0, seed=1)
    assert [
        [d["x_m"], d["y_m"]] for _, d in sites.graph.nodes(data=True)
    ] == sites.positions_m.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_ues_lie_in_their_cell_and_the_window(seed: int) -> None:
    sites = poisson_sites(density_per_km2=1.0, window_km=6.0, seed=seed)
    ues = drop_in_cell(sites, 200, seed)
    assert (nearest_site(ues, sites.positions_m) == 0).all()
    assert (np.abs(ues) <= 3000).all()


def test_more_ues_leave_the_earlier_ones_in_place() -> None:
    sites = poisson_sites(density_per_km2=1.0, window_km=6.0, seed=2)
    assert np.array_equal(drop_in_cell(sites, 30, 2), drop_in_cell(sites, 9000, 2)[:30])


def test_ues_are_uniform_over_a_square_cell() -> None:
    graph = site_graph(
        np.array([[x, y] for x in (-1e3, 0, 1e3) for y in (-1e3, 0, 1e3)], dtype=float)
    )
    ues = drop_in_cell(explicit_sites(graph), 20_000, 7)
    assert (np.abs(ues) <= 500).all()
    quadrants = np.histogram2d(ues[:, 0], ues[:, 1], bins=4)[0]
    assert quadrants.min() > 20_000 / 16 - 5 * np.sqrt(20_000 / 16)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_sites_are_enough(count: int) -> None:
    sites = explicit_sites(site_graph(np.array([[0.0, 0.0], [800.0, 0.0]])[:count]))
    assert len(drop_in_cell(sites, 10, 1)) == 10


def test_learning_site_must_exist() -> None:
    graph = nx.Graph()
    graph.add_node("a", x_m=0.0, y_m=0.0)
    with pytest.raises(
        ScenarioError, match=r"topology\.learning_site: must name one of the 1 sites \(found 4\)"
    ):
        explicit_sites(graph, learning_site=4)
