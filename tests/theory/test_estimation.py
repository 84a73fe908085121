"""Constants estimated from gradients, on a problem whose constants are known."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.errors import InputError
from netsim.theory.estimation import estimate_convexity, estimate_dispersion, estimate_smoothness

CURVATURE = np.array([0.2, 0.7, 1.5])


def descent(rounds=40, step=0.5):
    w = np.empty((rounds, 3))
    w[0] = [3.0, -2.0, 1.0]
    for t in range(1, rounds):
        w[t] = w[t - 1] - step * CURVATURE * w[t - 1]
    return w, CURVATURE * w, 0.5 * (CURVATURE * w**2).sum(1)


def test_smoothness_and_convexity_of_a_quadratic():
    w, g, loss = descent()
    assert 0.2 <= estimate_smoothness(w, g) <= 1.5
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 3))
    assert estimate_smoothness(points, CURVATURE * points) == pytest.approx(1.5, rel=0.02)
    # The lowest loss seen stands in for the optimum and biases xi up.
    assert 0.2 <= estimate_convexity((g**2).sum(1), loss) <= 0.35


def test_dispersion_dominates_every_ue_seen():
    rng = np.random.default_rng(1)
    ue, whole = rng.random((6, 4)) * 5, rng.random(6)
    ue[2, 3] = np.nan
    z1 = estimate_dispersion(ue, whole, slope=0.1)
    assert np.all((ue <= z1 + 0.1 * whole[:, None] + 1e-12) | np.isnan(ue))
    assert estimate_dispersion(np.zeros((2, 2)), np.ones(2)) == 0.0


def test_too_little_to_see():
    assert np.isnan(estimate_smoothness(np.ones((3, 2)), np.ones((3, 2))))
    assert np.isnan(estimate_convexity([1.0], [0.5]))
    assert np.isnan(estimate_dispersion(np.full((1, 2), np.nan), [1.0]))
    with pytest.raises(InputError, match="shape"):
        estimate_convexity([1.0, 2.0], [0.5])
    with pytest.raises(InputError, match=r"\[T, K\]"):
        estimate_dispersion(np.ones(3), np.ones(3))
