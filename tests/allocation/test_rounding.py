"""The proximal step's projection against SLSQP; systematic rounding keeps marginals and sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from netsim.allocation.rounding import project, proximal_step, systematic_rounding


def test_projection_is_the_nearest_point():
    rng = np.random.default_rng(0)
    for s in (0.5, 1, 2, 5):
        y = 2 * rng.normal(size=(20, 4)) + 0.5
        got = project(y, s)
        assert got.min() >= 0
        assert got.max() <= 1
        assert got.sum(axis=1).max() <= s + 1e-12
        for row, point in zip(got, y, strict=True):
            best = minimize(
                lambda x, point=point: ((x - point) ** 2).sum(),
                np.full(4, min(s / 4, 1.0)),
                bounds=[(0, 1)] * 4,
                constraints={"type": "ineq", "fun": lambda x, s=s: s - x.sum()},
                method="SLSQP",
                options={"ftol": 1e-12},
            )
            assert ((row - point) ** 2).sum() <= best.fun + 1e-8
    inside = np.array([[0.2, 0.3]])
    np.testing.assert_array_equal(project(inside, 1), inside)


def test_proximal_step_moves_against_the_cost():
    start = np.full((1, 3), 1 / 3)
    moved = proximal_step(start, np.array([[1.0, 0.0, -1.0]]), 0.1, 1)
    assert moved[0, 0] < 1 / 3 < moved[0, 2]
    far = proximal_step(start, np.array([[1.0, 0.0, -1.0]]), 100.0, 1)
    np.testing.assert_allclose(far, [[0, 0, 1]], atol=1e-12)


def test_systematic_rounding_keeps_marginals_and_sums():
    rng = np.random.default_rng(1)
    fraction = np.array([0.55, 0.2, 0.15, 0.1])
    taken = systematic_rounding(np.tile(fraction, (40_000, 1)), rng)
    np.testing.assert_array_equal(taken.sum(axis=1), 1)  # a whole sum is met exactly
    np.testing.assert_allclose(taken.mean(axis=0), fraction, atol=0.01)
    part = np.array([0.9, 0.6, 0.3, 0.5])
    taken = systematic_rounding(np.tile(part, (40_000, 1)), rng)
    assert set(np.unique(taken.sum(axis=1))) == {2, 3}
    np.testing.assert_allclose(taken.mean(axis=0), part, atol=0.01)
    # Independent rounding would break the row sum.
    independent = rng.random((40_000, 4)) < fraction
    assert (independent.sum(axis=1) > 1).mean() > 0.1


@pytest.mark.parametrize("s", [1, 2, 3])
def test_sum_never_above_s(s):
    rng = np.random.default_rng(2)
    fraction = project(rng.normal(size=(20_000, 5)) + 0.7, s)
    taken = systematic_rounding(fraction, rng)
    assert taken.sum(axis=1).max() <= s
    assert not taken[fraction == 0].any()
    assert taken[fraction == 1].all()


def test_rounding_of_more_ues_leaves_the_others():
    fraction = project(np.random.default_rng(3).normal(size=(50, 4)), 1)
    few = systematic_rounding(fraction[:20], np.random.default_rng(4))
    many = systematic_rounding(fraction, np.random.default_rng(4))
    np.testing.assert_array_equal(few, many[:20])
