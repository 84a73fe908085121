"""Algorithm 1: against independent solvers, its invariants under wild inputs, speed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pace import slowness
from scipy.optimize import brentq, minimize
from scipy.special import lambertw

from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.errors import InputError
from netsim.units import dbm_to_w

W, N0 = 1e9, dbm_to_w(-162.0)
BAND = {"bandwidth_hz": W, "noise_psd_w_hz": N0}


def cell(count, seed=0, interference=True):
    """UEs uniform in a cell of 560 m radius at 200 mW, mixed adapter sizes."""
    rng = np.random.default_rng(seed)
    d = 10 + 550 * np.sqrt(rng.random(count))
    signal = 0.2 * d**-3.8
    noise = signal / 10 ** rng.uniform(-0.5, 3, count) if interference else np.zeros(count)
    return signal, noise, rng.choice([4.72e6, 9.44e6, 18.9e6, 37.7e6], count)


def rate(share, s, i, w=W, n0=N0):
    return w * share * np.log2(1 + s / (i + w * n0 * share))


def nested_brentq(s, i, g):
    """E by brentq on the sum of shares, each by brentq on its own rate."""
    at_most = max(g / rate(1 / g.size, s, i)) * 1.01
    at_least = max(g / rate(1.0, s, i))

    def share(k, finish):
        f = lambda x: rate(x, s[k], i[k]) * finish / g[k] - 1  # noqa: E731
        return 1.0 if f(1.0) <= 0 else brentq(f, 1e-15, 1.0, xtol=1e-16, rtol=1e-14)

    total = lambda finish: sum(share(k, finish) for k in range(g.size)) - 1  # noqa: E731
    return brentq(total, at_least, at_most, xtol=1e-15, rtol=1e-14) if g.size > 1 else at_least


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("interference", [False, True])
def test_agrees_with_nested_brentq(count, interference):
    s, i, g = cell(count, seed=count, interference=interference)
    got = allocate_bandwidth(s, i, g, **BAND)
    assert got.finish_s == pytest.approx(nested_brentq(s, i, g), rel=1e-8)


@pytest.mark.parametrize("count", [2, 5, 20])
def test_agrees_with_slsqp(count):
    s, i, g = cell(count, seed=100 + count)
    got = allocate_bandwidth(s, i, g, **BAND)
    start = np.append(np.full(count, 1 / count), max(g / rate(1 / count, s, i)))
    scale = start[-1]
    found = minimize(
        lambda x: x[-1],
        np.append(start[:-1], 1.0),
        jac=lambda x: np.append(np.zeros(count), 1.0),
        bounds=[(1e-9, 1.0)] * count + [(1e-9, 2.0)],
        constraints=[
            {"type": "eq", "fun": lambda x: x[:-1].sum() - 1},
            {"type": "ineq", "fun": lambda x: x[-1] - g / rate(x[:-1], s, i) / scale},
        ],
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    assert found.x[-1] * scale == pytest.approx(got.finish_s, rel=1e-8)
    assert np.abs(found.x[:-1] - got.shares).max() < 1e-6


def check_invariants(got, s, i, g, w=W, n0=N0):
    """Finish times equal to 1e-9, shares in [0, 1] that sum to 1, E inside its bracket."""
    assert got.converged
    assert not got.infeasible.any()
    assert got.shares.min() > 0
    assert got.shares.max() <= 1
    assert got.shares.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(g / rate(got.shares, s, i, w, n0), got.finish_s, rtol=1e-9)
    assert got.finish_s >= max(g / rate(1.0, s, i, w, n0)) * (1 - 1e-9)
    assert got.finish_s <= max(g / rate(1.0 / g.size, s, i, w, n0)) * (1 + 1e-9)


wild_uplink = st.tuples(
    st.floats(-40, 60),  # SINR over the whole band, dB
    st.floats(3, 10),  # log10 payload, bit
    st.one_of(
        st.just(0.0), st.floats(1e-9, 1 - 1e-9)
    ),  # interference's part of noise plus interference
)


@settings(max_examples=300, deadline=None)
@given(st.lists(wild_uplink, min_size=1, max_size=40), st.floats(4, 10))
def test_always_converges(uplinks, log_band):
    sinr_db, log_payload, part = np.array(uplinks).T
    w = 10**log_band
    interference = part / (1 - part) * w * N0
    signal = 10 ** (sinr_db / 10) * (interference + w * N0)
    payload = 10**log_payload
    got = allocate_bandwidth(signal, interference, payload, bandwidth_hz=w, noise_psd_w_hz=N0)
    check_invariants(got, signal, interference, payload, w)
    assert got.outer_iterations < 40


def test_always_converges_at_scale():
    rng = np.random.default_rng(1)
    for count in (1, 2, 30, 1000, 20_000):
        for same_scale in (False, True):
            interference = W * N0 * 10 ** rng.uniform(-6, 6, count) * (rng.random(count) < 0.7)
            signal = 10 ** rng.uniform(-4, 6, count) * (interference + W * N0)
            payload = 10 ** rng.uniform(3, 10, count) if not same_scale else np.full(count, 9.44e6)
            got = allocate_bandwidth(signal, interference, payload, **BAND)
            check_invariants(got, signal, interference, payload)


def test_monotone_in_band_and_payload():
    s, i, g = cell(50)
    base = allocate_bandwidth(s, i, g, **BAND)
    wider = allocate_bandwidth(s, i, g, bandwidth_hz=2 * W, noise_psd_w_hz=N0)
    assert wider.finish_s < base.finish_s
    for k in (0, 17):
        heavier = g.copy()
        heavier[k] *= 1.01
        assert allocate_bandwidth(s, i, heavier, **BAND).finish_s > base.finish_s
    # Announcing a smaller payload to the same shares never delays anyone: shares stay feasible.
    lighter = allocate_bandwidth(s, i, 0.5 * g, **BAND)
    assert lighter.finish_s < base.finish_s


def test_noise_density_per_ue():
    """Network mode: interference that grows with the band is noise of that UE alone."""
    s, _, g = cell(30)
    density = N0 * np.linspace(1, 50, 30)
    got = allocate_bandwidth(s, 0.0, g, bandwidth_hz=W, noise_psd_w_hz=density)
    check_invariants(got, s, 0.0, g, n0=density)


def test_sets_of_none_and_one():
    empty = allocate_bandwidth(np.empty(0), np.empty(0), np.empty(0), **BAND)
    assert empty.finish_s == 0.0
    assert empty.shares.shape == (0,)
    one = allocate_bandwidth(1e-10, 1e-12, 9.44e6, **BAND)
    np.testing.assert_array_equal(one.shares, [1.0])
    assert one.finish_s == pytest.approx(9.44e6 / rate(1.0, 1e-10, 1e-12), rel=1e-12)


def test_infeasible_is_reported():
    s, i, g = cell(4)
    s[1] = 0.0
    got = allocate_bandwidth(s, i, g, **BAND)
    np.testing.assert_array_equal(got.infeasible, [False, True, False, False])
    assert got.finish_s == np.inf  # never hidden
    assert got.shares[1] == 0
    keep = [0, 2, 3]
    alone = allocate_bandwidth(s[keep], i[keep], g[keep], **BAND)
    np.testing.assert_array_equal(got.shares[keep], alone.shares)
    np.testing.assert_allclose(got.upload_s[keep], alone.finish_s, rtol=1e-9)


def test_nothing_to_send_takes_no_band():
    s, i, g = cell(4)
    g[2] = 0.0
    s[2] = 0.0
    got = allocate_bandwidth(s, i, g, **BAND)
    assert got.shares[2] == 0
    assert got.upload_s[2] == 0
    assert not got.infeasible.any()
    assert got.shares.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"signal_w": [1e-9, -1e-9]}, "signal_w"),
        ({"signal_w": [1e-9, float("nan")]}, "signal_w"),
        ({"interference_w": [0.0, float("inf")]}, "interference_w"),
        ({"payload_bits": float("nan")}, "payload_bits"),
        ({"bandwidth_hz": 0.0}, "bandwidth_hz"),
        ({"bandwidth_hz": float("nan")}, "bandwidth_hz"),
        ({"noise_psd_w_hz": -1.0}, "noise_psd_w_hz"),
        (
            {"noise_psd_w_hz": 0.0, "interference_w": [0.0, 1e-12]},
            "noise_psd_w_hz or interference_w",
        ),
        ({"payload_bits": [1.0, 2.0, 3.0]}, "broadcast"),
    ],
)
def test_bad_input_is_named(change, named):
    args = {"signal_w": [1e-9, 1e-9], "interference_w": 0.0, "payload_bits": 1e6} | BAND | change
    with pytest.raises(InputError, match=named):
        allocate_bandwidth(
            args.pop("signal_w"), args.pop("interference_w"), args.pop("payload_bits"), **args
        )


def test_lambert_form_needs_the_other_branch():
    """(19)-(20) need W_-1 above SINR e - 1, and psi = 0 solves (20) whatever the input."""
    s, i, g = cell(60, seed=4)
    got = allocate_bandwidth(s, i, g, **BAND)
    x = 1 + s / (i + W * N0 * got.shares)
    assert np.any(x > np.e)
    assert np.any(x < np.e)
    w = -np.log(x)
    psi = w * np.exp(w)

    def right_side(psi, w):  # of (20), with psi / LW(psi) = e^w
        return (g * N0 * np.log(2) / (got.finish_s * s) - i / s * w) * np.expm1(w)

    np.testing.assert_allclose(psi, right_side(psi, w), rtol=1e-7)
    np.testing.assert_array_equal(
        right_side(0.0, np.zeros_like(s)), 0.0
    )  # the spurious root, whatever the input
    other = lambertw(psi, -1).real
    principal = lambertw(psi, 0).real
    share = lambda lw: (s / np.expm1(-lw) - i) / (W * N0)  # noqa: E731  (19)
    right = np.where(x > np.e, share(other), share(principal))
    np.testing.assert_allclose(right, got.shares, rtol=1e-5)
    wrong = share(principal)[x > np.e]
    assert np.median(wrong / got.shares[x > np.e]) > 10


def test_fast_enough():
    """A loose version of analysis/bench_allocation.py (50 ms of CPU time at 1e5, 1 s at 1e6)."""
    s, i, g = cell(100_000)
    best = np.inf
    for _ in range(3):
        started = time.process_time()
        got = allocate_bandwidth(s, i, g, **BAND)
        best = min(best, time.process_time() - started)
    check_invariants(got, s, i, g)
    assert best < 0.25 * slowness()
