"""Dual ascent (11): the participation constraint is met to within its bound."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.allocation.participation import (
    check_participation,
    cost_range,
    dual_ascent,
    dual_step,
)
from netsim.allocation.subscription import solve_subscription
from netsim.errors import InputError


def run(gradient, v, s, step, rounds, rng, noise=0.0, admissible=None):
    """Rounds of (11) and (12): participation rates [K, N], M, the last step and its growth per
    UE.
    """
    count, modules = gradient.shape
    dual, beta = np.zeros((count, modules)), np.zeros((count, modules), dtype=bool)
    times, spread, first = np.zeros((count, modules)), np.zeros(count), None
    for t in range(rounds):
        g = gradient + noise * rng.normal(size=gradient.shape)
        spread = cost_range(g, spread)
        varsigma = dual_step(spread, rounds) if step is None else np.full(count, step)
        first = varsigma if t == 0 else first
        present = np.ones(count, bool) if admissible is None else admissible[t]
        beta = solve_subscription(g - dual, s) & present[:, None]
        dual = dual_ascent(dual, beta, v, varsigma[:, None], admissible=present)
        times += beta
    seen = rounds if admissible is None else admissible.sum(axis=0)[:, None]
    return times / seen, spread, varsigma, varsigma / first


@pytest.mark.parametrize("step", [0.05, 0.5, 3.0, None])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_shortfall_within_its_bound(step, noise, shortfall_bound):
    """Random systems, 60 UEs at a time, participation rates up to the largest possible."""
    rng = np.random.default_rng(0)
    for rounds in (20, 50, 400):
        for modules in (2, 4, 6):
            s = int(rng.integers(1, modules))
            v = rng.dirichlet(np.ones(modules)) * rng.choice([0.5, 1.0]) * s
            v = check_participation(np.minimum(v, 1.0), s, modules)
            gradient = rng.normal(size=(60, modules)) + rng.choice([-2.0, 0.0, 1.5], (60, 1))
            rates, spread, varsigma, growth = run(gradient, v, s, step, rounds, rng, noise)
            shortfall = np.maximum(v - rates, 0).max(axis=1)
            bound = shortfall_bound(spread, varsigma, rounds, modules, growth=growth)
            assert np.all(shortfall <= bound + 1e-12)
            assert rates.sum(axis=1).max() <= s + 1e-12


def test_an_earlier_bound_is_exceeded_at_full_participation(shortfall_bound):
    """(M + varsigma) / (varsigma T): with sum v = s = 1 the debt outgrows it
    (docs/model/switching.md).
    """
    v, g = np.array([[0.99309352, 0.00690648]]), np.array([[-0.57473035, -0.62761007]])
    rates, spread, varsigma, _ = run(g, v[0], 1, 3.0, 600, np.random.default_rng(0))
    shortfall = np.maximum(v - rates, 0).max()
    assert shortfall > 1.8 * (spread[0] + 3.0) / (3.0 * 600)
    assert shortfall <= shortfall_bound(spread, varsigma, 600, 2)[0]


def test_default_step_meets_the_paper_s_constraint():
    """N = 4, s = 1, v = 0.1: after 400 rounds every module has its tenth, to about M / sqrt(T)."""
    rng = np.random.default_rng(1)
    rates, *_ = run(
        -rng.uniform(0.2, 1.0, (100, 4)), np.full(4, 0.1), 1, None, 400, rng, noise=0.05
    )
    assert rates.min() > 0.1 - 0.06
    without, *_ = run(-rng.uniform(0.2, 1.0, (100, 4)), np.zeros(4), 1, None, 400, rng)
    assert without.min() == 0.0


def test_a_module_that_costs_more_than_it_brings_waits_for_its_dual(shortfall_bound):
    """Every gradient positive: M counts them, because nu has to climb above g first (row mu =
    5).
    """
    rates, spread, varsigma, _ = run(
        np.full((1, 2), 3.0), np.full(2, 0.1), 1, 0.05, 200, np.random.default_rng(2)
    )
    assert spread[0] == 3.0
    assert rates.max() == 0.0
    assert shortfall_bound(spread, varsigma, 200, 2)[0] >= 0.1
    later, *_ = run(np.full((1, 2), 3.0), np.full(2, 0.1), 1, 0.05, 3000, np.random.default_rng(2))
    assert later.min() > 0.07


def test_rounds_without_admission_do_not_count(shortfall_bound):
    rng = np.random.default_rng(3)
    present = rng.random((600, 30)) < 0.4
    rates, spread, varsigma, _ = run(
        -rng.uniform(0.2, 1.0, (30, 4)), np.full(4, 0.15), 1, 0.1, 600, rng, admissible=present
    )
    bound = shortfall_bound(spread, varsigma, present.sum(axis=0), 4)
    assert np.all(np.maximum(0.15 - rates, 0).max(axis=1) <= bound)
    dual = dual_ascent(
        np.ones((2, 1)), np.zeros((2, 1)), [0.5], 1.0, admissible=np.array([True, False])
    )
    np.testing.assert_array_equal(dual, [[1.5], [1.0]])


def test_dual_is_never_negative():
    dual = dual_ascent(np.array([[0.01, 0.2]]), np.array([[True, False]]), [0.1, 0.1], 0.05)
    np.testing.assert_allclose(dual, [[0.0, 0.205]])


@pytest.mark.parametrize(
    ("participation", "s", "named"),
    [
        ([0.5, 0.6], 1, "sum to at most"),
        ([-0.1, 0.2], 1, r"\[0, 1\]"),
        (1.2, 3, r"\[0, 1\]"),
        (float("nan"), 1, r"\[0, 1\]"),
        (0.1, 0, "at least 1"),
        ([0.1, 0.1, 0.1], 1, "one number or 2"),
    ],
)
def test_impossible_participation_is_refused(participation, s, named):
    with pytest.raises(InputError, match=named):
        check_participation(participation, s, 2)


def test_the_paper_s_participation_is_possible():
    np.testing.assert_array_equal(check_participation(0.1, 1, 4), np.full(4, 0.1))


def test_infinite_costs_say_nothing_of_the_range() -> None:
    gradient = np.array([[np.inf, np.inf], [1.0, np.inf], [3.0, 1.0], [-np.inf, -2.0]])
    assert cost_range(gradient, 0.5).tolist() == [0.5, 1.0, 3.0, 0.5]
