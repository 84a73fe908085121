"""The paper's bisection: same answer as Newton's method, its counts, and where its printed bracket
fails.
"""

from __future__ import annotations

import numpy as np
import pytest

from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.allocation.two_tier import two_tier_search
from netsim.units import dbm_to_w

W, N0 = 1e9, dbm_to_w(-162.0)
BAND = {"bandwidth_hz": W, "noise_psd_w_hz": N0}


def cell(count, seed=0):
    rng = np.random.default_rng(seed)
    d = 10 + 300 * np.sqrt(rng.random(count))
    return 0.2 * d**-3.8, np.full(count, 1e-12), np.full(count, 9.44e6)


@pytest.mark.parametrize("count", [1, 2, 40])
def test_same_answer(count):
    s, i, g = cell(count)
    newton = allocate_bandwidth(s, i, g, **BAND)
    search = two_tier_search(s, i, g, precision=1e-10, **BAND)
    assert search.converged
    assert search.finish_s == pytest.approx(newton.finish_s, rel=1e-9)
    np.testing.assert_allclose(search.shares, newton.shares, rtol=1e-8)
    loose = two_tier_search(s, i, g, precision=1e-2, **BAND)
    assert 0.99 <= loose.shares.sum() <= 1
    assert newton.finish_s <= loose.finish_s <= 1.02 * newton.finish_s
    assert loose.outer_iterations < search.outer_iterations


def test_outer_iterations_fall_with_k_and_inner_solutions_rise():
    """docs/model/bandwidth.md: for a fixed E_input it is the total that rises with K, not the outer
    count.
    """
    outer, inner = [], []
    for count in (10, 100, 1000):
        runs = [
            two_tier_search(
                *cell(count, seed), precision=1e-2, finish_bracket_s=(5e-3, 100.0), **BAND
            )
            for seed in range(10)
        ]
        assert all(run.converged for run in runs)
        outer.append(np.mean([run.outer_iterations for run in runs]))
        inner.append(np.mean([run.inner_iterations for run in runs]))
    assert outer[0] > outer[1] > outer[2]
    assert inner[0] < inner[1] < inner[2]


def test_printed_bracket_can_miss_the_root():
    """E_min = 5 ms above E*: the shares never sum to 1 - omega, and the loop burns all its
    iterations.
    """
    s, i, g = np.array([0.2 * 30.0**-3.8]), np.array([1e-12]), np.array([4.72e6])
    best = allocate_bandwidth(s, i, g, **BAND)
    assert best.finish_s < 5e-3
    stuck = two_tier_search(s, i, g, finish_bracket_s=(5e-3, 10.0), max_iterations=60, **BAND)
    assert not stuck.converged
    assert stuck.outer_iterations == 60
    assert stuck.shares.sum() < 1 - 1e-3
    assert best.finish_s < stuck.finish_s == pytest.approx(5e-3, rel=1e-6)
    # E_input below E*: no shares fit at all.
    none = two_tier_search(s, i, g, finish_bracket_s=(1e-6, 1e-5), max_iterations=60, **BAND)
    assert not none.converged
    assert none.finish_s == np.inf
    np.testing.assert_array_equal(none.shares, 0.0)


def test_none_and_infeasible():
    empty = two_tier_search(np.empty(0), 0.0, np.empty(0), **BAND)
    assert empty.finish_s == 0.0
    assert empty.converged
    got = two_tier_search([1e-9, 0.0], 0.0, 1e6, **BAND)
    np.testing.assert_array_equal(got.infeasible, [False, True])
    assert got.finish_s == np.inf
    assert got.shares[0] > 0.99
