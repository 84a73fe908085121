"""The explicit networks themselves: cells, UEs in them, and the far field, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from netsim.verification.law import Effort
from netsim.verification.networks import SITES, Network, networks


@pytest.fixture(scope="module")
def some() -> tuple[Network, ...]:
    return networks(Effort(networks=4, seed=9))


def test_cells_tile_the_torus(some: tuple[Network, ...]) -> None:
    for network in some:
        assert network.areas_m2.sum() == pytest.approx(network.side_m**2, rel=1e-12)
        assert network.areas_m2.min() > 0
    assert len({len(network.sites_m) for network in some}) > 1  # a Poisson number
    assert some[0].spacing_m == pytest.approx(1000)


def test_areas_and_radii_against_many_points(some: tuple[Network, ...]) -> None:
    network = some[0]
    tree = cKDTree(network.sites_m, boxsize=network.side_m)
    points = np.random.default_rng(1).uniform(0, network.side_m, (400_000, 2))
    share = np.bincount(tree.query(points)[1], minlength=len(network.sites_m)) / len(points)
    expected = network.areas_m2 / network.side_m**2
    assert np.all(np.abs(share - expected) < 5 * np.sqrt(expected / len(points)))
    radius = network.cell_radius_m(64)
    # half of the mean squared radius is the area over 2 pi
    assert np.pi * (radius**2).mean() == pytest.approx(network.areas_m2.mean(), rel=0.02)


def test_each_ue_is_uniform_in_its_own_cell(some: tuple[Network, ...]) -> None:
    network = some[1]
    tree = cKDTree(network.sites_m, boxsize=network.side_m)
    draws = np.array([network.ue_per_cell_m(f"test{n}") for n in range(400)])
    assert (tree.query(draws)[1] == np.arange(len(network.sites_m))).all()
    # mean place in the largest cell against points thrown at random
    cell = int(network.areas_m2.argmax())
    points = np.random.default_rng(2).uniform(0, network.side_m, (400_000, 2))
    points = points[tree.query(points)[1] == cell]
    half = network.side_m / 2
    thrown, drawn = (
        (p - network.sites_m[cell] + half) % network.side_m - half for p in (points, draws[:, cell])
    )
    assert len(thrown) > 1000
    np.testing.assert_allclose(
        drawn.mean(axis=0), thrown.mean(axis=0), atol=5 * thrown.std() / np.sqrt(400)
    )
    assert (drawn**2).sum(axis=1).mean() == pytest.approx((thrown**2).sum(axis=1).mean(), rel=0.15)


def test_far_field_is_what_lies_beyond_the_square(some: tuple[Network, ...]) -> None:
    network, exponent = some[0], 3.5
    half = network.side_m / 2
    generator = np.random.default_rng(3)
    angle, u = generator.random(200_000) * np.pi / 4, generator.random(200_000)
    nearest = half / np.cos(angle)  # radius r beyond with density r^(1 - a), by its inverse law
    weight = nearest ** (2 - exponent) / (exponent - 2)
    expected = 8 * np.pi / 4 * weight.mean() * SITES / network.side_m**2
    assert u.shape == weight.shape
    assert network.far_field(exponent) == pytest.approx(expected, rel=1e-3)


def test_networks_belong_to_seed_and_index() -> None:
    few, many = networks(Effort(networks=2, seed=5)), networks(Effort(networks=3, seed=5))
    assert np.array_equal(few[1].sites_m, many[1].sites_m)
    assert np.array_equal(few[1].ue_per_cell_m("x"), few[1].ue_per_cell_m("x"))
    assert not np.array_equal(few[1].ue_per_cell_m("x"), few[1].ue_per_cell_m("y"))
    near = few[0].scaled(0.1, "near")
    np.testing.assert_allclose(near.areas_m2, few[0].areas_m2 / 100)
