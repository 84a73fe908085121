"""The exact solution of (12) against linprog, the gradient in both readings, the energy of a
module.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import block_diag

from netsim.allocation.subscription import (
    module_energy_j,
    risk_gradient,
    solve_fractional_subscription,
    solve_subscription,
)
from netsim.errors import InputError
from netsim.theory.risk_bound import RiskConstants, default_constants


def test_equals_linprog_on_a_thousand_instances():
    """1,000 UEs with their own N, s and costs, as one block-diagonal program: a UE is a block."""
    rng = np.random.default_rng(0)
    costs, limits, chosen = [], [], []
    for instance in range(1000):
        n = int(rng.integers(1, 7))
        cost = rng.normal(size=(1, n)) + rng.normal()
        whole = instance % 2 == 0
        s = int(rng.integers(1, n + 1)) if whole else rng.uniform(0.2, n)
        beta = solve_subscription(cost, s) if whole else solve_fractional_subscription(cost, s)
        assert beta.sum() <= s + 1e-12
        costs.append(cost[0])
        limits.append(s)
        chosen.append(float((cost * beta).sum()))
    rows = block_diag([np.ones((1, len(cost))) for cost in costs])
    best = linprog(np.concatenate(costs), A_ub=rows, b_ub=limits, bounds=(0, 1))
    ue = np.repeat(np.arange(1000), [len(cost) for cost in costs])
    np.testing.assert_allclose(
        chosen, np.bincount(ue, weights=np.concatenate(costs) * best.x), atol=1e-12
    )


def test_never_more_than_s_and_only_what_pays():
    rng = np.random.default_rng(1)
    cost = rng.normal(size=(5000, 5))
    for s in range(7):
        beta = solve_subscription(cost, s)
        assert beta.dtype == np.bool_
        assert beta.sum(axis=1).max() <= s
        assert np.all(cost[beta] < 0)
        np.testing.assert_array_equal(beta.sum(axis=1), np.minimum((cost < 0).sum(axis=1), s))


def test_cost_of_zero_and_infinite_cost():
    beta = solve_subscription([[0.0, -0.0, 1.0], [np.inf, -1.0, -2.0]], 2)
    np.testing.assert_array_equal(beta, [[False, False, False], [False, True, True]])
    assert solve_subscription(np.empty((0, 4)), 1).shape == (0, 4)


def test_ties():
    cost = np.full((4000, 4), -1.0)
    np.testing.assert_array_equal(solve_subscription(cost, 1), np.arange(4) == np.zeros((4000, 1)))
    drawn = solve_subscription(cost, 1, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(drawn.sum(axis=1), 1)
    np.testing.assert_allclose(drawn.mean(axis=0), 0.25, atol=0.03)
    # A tie is broken, a difference never: however small it is.
    cost[:, 2] = np.nextafter(-1.0, -2.0)
    assert np.all(solve_subscription(cost, 1, rng=np.random.default_rng(2))[:, 2])
    # More UEs leave the choices of the others as they were.
    few = solve_subscription(np.full((10, 4), -1.0), 2, rng=np.random.default_rng(3))
    many = solve_subscription(np.full((20, 4), -1.0), 2, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(few, many[:10])


def test_bad_cost():
    with pytest.raises(InputError, match="NaN"):
        solve_subscription([[np.nan, 1.0]], 1)
    with pytest.raises(InputError, match="max_modules"):
        solve_subscription([[1.0]], -1)
    with pytest.raises(InputError, match="whole"):
        solve_subscription([[1.0]], 1.5)


@pytest.mark.parametrize("formulas", ["corrected", "paper"])
def test_printed_controller_prefers_the_worst_link(formulas):
    """The trap of (14): with (1 - lambda)(1 - beta) a UE subscribes to what it is least able to
    deliver.
    """
    success = np.array([[0.95, 0.8, 0.5, 0.1]])
    gradient = risk_gradient(
        success,
        0.3,
        0.0,
        constants=default_constants(formulas, 100),
        energy_price_per_j=0.01,
        formulas=formulas,
    )
    chosen = solve_subscription(gradient, 1)[0]
    assert chosen[3 if formulas == "paper" else 0]


def test_gradient_values():
    c = RiskConstants(0.8, 0.2, 0.4, 0.05)
    lam, floor, energy = np.array([[0.7]]), np.array([[0.6]]), np.array([[3.0]])
    args = {"constants": c, "energy_price_per_j": 0.02}
    corrected = -(4 * 0.2 * 0.05 / 0.8 * 0.6 + 2 * 0.4 / 0.8) * 0.7 + 0.06
    printed = -(16 * 0.2 * 0.05 / 0.8 * 0.6 + 4 * 0.4 / 0.8) * 0.3 + 0.06
    assert risk_gradient(lam, floor, energy, **args) == pytest.approx(corrected)
    assert risk_gradient(lam, floor, energy, formulas="paper", **args) == pytest.approx(printed)
    # Energy makes every module dearer, and can make none worth having.
    dear = risk_gradient(lam, floor, 100 * energy, **args)
    assert not solve_subscription(dear, 1).any()


def test_switch_gap():
    """`bound` draws a UE to the module with most to gain, `affinity` to the one that fits best."""
    gap = np.array([[0.0, 0.5]])
    args = {"constants": default_constants(), "energy_price_per_j": 0.0, "gap": gap}
    lam = np.full((1, 2), 0.8)
    assert np.ptp(risk_gradient(lam, 0.3, 0.0, **args)) == 0
    bound = risk_gradient(lam, 0.3, 0.0, switch_gap="bound", **args)
    assert bound[0, 1] - bound[0, 0] == pytest.approx(-0.04 * 0.8 * 0.5)
    assert solve_subscription(risk_gradient(lam, 0.3, 0.0, switch_gap="affinity", **args), 1)[0, 0]
    with pytest.raises(InputError, match="switch_gap"):
        risk_gradient(lam, 0.3, 0.0, switch_gap="closest", **args)


def test_module_energy():
    compute, power = np.array([0.9, 0.4]), np.array([0.2, 0.1])
    payload, rate = np.array([1e6, 4e6]), np.array([2e6, 0.0])
    own = module_energy_j(compute, power, payload, rate, 0.7)
    np.testing.assert_allclose(own, [[0.9 + 0.2 * 0.5, 0.9 + 0.2 * 2.0], [np.inf, np.inf]])
    # The common finish time does not tell modules apart.
    common = module_energy_j(compute, power, payload, None, 0.7, "common")
    np.testing.assert_allclose(common, [[1.04, 1.04], [0.47, 0.47]])
    with pytest.raises(InputError, match="switch_energy"):
        module_energy_j(compute, power, payload, None, 0.7, "marginal")
