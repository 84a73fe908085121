"""Shares of uploads that start at different times."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.allocation.staggered import allocate_staggered
from netsim.allocation.uplinks import Uplinks
from netsim.errors import InputError

BAND = {"bandwidth_hz": 1e7, "noise_psd_w_hz": 1e-19}


# type: ignore[type-arg]
def _case(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return (
        10 ** generator.uniform(-13, -10, count),
        10 ** generator.uniform(-14, -12, count),
        generator.uniform(1e5, 4e6, count),
        generator.uniform(0.0, 2.0, count),
    )


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_all_finish_together_on_the_whole_band(count: int) -> None:
    signal, interference, payload, start = _case(count)
    found = allocate_staggered(signal, interference, payload, start, **BAND)
    assert found.shares.sum() == pytest.approx(1.0, abs=1e-12)
    rate = Uplinks.of(signal, interference, payload, **BAND).rate_bps(found.shares)
    assert np.allclose(start + payload / rate, found.finish_s, rtol=1e-9)
    assert np.allclose(found.upload_s, payload / rate)


def test_no_other_shares_finish_earlier() -> None:
    signal, interference, payload, start = _case(4, seed=2)
    found = allocate_staggered(signal, interference, payload, start, **BAND)
    links = Uplinks.of(signal, interference, payload, **BAND)

    best = minimize(  # over (shares, T)
        lambda x: x[4],
        np.array([0.25] * 4 + [100.0]),
        method="SLSQP",
        bounds=[(1e-4, 1.0)] * 4 + [(0.0, None)],
        constraints=[
            {"type": "ineq", "fun": lambda x: x[4] - start - payload / links.rate_bps(x[:4])},
            {"type": "ineq", "fun": lambda x: 1.0 - x[:4].sum()},
        ],
        options={"maxiter": 500, "ftol": 1e-10},
    )
    assert best.success
    assert found.finish_s == pytest.approx(best.fun, rel=1e-7)


def test_equal_starts_are_algorithm_1() -> None:
    signal, interference, payload, _ = _case(9)
    found = allocate_staggered(signal, interference, payload, np.full(9, 1.5), **BAND)
    plain = allocate_bandwidth(signal, interference, payload, **BAND)
    assert np.array_equal(found.shares, plain.shares)
    assert found.finish_s == pytest.approx(1.5 + plain.finish_s)


def test_who_starts_late_gets_more() -> None:
    found = allocate_staggered(np.full(2, 1e-11), 1e-13, 1e6, np.array([0.0, 0.1]), **BAND)
    assert found.shares[1] > found.shares[0]


def test_edges() -> None:
    assert allocate_staggered([], [], [], [], **BAND).finish_s == 0.0
    silent = allocate_staggered([1e-11, 0.0], 1e-13, 1e6, [0.0, 1.0], **BAND)
    assert silent.finish_s == np.inf
    assert silent.infeasible.tolist() == [False, True]
    with pytest.raises(InputError, match="start_s must be finite and at least 0"):
        allocate_staggered([1e-11], [1e-13], [1e6], [-1.0], **BAND)
