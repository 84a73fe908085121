"""Theorem 1: the corrected bound holds where the printed one is violated; A, B, and the terms of
(6).
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from netsim.errors import InputError
from netsim.theory.risk_bound import (
    RiskConstants,
    arrival_weight,
    contraction,
    default_constants,
    error_floor,
    missing_probability,
    missing_weight,
    risk_bound,
)
from netsim.units import FloatArray

CLIENTS, ROWS, WIDTH, RIDGE = 20, 30, 6, 0.05


def gradient_error_bound(
    missing: ArrayLike,
    gradient_norm_sq: ArrayLike,
    constants: RiskConstants,
) -> FloatArray:
    """(27): E|e_n|^2 <= 4 S_n (z1 + z2 |grad F|^2). missing: S_n, any shape. Returns that shape."""
    dispersion = constants.dispersion + constants.dispersion_slope * np.asarray(gradient_norm_sq)
    return np.asarray(4.0 * np.asarray(missing) * dispersion)


def unrolled_bound(
    start_gap: ArrayLike,
    contractions: FloatArray,
    floors: FloatArray,
) -> FloatArray:
    """(6*) applied round after round: bound on the gap of each module before and after every round.

    start_gap: [N] or a number. contractions, floors: [T, N]. Returns [T + 1, N]; row 0 is
    start_gap.
    """
    a = np.atleast_2d(contractions)
    b = np.atleast_2d(floors)
    rounds, modules = a.shape
    bound = np.empty((rounds + 1, modules))
    bound[0] = start_gap
    for t in range(rounds):
        bound[t + 1] = (1.0 - a[t]) * bound[t] + b[t]
    return bound


@pytest.fixture(scope="module")
def clients():
    """20 ridge-logistic clients with different data: gradients at one point, [K, P]."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(CLIENTS, 1, WIDTH))
    x = centre + rng.normal(size=(CLIENTS, ROWS, WIDTH))
    y = np.where((x @ rng.normal(size=WIDTH) + rng.normal(size=(CLIENTS, ROWS))) > 0, 1.0, -1.0)
    w = 0.3 * rng.normal(size=WIDTH)
    slope = -y / (1 + np.exp(y * (x @ w)))
    return (slope[..., None] * x).mean(axis=1) + RIDGE * w


def mean_error(gradients, subscribed, success, draws=4000, seed=1):
    """E|e|^2 of the aggregated gradient by drawing who arrives; nobody: no update, e = grad F."""
    rng = np.random.default_rng(seed)
    received = subscribed & (rng.random((draws, len(gradients))) < success)
    count = received.sum(axis=1)
    mean = received @ gradients / np.maximum(count, 1)[:, None]
    return float((((gradients.mean(axis=0) - mean) ** 2).sum(axis=1)).mean())


QUARTER = np.arange(CLIENTS) % 4 == 0


@pytest.mark.parametrize(
    ("subscribed", "success", "printed_is_zero"),
    [
        (np.ones(CLIENTS, bool), 0.6, True),  # all subscribe, four in ten fail
        (QUARTER, 1.0, True),  # few subscribe, nobody fails
        (np.zeros(CLIENTS, bool), 1.0, True),  # nobody subscribes
        (QUARTER, 0.6, False),
    ],
)
def test_printed_27_is_zero_where_the_error_is_positive(
    clients, subscribed, success, printed_is_zero
):
    """The trap of (27): (1 - lambda)(1 - beta) is not the probability of "not received"."""
    rho = np.full(CLIENTS, 1 / CLIENTS)
    whole = (clients.mean(axis=0) ** 2).sum()
    z1 = ((clients**2).sum(axis=1) - 0.1 * whole).max()
    constants = RiskConstants(1.0, 0.05, z1, 0.1)
    bounds = {}
    for formulas in ("corrected", "paper"):
        missing = missing_probability(np.full((CLIENTS, 1), success), subscribed[:, None], formulas)
        bounds[formulas] = float(
            gradient_error_bound(missing_weight(rho, missing), whole, constants)[0]
        )
    error = mean_error(clients, subscribed, success)
    assert error > 1e-3
    assert error <= bounds["corrected"]
    assert (bounds["paper"] == 0) is printed_is_zero
    assert (bounds["paper"] < error) is printed_is_zero  # violated


def test_cross_term_of_26_is_zero(clients):
    """sum_k rho_k e^T (grad F_k - grad F) = 0 for any e: printed A and B need no K terms."""
    e = np.random.default_rng(2).normal(size=WIDTH)
    rho = np.full(CLIENTS, 1 / CLIENTS)
    assert abs(rho @ ((clients - rho @ clients) @ e)) < 1e-15


def test_corrected_step_bound_holds_on_a_quadratic():
    """(6*): E[F(w+) - F*] <= (1 - A)(F(w) - F*) + B with the exact constants of a quadratic
    problem.
    """
    rng = np.random.default_rng(3)
    curvature = np.array([0.2, 1.0])
    optima = rng.normal(size=(CLIENTS, 2))  # F_k = 1/2 (w - o_k)^T C (w - o_k)
    w = np.array([2.0, -1.5])
    gradients = (w - optima) * curvature
    whole = gradients.mean(axis=0)
    best = optima.mean(axis=0)

    def risk(at):
        return 0.5 * (((at[..., None, :] - optima) ** 2) * curvature).sum(-1).mean(-1)

    z2 = 0.1
    z1 = max(0.0, ((gradients**2).sum(1) - z2 * (whole**2).sum()).max())
    constants = RiskConstants(1.0, 0.2, z1, z2)
    for success in (0.2, 0.6, 1.0):
        received = rng.random((20_000, CLIENTS)) < success
        step = received @ gradients / np.maximum(received.sum(1), 1)[:, None]
        gap_after = float(risk(w - step).mean() - risk(best))
        missing = missing_weight(np.full(CLIENTS, 1 / CLIENTS), np.full((CLIENTS, 1), 1 - success))
        bound = (1 - contraction(missing, constants)) * (risk(w) - risk(best)) + error_floor(
            missing, constants
        )
        assert gap_after <= bound[0]


def test_contraction_is_a_rate_under_the_defaults():
    s = np.linspace(0, 1, 11)
    a = contraction(s, default_constants())
    assert np.all((a > 0) & (a < 1))
    assert a[0] == pytest.approx(0.1)
    assert a[-1] == pytest.approx(0.06)
    for count in (20, 100, 400):
        printed = contraction(s, default_constants("paper", count), "paper", count)
        assert np.all((printed > 0) & (printed < 1))
    # Printed, with constants as fitted (z2 = 0.1, K = 20): no rate at all, and the bound diverges.
    fitted = RiskConstants(1.0, 0.1, 0.25, 0.1)
    diverging = contraction(s, fitted, "paper", 20)
    assert np.all(diverging < -1)
    floor = error_floor(s, fitted, "paper", 20)
    assert (
        unrolled_bound(1.0, np.tile(diverging, (60, 1)), np.tile(floor, (60, 1)))[-1].min() > 1e20
    )


def test_printed_a_and_b_as_printed():
    c = RiskConstants(0.8, 0.1, 0.3, 0.002)
    s, count = 0.25, 30
    a = 2 * 0.1 / 0.8 * (1 - 8 * 0.002 * s - 4 * 0.002 * count - 0.8 / 2)
    b = 2 * 0.3 / 0.8 * (count + 2 * s)
    assert contraction(s, c, "paper", count) == pytest.approx(a)
    assert error_floor(s, c, "paper", count) == pytest.approx(b)


@pytest.mark.parametrize("formulas", ["corrected", "paper"])
def test_arrival_weight_is_the_slope_of_9(formulas):
    """(1 - A) B_prev + B is affine in the probability of arrival, with slope c (docs/model/switching.md)."""
    c = RiskConstants(0.9, 0.2, 0.4, 0.003)
    lam, previous, count = 0.37, 1.7, 12

    def cost(beta):
        missing = missing_probability(lam, beta, formulas)
        a = contraction(missing, c, formulas, count)
        return (1 - a) * previous + error_floor(missing, c, formulas, count)

    slope = float(cost(1.0) - cost(0.0))
    weight = float(arrival_weight(previous, c, formulas))
    # Corrected: subscribing pays where the link is good. Printed: where it is bad.
    assert slope == pytest.approx(-weight * (lam if formulas == "corrected" else 1 - lam))
    assert cost(0.5) == pytest.approx(cost(0.0) + slope / 2)


def test_bound_6_as_printed_against_a_loop():
    rng = np.random.default_rng(4)
    k, n, t = 5, 3, 4
    gap, rho = rng.random((k, n)), rng.dirichlet(np.ones(k))
    a, b = rng.uniform(0.1, 0.9, (t, n)), rng.random((t, n))
    c, test, norm = RiskConstants(1.2, 0.3, 0.5, 0.01), rng.integers(100, 200, k), 7.0
    got = risk_bound(
        gap, rho, a, b, constants=c, formulas="paper", test_samples=test, foundation_norm_sq=norm
    )
    first = sum(rho[i] * (1 - a[-1, j]) * gap[i, j] for i in range(k) for j in range(n)) / n
    second = sum(
        np.prod([(1 - a[p]).sum() for p in range(q + 1, t)]) * b[q].sum() for q in range(t)
    )
    third = (
        1.2
        / n
        * sum(
            rho[i] * a[-1, j] * np.sqrt(4 * 0.5 / (0.09 * test[i]))
            for i in range(k)
            for j in range(n)
        )
    )
    assert got.convergence == pytest.approx(first)
    assert got.unreliability == pytest.approx(second)
    assert got.heterogeneity == pytest.approx(third)
    assert got.foundation == pytest.approx((1.2 + 2) / 4 * norm)
    assert got.total == pytest.approx(first + second + third + 5.6)


def test_bound_6_corrected():
    gap = np.array([[1.0, 3.0], [2.0, 2.0]])
    rho = np.array([0.25, 0.75])
    c = default_constants()
    a, b = np.array([[0.9, 0.9], [0.1, 0.2]]), np.array([[9.0, 9.0], [0.5, 0.3]])
    got = risk_bound(gap, rho, a, b, constants=c, task_gap=[0.2, 0.4])
    assert got.convergence == pytest.approx(
        0.25 * (0.9 * 1 + 0.8 * 3) / 2 + 0.75 * (0.9 * 2 + 0.8 * 2) / 2
    )
    assert got.unreliability == pytest.approx(0.4)
    assert got.heterogeneity == pytest.approx(0.15 * (0.25 * 0.2 + 0.75 * 0.4))
    assert got.foundation == 0.0


def test_unrolled_bound_converges_to_b_over_a():
    bound = unrolled_bound(10.0, np.full((400, 2), 0.1), np.tile([0.01, 0.0], (400, 1)))
    assert bound.shape == (401, 2)
    np.testing.assert_allclose(bound[-1], [0.1, 0.0], atol=1e-12)
    assert np.all(np.diff(bound[:, 0]) <= 0)


def test_bad_constants_and_formulas():
    with pytest.raises(InputError, match="smoothness"):
        RiskConstants(0.0, 0.1, 0.5, 0.1)
    with pytest.raises(InputError, match="dispersion"):
        RiskConstants(1.0, 0.1, float("nan"), 0.1)
    with pytest.raises(InputError, match="convexity must not exceed"):
        RiskConstants(1.0, 2.0, 0.5, 0.1)
    with pytest.raises(InputError, match="formulas"):
        missing_probability(0.5, 1.0, "printed")
