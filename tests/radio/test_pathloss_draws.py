"""Line of sight and shadowing: their frequencies, spread, autocorrelation, and stable draws."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.radio.hata import OkumuraHata
from netsim.radio.spatial import gaussian_map
from netsim.radio.tr38901 import RuralMacro, UrbanMacro, UrbanMicro
from netsim.units import to_db


def _maps(positions: np.ndarray, correlation_m: float, sites: int) -> np.ndarray:
    """[site, position]"""
    return np.stack(
        [
            gaussian_map(positions, correlation_m=correlation_m, seed=4, name="test", site=s)
            for s in range(sites)
        ]
    )


@pytest.mark.parametrize("correlation_m", [10.0, 37.0, 120.0])
def test_autocorrelation_is_exponential(correlation_m: float) -> None:
    lags = np.array([0.0, 0.1, 0.5, 1.0, 2.0, 4.0]) * correlation_m
    along_x, along_y = np.column_stack([lags, 0 * lags]), np.column_stack([0 * lags, lags])
    for positions in (along_x, along_y, along_x + 7_000.0):
        z = _maps(positions, correlation_m, 1500)
        found = (z * z[:, :1]).mean(axis=0)
        error = np.sqrt((1 + np.exp(-lags / correlation_m) ** 2) / 1500)
        assert np.all(np.abs(found - np.exp(-lags / correlation_m)) < 4 * error)


def test_maps_are_standard_normal() -> None:
    z = _maps(np.array([[120.0, 40.0]]), 50.0, 3000).ravel()
    assert z.mean() == pytest.approx(0, abs=4 / np.sqrt(3000))
    assert z.std() == pytest.approx(1, abs=4 / np.sqrt(2 * 3000))
    assert (z < -1.6449).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 3000))
    assert (z > 1.6449).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 3000))


@pytest.mark.parametrize(
    ("model", "distance", "los_std", "nlos_std"),
    [
        (UrbanMacro(), 150.0, 4.0, 6.0),
        (UrbanMicro(), 100.0, 4.0, 7.82),
        (RuralMacro(), 500.0, 4.0, 8.0),
        (RuralMacro(), 1000.0, 6.0, 8.0),
    ],
)
def test_shadowing_and_line_of_sight_over_sites(
    model, distance: float, los_std: float, nlos_std: float
) -> None:
    """One UE and thousands of sites at one distance: every link has maps of its own."""
    count = 1500
    angle = np.linspace(0, 2 * np.pi, count)
    sites = distance * np.column_stack([np.cos(angle), np.sin(angle)])
    loss = -to_db(model.link_gain(np.zeros((1, 2)), sites, seed=2)[0])
    d = np.full(1, distance)
    los = np.array(
        [model.line_of_sight(np.zeros((1, 2)), d, seed=2, site=s)[0] for s in range(count)]
    )
    p = float(model.los_probability(d)[0])
    assert los.mean() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / count))
    for state, median, std in (
        (los, model.los_loss_db(d), los_std),
        (~los, model.nlos_loss_db(d), nlos_std),
    ):
        n = state.sum()
        assert loss[state].mean() == pytest.approx(float(median[0]), abs=4 * std / np.sqrt(n))
        assert loss[state].std() == pytest.approx(std, abs=4 * std / np.sqrt(2 * n))


def test_line_of_sight_has_the_table_correlation_distance() -> None:
    """Two places at one distance from the site and 50 m apart agree as two normals of correlation
    1/e do.
    """
    model, count, d = UrbanMacro(), 2000, 150.0
    half = np.arcsin(25.0 / d)
    ues = d * np.array([[np.cos(a), np.sin(a)] for a in (-half, half)])
    distance = np.full(2, d)
    los = np.array([model.line_of_sight(ues, distance, seed=5, site=s) for s in range(count)])
    p = float(model.los_probability(distance)[0])
    z = np.random.default_rng(0).standard_normal((2, 400_000))
    pair = np.stack([z[0], z[0] / np.e + np.sqrt(1 - np.e**-2) * z[1]])
    both = (pair < np.quantile(z[0], p)).all(axis=0).mean()
    assert los.all(axis=1).mean() == pytest.approx(
        both, abs=4.5 * np.sqrt(both * (1 - both) / count)
    )
    assert both > 1.5 * p**2


@pytest.mark.parametrize(
    "model",
    [UrbanMacro(), UrbanMicro(), RuralMacro(), OkumuraHata(shadowing_std_db=6.0, extrapolate=True)],
)
def test_links_belong_to_seed_site_and_place(model) -> None:
    generator = np.random.default_rng(1)
    ues, sites = generator.uniform(-2e3, 2e3, (1500, 2)), generator.uniform(-2e3, 2e3, (4, 2))
    whole = model.link_gain(ues, sites, seed=1)
    assert np.array_equal(model.link_gain(ues[:7], sites, seed=1), whole[:7])  # more UEs
    assert np.array_equal(model.link_gain(ues, sites[:2], seed=1), whole[:, :2])  # more sites
    chosen = model.link_gain(ues, sites[2:3], seed=1, site_ids=np.array([2]))
    assert np.array_equal(chosen, whole[:, 2:3])
    moved = ues.copy()
    moved[3] += 500.0
    again = model.link_gain(moved, sites, seed=1)
    assert np.array_equal(np.delete(again, 3, axis=0), np.delete(whole, 3, axis=0))
    assert not np.array_equal(model.link_gain(ues, sites, seed=2), whole)


def test_without_shadowing_only_line_of_sight_is_drawn() -> None:
    model = UrbanMacro(shadowing=False)
    ues, sites = np.column_stack([np.linspace(20, 900, 60), np.zeros(60)]), np.zeros((1, 2))
    loss = -to_db(model.link_gain(ues, sites, seed=3)[:, 0])
    los, nlos = model.los_loss_db(ues[:, 0]), model.nlos_loss_db(ues[:, 0])
    assert np.all(np.isclose(loss, los) | np.isclose(loss, nlos))
